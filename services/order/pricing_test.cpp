#include "pricing.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "rates.hpp"

namespace souk::order::pricing {
namespace {

constexpr TaxRate no_tax{};
const ShippingRate free_shipping{};

// With `discount` off the goods, in proportion to the lines, and one rate of tax.
Result<Totals> price(std::vector<Line> lines, Amount discount, const ShippingRate& shipping, TaxRate tax) {
  SOUK_CHECK(value_of(lines));
  std::vector<Amount> values;
  for (const auto& line : lines) values.push_back(line.unit_price * line.quantity);
  const auto parts = split(discount, values);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].discount = parts[i];
    lines[i].tax = tax;
  }
  return pricing::price(lines, shipping_cost(shipping, lines, discount).value());
}

Amount sum(const std::vector<Amount>& amounts) { return std::accumulate(amounts.begin(), amounts.end(), Amount()); }

TEST(Pricing, AddsUpASimpleOrder) {
  const auto totals = price({{Amount(1000), 2}, {Amount(2550), 1}}, Amount(), {.base = Amount(499)}, {725}).value();
  EXPECT_EQ(totals.subtotal, Amount(4550));
  EXPECT_EQ(totals.lines[0].tax, Amount(145));
  EXPECT_EQ(totals.lines[1].tax, Amount(185)) << "184.875 is rounded half away from zero";
  EXPECT_EQ(totals.tax, Amount(330));
  EXPECT_EQ(totals.shipping, Amount(499));
  EXPECT_EQ(totals.total, Amount(5379));
}

TEST(Pricing, TaxIsRoundedOnceALine) {
  // 3 × 0.33 at 10 %: 9.9 hundredths a line are 10; per piece it would be 9.
  EXPECT_EQ(price({{Amount(33), 3}}, Amount(), free_shipping, {1000})->tax, Amount(10));
  EXPECT_EQ(price({{Amount(5), 1}}, Amount(), free_shipping, {1000})->tax, Amount(1)) << "half goes away from zero";
  EXPECT_EQ(price({{Amount(4), 1}}, Amount(), free_shipping, {1000})->tax, Amount(0));
}

TEST(Pricing, InclusiveTaxLeavesThePriceAsItWasShown) {
  const auto totals = price({{Amount(11900), 1}}, Amount(), free_shipping, {1900, true}).value();
  EXPECT_EQ(totals.tax, Amount(1900));
  EXPECT_EQ(totals.subtotal, Amount(10000));
  EXPECT_EQ(totals.total, Amount(11900));
}

TEST(Pricing, ShippingIsFlatByWeightOrFree) {
  const ShippingRate rate{.base = Amount(499), .per_kg = Amount(50), .free_from = Amount(5000)};
  const auto cost = [&](std::int64_t price, std::int64_t quantity, std::int64_t weight_g) {
    return shipping_cost(rate, {{Amount(price), quantity, weight_g}}, Amount())->minor();
  };
  EXPECT_EQ(cost(100, 1, 0), 499);
  EXPECT_EQ(cost(100, 1, 1000), 499);
  EXPECT_EQ(cost(100, 1, 1001), 549);
  EXPECT_EQ(cost(100, 2, 1500), 599);
  EXPECT_EQ(cost(4999, 1, 0), 499);
  EXPECT_EQ(cost(5000, 1, 90'000), 0);
  EXPECT_EQ(shipping_cost(rate, {{Amount(5000), 1}}, Amount(1))->minor(), 499) << "what is free counts after discount";
}

TEST(Pricing, ATableOfRatesGoesByWeightAndTotal) {
  const ShippingRate rate{.free_from = Amount(10'000),
                          .brackets = {{.max_weight_g = 500, .min_total = Amount(5000), .cost = Amount(100)},
                                       {.max_weight_g = 500, .min_total = std::nullopt, .cost = Amount(300)},
                                       {.max_weight_g = 2000, .min_total = std::nullopt, .cost = Amount(700)}}};
  const auto cost = [&](std::int64_t price, std::int64_t weight_g) {
    return shipping_cost(rate, {{Amount(price), 1, weight_g}}, Amount());
  };
  EXPECT_EQ(cost(5000, 500), Amount(100));
  EXPECT_EQ(cost(4999, 500), Amount(300));
  EXPECT_EQ(cost(5000, 501), Amount(700));
  EXPECT_EQ(cost(5000, 2001), std::nullopt) << "nothing fits: it is not offered";
  EXPECT_EQ(cost(10'000, 2001), Amount());
}

TEST(Pricing, NineThousandUnitsCostNoMoreToPriceThanOne) {
  const auto totals = price({{Amount(999), 9999, 250}}, Amount(), {.base = Amount(499), .per_kg = Amount(50)}, {725});
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->subtotal, Amount(9989001));
}

TEST(Pricing, WhatTheDatabaseCannotHoldIsRefused) {
  const auto code = [](const Result<Totals>& totals) { return totals ? "" : totals.error().code; };
  EXPECT_TRUE(price({{Amount(Amount::max_minor), 1}}, Amount(), free_shipping, no_tax));
  EXPECT_EQ(code(price({{Amount(Amount::max_minor), 2}}, Amount(), free_shipping, no_tax)), "cart.total_limit");
  EXPECT_EQ(code(price({{Amount(Amount::max_minor), 1}, {Amount(1), 1}}, Amount(), free_shipping, no_tax)),
            "cart.total_limit");
  EXPECT_EQ(code(price({{Amount(Amount::max_minor), 1}}, Amount(), free_shipping, {1})), "cart.total_limit");
  EXPECT_EQ(code(price({{Amount(1), INT64_MAX}}, Amount(), free_shipping, no_tax)), "cart.total_limit");
  const ShippingRate heavy{.per_kg = Amount(Amount::max_minor)};
  EXPECT_EQ(code(price({{Amount(1), 2, INT64_MAX}}, Amount(), heavy, no_tax)), "cart.total_limit");
}

// --- properties

struct Case {
  std::vector<Line> lines;
  Amount discount;
  ShippingRate shipping;
  TaxRate tax;
};

Case random_case(std::mt19937_64& random) {
  const auto below = [&random](std::int64_t bound) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
  };
  Case one;
  Amount goods;
  const auto lines = 1 + below(12);
  for (std::int64_t i = 0; i < lines; ++i) {
    one.lines.push_back({Amount(below(3) == 0 ? below(10) : below(200'000)), 1 + below(20), below(3000)});
    goods += one.lines.back().unit_price * one.lines.back().quantity;
  }
  one.discount = below(2) == 0 ? Amount() : Amount(below(goods.minor() + 1));
  one.shipping = {.base = Amount(below(2000)), .per_kg = Amount(below(300))};
  if (below(2) == 0) one.shipping.free_from = Amount(below(100'000));
  one.tax = {below(10'001), below(2) == 0};
  return one;
}

TEST(PricingProperties, TotalsAlwaysAddUp) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 50'000; ++i) {
    const auto one = random_case(random);
    const auto totals = price(one.lines, one.discount, one.shipping, one.tax).value();
    Amount subtotal, tax, discount, shown;
    for (std::size_t n = 0; n < totals.lines.size(); ++n) {
      const auto& line = totals.lines[n];
      subtotal += line.total;
      tax += line.tax;
      discount += line.discount;
      shown += one.lines[n].unit_price * one.lines[n].quantity;
      EXPECT_GE(line.total, Amount());
      EXPECT_GE(line.tax, Amount());
      EXPECT_GE(line.discount, Amount());
    }
    ASSERT_EQ(totals.subtotal, subtotal);
    ASSERT_EQ(totals.tax, tax);
    ASSERT_EQ(totals.discount, discount);
    ASSERT_EQ(totals.discount, one.discount);
    ASSERT_EQ(totals.total, totals.subtotal + totals.tax + totals.shipping - totals.discount);
    ASSERT_GE(totals.total, Amount());
    if (one.tax.is_inclusive) ASSERT_EQ(totals.total, shown - one.discount + totals.shipping);
    if (!one.tax.is_inclusive) ASSERT_EQ(totals.subtotal, shown);
  }
}

TEST(PricingProperties, TaxIsWithinHalfAHundredthALine) {
  std::mt19937_64 random(43);
  for (int i = 0; i < 20'000; ++i) {
    auto one = random_case(random);
    one.tax.is_inclusive = false;
    const auto totals = price(one.lines, one.discount, one.shipping, one.tax).value();
    for (const auto& line : totals.lines) {
      const auto exact = (line.total - line.discount).minor() * one.tax.basis_points;
      ASSERT_LE(std::abs(line.tax.minor() * 10'000 - exact), 5'000);
    }
  }
}

TEST(PricingProperties, PartsSumToTheWhole) {
  std::mt19937_64 random(44);
  for (int i = 0; i < 50'000; ++i) {
    std::vector<Amount> weights;
    const auto count = 1 + random() % 10;
    for (std::size_t n = 0; n < count; ++n) weights.emplace_back(static_cast<std::int64_t>(random() % 10'000));
    const auto whole = sum(weights);
    const Amount amount(
        whole == Amount() ? 0 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(whole.minor() + 1)));
    const auto parts = split(amount, weights);
    ASSERT_EQ(sum(parts), amount);
    for (std::size_t n = 0; n < count; ++n) {
      ASSERT_GE(parts[n], Amount());
      ASSERT_LE(parts[n], weights[n]);
      if (whole == Amount()) continue;
      const auto exact = static_cast<double>(amount.minor()) * static_cast<double>(weights[n].minor()) /
                         static_cast<double>(whole.minor());
      ASSERT_LT(std::abs(static_cast<double>(parts[n].minor()) - exact), 1.0 + 1e-9);
    }
  }
}

TEST(Rates, TheStatesRateComesBeforeTheCountrys) {
  Rates rates;
  rates.taxes = {{"US", "CA", {725}}, {"US", "", {100}}, {"DE", "", {1900}}};
  EXPECT_EQ(rates.tax_for("US", "ca").basis_points, 725);
  EXPECT_EQ(rates.tax_for("US", "NV").basis_points, 100);
  EXPECT_EQ(rates.tax_for("DE", "").basis_points, 1900);
  EXPECT_EQ(rates.tax_for("JP", "").basis_points, 0);
}

}  // namespace
}  // namespace souk::order::pricing
