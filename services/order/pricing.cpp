#include "pricing.hpp"

#include <stdexcept>

#include "errors.hpp"

namespace souk::order::pricing {
namespace {

constexpr std::int64_t grams_a_kilogram = 1000;
constexpr std::int64_t whole = 10'000;  // basis points

// The value of a line as the customer reads it; absent beyond what the database can hold.
std::optional<Amount> value_of(const Line& line) {
  std::int64_t minor = 0;
  if (line.quantity < 0 || line.unit_price.minor() < 0) throw std::logic_error("a line has a negative price");
  if (__builtin_mul_overflow(line.unit_price.minor(), line.quantity, &minor)) return std::nullopt;
  if (minor > Amount::max_minor) return std::nullopt;
  return Amount(minor);
}

PricedLine price_line(Amount value, Amount discount, TaxRate rate) {
  const Amount taxed = value - discount;
  if (!rate.is_inclusive) return {value, discount, multiply_rounded(taxed, rate.basis_points, whole)};
  const auto tax = multiply_rounded(taxed, rate.basis_points, whole + rate.basis_points);
  // The net value is what is left, so that what the customer pays is exactly the price that was shown.
  return {value - tax, discount, tax};
}

std::int64_t weight_of(const std::vector<Line>& lines) {
  std::int64_t weight_g = 0;
  for (const auto& line : lines) {
    std::int64_t piece = 0;
    if (__builtin_mul_overflow(line.weight_g, line.quantity, &piece) ||
        __builtin_add_overflow(weight_g, piece, &weight_g)) {
      return INT64_MAX;
    }
  }
  return weight_g;
}

Amount by_kilogram(const ShippingRate& rate, std::int64_t weight_g) {
  if (weight_g <= grams_a_kilogram) return rate.base;
  const auto beyond = weight_g - grams_a_kilogram;
  const auto kilograms = beyond / grams_a_kilogram + (beyond % grams_a_kilogram == 0 ? 0 : 1);
  // A weight beyond all sense must end in a refused total, not in an overflow.
  if (rate.per_kg.minor() != 0 && kilograms > Amount::max_minor / rate.per_kg.minor()) {
    return Amount(Amount::max_minor + 1);
  }
  return rate.base + rate.per_kg * kilograms;
}

bool fits(const ShippingBracket& bracket, Amount goods, std::int64_t weight_g) {
  return (!bracket.max_weight_g || weight_g <= *bracket.max_weight_g) &&
         (!bracket.min_total || goods >= *bracket.min_total);
}

}  // namespace

Result<Amount> value_of(const std::vector<Line>& lines) {
  Amount goods;
  for (const auto& line : lines) {
    const auto value = value_of(line);
    if (!value) return errors::total_limit();
    goods += *value;
  }
  if (goods.minor() > Amount::max_minor) return errors::total_limit();
  return goods;
}

std::optional<Amount> shipping_cost(const ShippingRate& rate, const std::vector<Line>& lines, Amount discount) {
  Amount goods;
  for (const auto& line : lines) goods += line.unit_price * line.quantity;
  goods -= discount;
  if (rate.free_from && goods >= *rate.free_from) return Amount();
  const auto weight_g = weight_of(lines);
  if (rate.brackets.empty()) return by_kilogram(rate, weight_g);
  for (const auto& bracket : rate.brackets) {
    if (fits(bracket, goods, weight_g)) return bracket.cost;
  }
  return std::nullopt;
}

std::vector<Amount> split(Amount amount, const std::vector<Amount>& weights) {
  __int128 sum = 0;
  for (const auto weight : weights) sum += weight.minor();
  std::vector<Amount> parts;
  parts.reserve(weights.size());
  // Each part is the difference of two running shares, so the parts sum to the last one: the whole amount.
  __int128 running = 0;
  std::int64_t given = 0;
  for (const auto weight : weights) {
    running += weight.minor();
    const auto until = sum == 0 ? 0 : static_cast<std::int64_t>(amount.minor() * running / sum);
    parts.emplace_back(until - given);
    given = until;
  }
  if (given != amount.minor()) throw std::logic_error("an amount is split among nothing");
  return parts;
}

Result<Totals> price(const std::vector<Line>& lines, Amount shipping) {
  SOUK_CHECK(value_of(lines));
  Totals totals{.shipping = shipping};
  totals.lines.reserve(lines.size());
  for (const auto& line : lines) {
    const auto value = line.unit_price * line.quantity;
    if (line.discount < Amount() || line.discount > value) throw std::logic_error("a discount is larger than its line");
    const auto& priced = totals.lines.emplace_back(price_line(value, line.discount, line.tax));
    totals.subtotal += priced.total;
    totals.discount += priced.discount;
    totals.tax += priced.tax;
  }
  totals.total = totals.subtotal + totals.tax + totals.shipping - totals.discount;
  if (totals.total.minor() > Amount::max_minor || totals.subtotal.minor() > Amount::max_minor) {
    return errors::total_limit();
  }
  return totals;
}

}  // namespace souk::order::pricing
