#include "currency.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace souk::payment {
namespace {

// ISO 4217: the currencies whose exponent is not two.
constexpr std::array no_decimals = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
                                    "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr std::array three_decimals = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};

template <std::size_t Size>
bool has(const std::array<const char*, Size>& currencies, std::string_view currency) {
  return std::ranges::any_of(currencies, [&](const char* one) { return currency == one; });
}

}  // namespace

bool is_currency(std::string_view currency) {
  return currency.size() == 3 && std::ranges::all_of(currency, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::optional<std::int64_t> to_units(Amount amount, std::string_view currency) {
  if (has(three_decimals, currency)) return amount.minor() * 10;
  if (!has(no_decimals, currency)) return amount.minor();
  if (amount.minor() % 100 != 0) return std::nullopt;
  return amount.minor() / 100;
}

Amount from_units(std::int64_t units, std::string_view currency) {
  if (has(no_decimals, currency)) return Amount(1) * 100 * units;
  if (!has(three_decimals, currency)) return Amount(1) * units;
  if (units % 10 != 0) throw std::runtime_error("a gateway names a tenth of a hundredth");
  return Amount(1) * (units / 10);
}

}  // namespace souk::payment
