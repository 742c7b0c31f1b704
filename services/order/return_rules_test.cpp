#include "return_rules.hpp"

#include <gtest/gtest.h>

#include <random>

namespace souk::order::return_rules {
namespace {

BoughtItem item(std::int64_t quantity, std::int64_t total, std::int64_t discount, std::int64_t tax) {
  return {.id = Uuid::v7(),
          .sellable_id = "a",
          .quantity = quantity,
          .total = Amount(total),
          .discount = Amount(discount),
          .tax = Amount(tax)};
}

std::string refusal(const std::vector<BoughtItem>& bought, const std::vector<ParcelItem>& wanted) {
  const auto checked = check(bought, wanted);
  return checked ? "" : checked.error().code + " " + checked.error().errors.at(0).field;
}

TEST(ReturnRules, NoMoreComesBackThanWasBought) {
  auto bought = item(3, 300, 0, 0);
  bought.asked = 1;
  EXPECT_EQ(refusal({bought}, {{bought.id, 2}}), "");
  EXPECT_EQ(refusal({bought}, {{bought.id, 3}}), "return.too_many items[0].quantity");
  EXPECT_EQ(refusal({bought}, {{Uuid::v7(), 1}}), "order.unknown_item items[0].order_item_id");
  EXPECT_EQ(refusal({bought}, {{bought.id, 1}, {bought.id, 1}}), "order.unknown_item items[1].order_item_id");
  EXPECT_EQ(refusal({bought}, {}), "order.unknown_item items");
}

TEST(ReturnRules, PartsAddUpToTheWhole) {
  EXPECT_EQ(share(Amount(100), 0, 1, 3), Amount(33));
  EXPECT_EQ(share(Amount(100), 1, 2, 3), Amount(34));
  EXPECT_EQ(share(Amount(100), 2, 3, 3), Amount(33));
  EXPECT_EQ(share(Amount(9'999'999'999), 0, 1'000'000, 1'000'000), Amount(9'999'999'999));
}

// Whatever was bought, and in whatever parts it comes back.
TEST(ReturnRules, RefundDiscountAndTaxOfAllReturnsAreTheItems) {
  std::mt19937 random(7);
  const auto below = [&random](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int round = 0; round < 2000; ++round) {
    const auto total = below(100'000);
    auto bought = item(1 + below(9), total, below(total + 1), below(2000));
    Amount refund, discount, tax;
    while (bought.received < bought.quantity) {
      const auto quantity = 1 + below(bought.quantity - bought.received);
      const auto back = values({bought}, *bought.tax, {{.order_item_id = bought.id, .quantity = quantity}}).at(0);
      ASSERT_GE(*back.refund, Amount());
      refund += *back.refund;
      discount += *back.discount;
      tax += *back.tax;
      bought.received += quantity;
    }
    ASSERT_EQ(refund, bought.total - bought.discount + *bought.tax);
    ASSERT_EQ(discount, bought.discount);
    ASSERT_EQ(tax, *bought.tax);
  }
}

TEST(ReturnRules, TheTaxOfOldOrdersIsDividedByWhatTheItemsCost) {
  auto first = item(1, 100, 0, 0), second = item(1, 100, 0, 0), third = item(1, 0, 0, 0);
  first.tax = second.tax = third.tax = std::nullopt;
  EXPECT_EQ(taxes({first, second, third}, Amount(3)), (std::vector{Amount(2), Amount(1), Amount(0)}));
  EXPECT_EQ(taxes({third}, Amount()), std::vector{Amount()});
}

TEST(ReturnRules, StatusesFollowEachOther) {
  using enum ReturnStatus;
  EXPECT_TRUE(check_change(requested, approved));
  EXPECT_TRUE(check_change(approved, received));
  for (const auto& [from, to] : {std::pair(requested, received), {rejected, approved}, {received, rejected}}) {
    EXPECT_EQ(check_change(from, to).error().code, "return.illegal_status");
  }
}

}  // namespace
}  // namespace souk::order::return_rules
