#include "rates.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>

namespace souk::order {
namespace {

using namespace std::chrono_literals;
constexpr Duration fresh_for = 10s;
constexpr Duration usable_for = 10min;

constexpr pg::Statement read_methods{
    "order.read_shipping_methods",
    "SELECT m.id, m.name, r.currency, r.base, r.per_kg, r.free_from FROM shipping_methods m "
    "JOIN shipping_rates r ON r.method_id = m.id WHERE m.is_active ORDER BY m.display_order, m.id, r.currency"};

constexpr pg::Statement read_taxes{"order.read_tax_rates",
                                   "SELECT country, state, basis_points, is_inclusive FROM tax_rates"};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, {}, [](unsigned char c) { return std::toupper(c); }, [](unsigned char c) { return std::toupper(c); });
}

}  // namespace

const Rates::Method* Rates::find_method(std::string_view id, std::string_view currency) const {
  const auto found = std::ranges::find_if(
      methods, [&](const Method& method) { return method.id == id && method.currency == currency; });
  return found == methods.end() ? nullptr : &*found;
}

pricing::TaxRate Rates::tax_for(std::string_view country, std::string_view state) const {
  const Tax* best = nullptr;
  for (const auto& tax : taxes) {
    if (tax.country != country) continue;
    if (tax.state.empty() && best == nullptr) best = &tax;
    if (!tax.state.empty() && equal_ignoring_case(tax.state, state)) best = &tax;
  }
  return best == nullptr ? pricing::TaxRate{} : best->rate;
}

Task<std::shared_ptr<const Rates>> RatesCache::read(Context context) {
  auto rates = std::make_shared<Rates>();
  for (const pg::Row row : co_await pool_.query(context, read_methods)) {
    rates->methods.push_back({.id = row.get<std::string>(0),
                              .name = row.get<std::string>(1),
                              .currency = row.get<std::string>(2),
                              .rate = {.base = row.get<Amount>(3),
                                       .per_kg = row.get<Amount>(4),
                                       .free_from = row.get<std::optional<Amount>>(5)}});
  }
  for (const pg::Row row : co_await pool_.query(context, read_taxes)) {
    rates->taxes.push_back({.country = row.get<std::string>(0),
                            .state = row.get<std::string>(1),
                            .rate = {row.get<std::int64_t>(2), row.get<bool>(3)}});
  }
  rates->promotions = co_await coupons_.promotions(std::move(context));
  co_return rates;
}

void RatesCache::expire() {
  const std::lock_guard lock(mutex_);
  fresh_until_ = {};
  ++changes_;
}

Task<std::shared_ptr<const Rates>> RatesCache::get(Context context) {
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    changes = changes_;
    if (rates_ && Clock::now() < fresh_until_) co_return rates_;
    // The others go on with what there is while one reads.
    if (rates_) fresh_until_ = Clock::now() + 1s;
  }
  std::exception_ptr failure;
  try {
    auto rates = co_await read(std::move(context));
    const std::lock_guard lock(mutex_);
    rates_ = rates;
    // What was changed while they were read may not be among them.
    fresh_until_ = changes == changes_ ? Clock::now() + fresh_for : Deadline{};
    usable_until_ = Clock::now() + usable_for;
    co_return rates;
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  if (!rates_ || Clock::now() >= usable_until_) std::rethrow_exception(failure);
  co_return rates_;
}

}  // namespace souk::order
