#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/money.hpp"
#include "core/result.hpp"

// What an order costs. Pure and exact: whole hundredths, no floating point.
//
// Rounding, stated once: tax is rounded half away from zero once a line, on the line's value after its part of the
// discount. Everything else is exact, and every total is the sum of the parts that were rounded.
namespace souk::order::pricing {

struct TaxRate {
  std::int64_t basis_points = 0;  // 725 is 7.25 %
  bool is_inclusive = false;      // the prices contain it already
};

struct Line {
  Amount unit_price;
  std::int64_t quantity = 1;
  std::int64_t weight_g = 0;   // a piece
  Amount discount = Amount();  // of the whole line, at most its value
  TaxRate tax = {};
};

// A row of a table of rates: what shipping costs that is within both limits. An absent one is no limit.
struct ShippingBracket {
  std::optional<std::int64_t> max_weight_g;
  std::optional<Amount> min_total;  // goods after discount
  Amount cost;
};

struct ShippingRate {
  Amount base;
  Amount per_kg;                    // for each started kilogram beyond the first
  std::optional<Amount> free_from;  // goods after discount
  std::vector<ShippingBracket>
      brackets;  // instead of base and per_kg: the first that fits; where none does, not offered
};

struct PricedLine {
  Amount total;     // without tax: of an inclusive rate the net value
  Amount discount;  // the line's part
  Amount tax;
};

// total = subtotal + tax + shipping − discount, and subtotal = Σ lines.total, tax = Σ lines.tax, discount = Σ
// lines.discount.
struct Totals {
  std::vector<PricedLine> lines;
  Amount subtotal;
  Amount discount;
  Amount shipping;
  Amount tax;
  Amount total;
};

// `shipping` is what shipping_cost() said. cart.total_limit beyond 99,999,999.99.
Result<Totals> price(const std::vector<Line>& lines, Amount shipping);

// What the goods cost as they are shown, without discount. cart.total_limit
Result<Amount> value_of(const std::vector<Line>& lines);

// What shipping the lines costs, by their weight and by their value after `discount`; nothing where it is not offered.
std::optional<Amount> shipping_cost(const ShippingRate& rate, const std::vector<Line>& lines, Amount discount);

// Splits `amount` in proportion to `weights`: the parts sum to it exactly, none differs from its exact share by a
// hundredth or more, and none is larger than its weight when the amount is not larger than their sum.
std::vector<Amount> split(Amount amount, const std::vector<Amount>& weights);

}  // namespace souk::order::pricing
