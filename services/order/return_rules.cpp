#include "return_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <stdexcept>

#include "errors.hpp"
#include "json/json.hpp"

namespace souk::order::return_rules {

Result<std::vector<ShippedItem>> check(const std::vector<BoughtItem>& bought, const std::vector<ParcelItem>& wanted) {
  std::vector<FieldError> unknown;
  std::vector<FieldError> missing;
  std::vector<ShippedItem> items;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& item = wanted[i];
    const auto known = std::ranges::find(bought, item.order_item_id, &BoughtItem::id);
    if (known == bought.end()) {
      unknown.push_back({fmt::format("items[{}].order_item_id", i), "unknown", "is not an item of this order"});
    } else if (std::ranges::find(items, item.order_item_id, &ShippedItem::order_item_id) != items.end()) {
      unknown.push_back({fmt::format("items[{}].order_item_id", i), "duplicate", "is named twice"});
    } else if (item.quantity.value > known->quantity - known->asked) {
      missing.push_back({fmt::format("items[{}].quantity", i), "too_many",
                         fmt::format("at most {} can be returned", known->quantity - known->asked)});
    }
    items.push_back({item.order_item_id, item.quantity.value});
  }
  if (wanted.empty()) unknown.push_back({"items", "missing", "name at least one item"});
  if (!unknown.empty()) return errors::unknown_item(std::move(unknown));
  if (!missing.empty()) return errors::too_many_returned(std::move(missing));
  return items;
}

Amount share(Amount whole, std::int64_t before, std::int64_t upto, std::int64_t of) {
  if (before < 0 || upto < before || of < upto || of <= 0) throw std::logic_error("no part of an item");
  return multiply_rounded(whole, upto, of) - multiply_rounded(whole, before, of);
}

std::vector<Amount> taxes(const std::vector<BoughtItem>& bought, Amount order_tax) {
  std::vector<Amount> all;
  if (std::ranges::all_of(bought, [](const BoughtItem& item) { return item.tax.has_value(); })) {
    for (const auto& item : bought) all.push_back(*item.tax);
    return all;
  }
  std::int64_t sum = 0;
  for (const auto& item : bought) sum += (item.total - item.discount).minor();
  std::int64_t before = 0;
  for (const auto& item : bought) {
    const auto upto = before + (item.total - item.discount).minor();
    all.push_back(sum > 0 ? share(order_tax, before, upto, sum) : Amount());
    before = upto;
  }
  return all;
}

std::vector<ReturnedItem> values(const std::vector<BoughtItem>& bought, Amount order_tax,
                                 std::vector<ReturnedItem> returned) {
  const auto all_taxes = taxes(bought, order_tax);
  for (auto& item : returned) {
    const auto known = std::ranges::find(bought, item.order_item_id, &BoughtItem::id);
    if (known == bought.end()) throw std::logic_error("a return has an item of another order");
    const auto from = known->received;
    const auto to = from + item.quantity;
    item.discount = share(known->discount, from, to, known->quantity);
    const auto tax = all_taxes[static_cast<std::size_t>(known - bought.begin())];
    item.tax = share(tax, from, to, known->quantity);
    // Of what was paid as a whole: parts that are rounded one by one could give back less than nothing.
    item.refund = share(known->total - known->discount + tax, from, to, known->quantity);
  }
  return returned;
}

Result<void> check_change(ReturnStatus from, ReturnStatus to) {
  using enum ReturnStatus;
  const bool may = (from == requested && (to == approved || to == rejected)) ||
                   (from == approved && (to == rejected || to == received)) || (from == received && to == refunded);
  if (may) return {};
  return errors::illegal_return_status(json::enum_name(from), json::enum_name(to));
}

}  // namespace souk::order::return_rules
