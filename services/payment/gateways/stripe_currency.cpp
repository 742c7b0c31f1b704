#include "stripe_currency.hpp"

#include "currency.hpp"

namespace souk::payment::stripe {
namespace {

// Stripe's smallest units are those of ISO 4217 but for three currencies: ariaries have none, and króna and Uganda
// shillings are written as if they had cents. Thousandths must end in 0, as ours do.
bool is_whole(std::string_view currency) { return currency == "MGA"; }
bool has_idle_cents(std::string_view currency) { return currency == "ISK" || currency == "UGX"; }

}  // namespace

std::string lower(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string upper(std::string text) {
  for (auto& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::optional<std::int64_t> to_stripe(Amount amount, std::string_view currency) {
  if (!is_whole(currency) && !has_idle_cents(currency)) return to_units(amount, currency);
  if (amount.minor() % 100 != 0) return std::nullopt;
  return is_whole(currency) ? amount.minor() / 100 : amount.minor();
}

Amount from_stripe(std::int64_t units, std::string_view currency) {
  if (is_whole(currency)) return Amount(1) * 100 * units;
  return has_idle_cents(currency) ? Amount(1) * units : from_units(units, currency);
}

}  // namespace souk::payment::stripe
