#include "discounts.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "pricing.hpp"

namespace souk::order::discounts {
namespace {

const Shipping five = [](Amount) { return Amount(500); };

Coupon ten_percent() { return {.code = "TEN", .kind = CouponKind::percent, .basis_points = 1000}; }
Coupon percent(std::int64_t basis_points, bool combinable = false, std::int64_t priority = 0) {
  return {.id = Uuid::v7(),
          .name = "P",
          .kind = CouponKind::percent,
          .basis_points = basis_points,
          .is_combinable = combinable,
          .priority = priority};
}
Coupon buy(std::int64_t x, std::int64_t y, std::int64_t basis_points = 10'000) {
  return {.id = Uuid::v7(),
          .name = "B",
          .kind = CouponKind::buy_x_get_y,
          .basis_points = basis_points,
          .buy_quantity = x,
          .get_quantity = y};
}

Result<Worth> off(const Coupon& coupon, const std::vector<Piece>& pieces) {
  return worth(coupon, pieces, values_of(pieces), "USD", now());
}
std::vector<Amount> amounts(std::initializer_list<std::int64_t> minor) {
  std::vector<Amount> all;
  for (const auto one : minor) all.emplace_back(one);
  return all;
}

TEST(Worth, PercentIsRoundedOnceAndAFixedAmountIsAtMostTheGoods) {
  EXPECT_EQ(off(ten_percent(), {{Amount(1005)}})->discount, Amount(101));
  const Coupon fixed{.kind = CouponKind::fixed, .amount = Amount(500), .currency = "USD"};
  EXPECT_EQ(off(fixed, {{Amount(1000)}})->discount, Amount(500));
  EXPECT_EQ(off(fixed, {{Amount(300)}})->discount, Amount(300));
  const auto free = off({.kind = CouponKind::free_shipping}, {{Amount(300)}}).value();
  EXPECT_TRUE(free.free_shipping);
  EXPECT_EQ(free.discount, Amount());
}

TEST(Worth, ARefusalSaysWhyAsFarAsItHelps) {
  const auto refusal = [](auto change) {
    auto coupon = ten_percent();
    change(coupon);
    return off(coupon, {{Amount(1000)}}).error().code;
  };
  const auto hour = std::chrono::hours(1);
  EXPECT_EQ(refusal([](Coupon& c) { c.is_active = false; }), "coupon.unknown");
  EXPECT_EQ(refusal([&](Coupon& c) { c.valid_from = now() + hour; }), "coupon.unknown");
  EXPECT_EQ(refusal([&](Coupon& c) { c.valid_until = now() - hour; }), "coupon.expired");
  EXPECT_EQ(refusal([](Coupon& c) { c.currency = "EUR"; }), "coupon.not_applicable");
  EXPECT_EQ(refusal([](Coupon& c) { c.minimum_order = Amount(1001); }), "coupon.minimum_not_reached");
  EXPECT_EQ(refusal([](Coupon& c) { c.max_uses = c.uses = 3; }), "coupon.used_up");
  EXPECT_EQ(refusal([](Coupon& c) { c.category_ids = {"other"}; }), "coupon.not_applicable");
  EXPECT_EQ(off(buy(2, 1), {{Amount(1000), 2}}).error().code, "coupon.minimum_not_reached");
}

TEST(Worth, ItIsForTheGoodsInItsScopeOnly) {
  const std::vector<Piece> pieces{{.unit_price = Amount(1000), .product_id = "a"},
                                  {.unit_price = Amount(2000), .category_id = "shoes"},
                                  {.unit_price = Amount(3000), .product_id = "c", .category_id = "boots"},
                                  {.unit_price = Amount(5000), .product_id = "e"}};
  auto coupon = ten_percent();
  coupon.product_ids = {"a"};
  coupon.category_ids = {"shoes", "boots"};
  EXPECT_EQ(off(coupon, pieces)->lines, amounts({100, 200, 300, 0}));
  coupon.minimum_order = Amount(6001);
  EXPECT_EQ(off(coupon, pieces).error().code, "coupon.minimum_not_reached") << "goods out of scope do not count";
}

TEST(Worth, TheCheapestPiecesAreGot) {
  EXPECT_EQ(off(buy(2, 1), {{Amount(1000), 3}})->lines, amounts({1000}));
  EXPECT_EQ(off(buy(2, 1), {{Amount(1000), 5}})->discount, Amount(1000)) << "five pieces are once three";
  EXPECT_EQ(off(buy(1, 1), {{Amount(3000), 1}, {Amount(1000), 2}, {Amount(2000), 1}})->lines, amounts({0, 2000, 0}));
  EXPECT_EQ(off(buy(1, 1, 5000), {{Amount(333), 2}})->discount, Amount(167)) << "half of one, rounded once";
  auto once = buy(2, 1);
  once.max_times = 1;
  EXPECT_EQ(off(once, {{Amount(1000), 9}, {Amount(700), 1}})->lines, amounts({0, 700}));
}

TEST(Choose, WhatStandsAloneCompetesAndWhatCombinesAddsUp) {
  const std::vector<Piece> pieces{{Amount(10'000)}};
  const auto discount = [&](const std::vector<Coupon>& promotions) {
    return choose({}, promotions, pieces, "USD", now(), five)->discount;
  };
  EXPECT_EQ(discount({percent(1000), percent(2000)}), Amount(2000));
  EXPECT_EQ(discount({percent(1000, true), percent(2000, true)}), Amount(2800)) << "10 %, and 20 % of what is left";
  EXPECT_EQ(discount({percent(1000, true), percent(2000, true), percent(3000)}), Amount(3000));
  EXPECT_EQ(discount({}), Amount());
}

TEST(Choose, TheHigherPriorityIsAppliedFirst) {
  Coupon fixed{.id = Uuid::v7(), .name = "F", .kind = CouponKind::fixed, .amount = Amount(1000), .currency = "USD"};
  fixed.is_combinable = true;
  const std::vector<Piece> pieces{{Amount(10'000)}};
  EXPECT_EQ(choose({}, {fixed, percent(1000, true, 1)}, pieces, "USD", now(), five)->discount, Amount(2000));
  fixed.priority = 2;
  EXPECT_EQ(choose({}, {fixed, percent(1000, true, 1)}, pieces, "USD", now(), five)->discount, Amount(1900));
}

TEST(Choose, FreeShippingIsWorthWhatShippingCosts) {
  const Coupon free{.id = Uuid::v7(), .name = "S", .kind = CouponKind::free_shipping};
  EXPECT_TRUE(choose({}, {free, percent(1000)}, {{Amount(4990)}}, "USD", now(), five)->free_shipping);
  EXPECT_FALSE(choose({}, {free, percent(1000)}, {{Amount(5010)}}, "USD", now(), five)->free_shipping);
  const Shipping none = [](Amount) { return Amount(); };
  EXPECT_TRUE(choose({}, {free}, {{Amount(100)}}, "USD", now(), none)->applied.empty()) << "it would take no more off";
}

TEST(Choose, ACouponThatDoesNotHoldRefusesAndAPromotionIsLeftOut) {
  auto late = percent(1000);
  late.valid_until = now() - std::chrono::hours(1);
  EXPECT_TRUE(choose({}, {late}, {{Amount(1000)}}, "USD", now(), five)->applied.empty());
  EXPECT_EQ(choose(late, {}, {{Amount(1000)}}, "USD", now(), five).error().code, "coupon.expired");
}

TEST(Choose, APromotionThatIsBetterLeavesTheCouponUnused) {
  const auto coupon = ten_percent();
  const auto choice = choose(coupon, {percent(2000)}, {{Amount(1000)}}, "USD", now(), five).value();
  ASSERT_EQ(choice.applied.size(), 1u);
  EXPECT_FALSE(choice.applied.front().coupon.code);
  EXPECT_EQ(choose(coupon, {percent(1000)}, {{Amount(1000)}}, "USD", now(), five)->applied.front().coupon.code, "TEN")
      << "of two that are worth the same the customer's own";
}

// --- properties

struct Random {
  std::mt19937_64 engine{7};
  std::int64_t upto(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(engine); }

  Coupon coupon() {
    Coupon one{.id = Uuid::v7(), .name = "R", .is_combinable = upto(1) == 1, .priority = upto(2)};
    one.kind = std::array{CouponKind::percent, CouponKind::fixed, CouponKind::free_shipping,
                          CouponKind::buy_x_get_y}[static_cast<std::size_t>(upto(3))];
    if (one.kind == CouponKind::fixed) one.amount = Amount(1 + upto(50'000));
    if (one.kind == CouponKind::percent || one.kind == CouponKind::buy_x_get_y) one.basis_points = 1 + upto(9'999);
    if (one.kind == CouponKind::buy_x_get_y) one.buy_quantity = 1 + upto(3), one.get_quantity = 1 + upto(2);
    if (upto(2) == 0) one.category_ids = {"A"};
    return one;
  }
};

TEST(DiscountProperties, WhateverIsTakenOffThePartsSumToTheWholeAndNoLineIsNegative) {
  Random random;
  for (int round = 0; round < 5000; ++round) {
    std::vector<Piece> pieces(1 + static_cast<std::size_t>(random.upto(9)));
    for (auto& piece : pieces) {
      piece = {Amount(random.upto(20'000)), 1 + random.upto(98)};
      piece.category_id = random.upto(1) == 1 ? "A" : "B";
    }
    std::vector<Coupon> promotions(static_cast<std::size_t>(random.upto(4)));
    for (auto& one : promotions) one = random.coupon();
    const auto choice = choose({}, promotions, pieces, "USD", now(), five).value();
    std::vector<pricing::Line> lines;
    std::vector<Amount> parts(pieces.size());
    Amount of_all;
    for (const auto& [coupon, worth] : choice.applied) {
      of_all += worth.discount;
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        ASSERT_GE(worth.lines[i], Amount());
        parts[i] += worth.lines[i];
      }
    }
    ASSERT_EQ(parts, choice.applied.empty() ? std::vector<Amount>(pieces.size()) : choice.lines);
    ASSERT_EQ(of_all, choice.discount);
    const bool inclusive = random.upto(1) == 1;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ASSERT_LE(choice.lines[i], pieces[i].unit_price * pieces[i].quantity);
      lines.push_back({pieces[i].unit_price, pieces[i].quantity, 0, choice.lines[i], {random.upto(2500), inclusive}});
    }
    const auto totals = pricing::price(lines, Amount(499)).value();
    ASSERT_EQ(totals.discount, choice.discount);
    ASSERT_EQ(totals.total, totals.subtotal + totals.tax + totals.shipping - totals.discount);
    for (const auto& line : totals.lines) ASSERT_GE(line.total, line.discount);
  }
}

// A piece is a piece however many there are: what is computed for 9,999 is what is computed for one, times 9,999.
TEST(DiscountProperties, QuantitiesAreMultipliedNotCounted) {
  const auto million = off(buy(1, 1), {{Amount(1), 1'000'000'000}});
  EXPECT_EQ(million->discount, Amount(500'000'000));
  EXPECT_EQ(off(ten_percent(), {{Amount(1), 9'000'000'000}})->discount, Amount(900'000'000));
}

}  // namespace
}  // namespace souk::order::discounts
