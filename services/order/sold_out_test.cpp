#include "sold_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "errors.hpp"
#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

using namespace std::chrono_literals;

Details details(std::vector<std::pair<std::string, std::int64_t>> lines) {
  Details made;
  for (auto& [id, quantity] : lines) made.lines.push_back({.sellable_id = id, .quantity = quantity});
  return made;
}

class SoldOutTest : public ::testing::Test {
 protected:
  void refuse(int times, const Details& bought, const std::string& field, Deadline at) {
    const auto refusal = errors::insufficient_stock({{field, "insufficient_stock", "a: only 0 left"}}).error();
    for (int i = 0; i < times; ++i) sold_out.note(bought, refusal, at);
  }
  bool knows(const Details& wanted, Deadline at) const { return sold_out.refusal_of(wanted, at).has_value(); }

  const SoldOut::Limits limits;
  SoldOut sold_out{limits};
  const Deadline start{1h};
};

TEST_F(SoldOutTest, AFewWhoAreRefusedSpeakForNobodyElse) {
  refuse(limits.fewest_refusals - 1, details({{"a", 1}}), "items[0]", start);
  EXPECT_FALSE(knows(details({{"a", 1}}), start));
}

TEST_F(SoldOutTest, ManyDoForAsMuchAndForAQuarterOfASecond) {
  refuse(limits.fewest_refusals, details({{"b", 1}, {"a", 2}}), "items[1]", start);
  const auto refusal = sold_out.refusal_of(details({{"a", 2}}), start + 100ms);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, "inventory.insufficient_stock");
  ASSERT_THAT(refusal->errors, ::testing::SizeIs(1));
  EXPECT_EQ(refusal->errors[0].field, "items[0]");
  EXPECT_EQ(refusal->errors[0].detail, "a: only 0 left");
  EXPECT_FALSE(knows(details({{"a", 1}}), start)) << "one may be left";
  EXPECT_FALSE(knows(details({{"b", 9}}), start)) << "it was not what was short";
  EXPECT_FALSE(knows(details({{"a", 2}}), start + limits.window)) << "somebody has to look again";
}

TEST_F(SoldOutTest, EachWindowBeginsAnew) {
  refuse(limits.fewest_refusals, details({{"a", 1}}), "items[0]", start);
  refuse(1, details({{"a", 1}}), "items[0]", start + limits.window);
  EXPECT_FALSE(knows(details({{"a", 1}}), start + limits.window));
}

TEST_F(SoldOutTest, WhatIsRememberedIsBounded) {
  for (std::size_t i = 0; i < 2 * SoldOut::most_items; ++i) {
    refuse(1, details({{"p" + std::to_string(i), 1}}), "items[0]", start);
  }
  refuse(limits.fewest_refusals, details({{"a", 1}}), "items[0]", start);
  EXPECT_FALSE(knows(details({{"a", 1}}), start));
  refuse(limits.fewest_refusals, details({{"a", 1}}), "items[0]", start + limits.window);
  EXPECT_TRUE(knows(details({{"a", 1}}), start + limits.window));
}

// The service, of which one refusal is enough for all others, for an hour.
class SoldOutCheckouts : public OrderTest {
 protected:
  Options options() override {
    auto options = OrderTest::options();
    options.sold_out = {.window = 1h, .fewest_refusals = 1};
    return options;
  }
};

TEST_F(SoldOutCheckouts, NothingIsWrittenForThem) {
  inventory.stock("b", 0);
  const auto looked_at = buy(usual_cart(), "tok_ok", "first");
  const auto refused = buy(usual_cart(), "tok_ok", "second");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), looked_at.error());
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas"), "1");
}

TEST_F(SoldOutCheckouts, WhoBoughtBeforeGetsTheOrderAgain) {
  inventory.stock("b", 1);
  const auto cart = usual_cart();
  const auto bought = buy(cart, "tok_ok", "first");
  ASSERT_TRUE(bought);
  ASSERT_FALSE(buy(usual_cart(), "tok_ok", "second"));
  carts.put(cart, {{"i1", "a", std::nullopt, 2}, {"i2", "b", std::nullopt, 1}});  // as it was
  const auto again = buy(cart, "tok_ok", "first");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->order->id, bought->order->id);
}

}  // namespace
}  // namespace souk::order
