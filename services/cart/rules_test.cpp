#include "rules.hpp"

#include <gtest/gtest.h>

namespace souk::cart {
namespace {

const Timestamp noon{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12)};

catalog::SellableItem item_of(std::string product_id, std::int64_t minor, std::optional<std::string> variant_id = {}) {
  return {.product_id = product_id,
          .variant_id = variant_id,
          .sellable_id = variant_id.value_or(product_id),
          .sku = "SKU-" + product_id,
          .name = "Name of " + product_id,
          .unit_price = Amount(minor),
          .currency = "USD",
          .sellable = true};
}

StoredCart cart_with(std::vector<std::pair<std::string, std::int64_t>> lines) {
  auto cart = rules::new_cart(noon);
  for (auto& [product, quantity] : lines) EXPECT_TRUE(rules::put(cart, item_of(product, 1000), quantity));
  return cart;
}

std::string code_of(const Result<void>& result) { return result ? "" : result.error().code; }
std::string id_of(std::string_view product) { return rules::item_id_of(product, std::nullopt); }

TEST(CartRules, ACartsIdCannotBeGuessed) {
  // 192 bits in base64url.
  EXPECT_EQ(rules::new_cart_id().size(), 32U);
  EXPECT_NE(rules::new_cart_id(), rules::new_cart_id());
  EXPECT_TRUE(rules::well_formed_id(rules::new_cart_id()));
}

TEST(CartRules, WhatIsNoCartIdIsNoPartOfAKey) {
  EXPECT_TRUE(rules::well_formed_id("abc123"));
  for (const auto& id : {std::string(), std::string("a:b"), std::string("a b"), std::string("a*"), std::string("\0", 1),
                         std::string("é"), std::string(129, 'a')}) {
    EXPECT_FALSE(rules::well_formed_id(id)) << id;
  }
}

TEST(CartRules, TheSameProductAndVariantRaiseTheQuantityOfTheirLine) {
  auto cart = cart_with({{"p1", 2}});
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1000), 3));
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1500, "red"), 1));
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1600, "blue"), 1));
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1500, "red"), 1));
  ASSERT_EQ(cart.items.size(), 3U);
  EXPECT_EQ(cart.items[0].quantity, 5);
  EXPECT_EQ(cart.items[1].quantity, 2);
  EXPECT_EQ(rules::subtotal(cart), Amount(5 * 1000 + 2 * 1500 + 1600));
}

TEST(CartRules, ALineHasThePriceOfTheLastTimeItWasPutIn) {
  auto cart = cart_with({{"p1", 1}});
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1200), 1));
  EXPECT_EQ(cart.items[0].price, Amount(1200));
}

TEST(CartRules, AQuantityIsOneTo999) {
  auto cart = cart_with({{"p1", 998}});
  const auto before = cart;
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1000}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(code_of(rules::put(cart, item_of("p2", 1), wrong)), "cart.quantity_limit") << wrong;
    EXPECT_EQ(code_of(rules::set_quantity(cart, id_of("p1"), wrong)), "cart.quantity_limit") << wrong;
  }
  EXPECT_EQ(code_of(rules::put(cart, item_of("p1", 1000), 2)), "cart.quantity_limit");
  EXPECT_EQ(cart, before);
  EXPECT_TRUE(rules::put(cart, item_of("p1", 1000), 1));
}

TEST(CartRules, ACartHasAtMostAHundredLines) {
  auto cart = rules::new_cart(noon);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(rules::put(cart, item_of("p" + std::to_string(i), 1), 1));
  EXPECT_EQ(code_of(rules::put(cart, item_of("one more", 1), 1)), "cart.too_many_items");
  EXPECT_EQ(cart.items.size(), 100U);
  EXPECT_TRUE(rules::put(cart, item_of("p7", 1), 1));
}

TEST(CartRules, ACartIsWorthNoMoreThanAnOrderCanHold) {
  auto cart = rules::new_cart(noon);
  ASSERT_TRUE(rules::put(cart, item_of("dear", Amount::max_minor), 1));
  const auto before = cart;
  EXPECT_EQ(code_of(rules::put(cart, item_of("p2", 1), 1)), "cart.total_limit");
  EXPECT_EQ(code_of(rules::set_quantity(cart, id_of("dear"), 999)), "cart.total_limit");
  EXPECT_EQ(cart, before);
}

TEST(CartRules, ACartHasOneCurrency) {
  auto cart = cart_with({{"p1", 1}});
  auto euros = item_of("p2", 100);
  euros.currency = "EUR";
  EXPECT_EQ(code_of(rules::put(cart, euros, 1)), "cart.currency_mismatch");
  ASSERT_TRUE(rules::remove(cart, id_of("p1")));
  EXPECT_TRUE(rules::put(cart, euros, 1));
  EXPECT_EQ(cart.currency, "EUR");
}

TEST(CartRules, AnItemThatIsNotThereIsNotChanged) {
  auto cart = cart_with({{"p1", 1}});
  EXPECT_EQ(code_of(rules::set_quantity(cart, "other", 1)), "cart.item_not_found");
  EXPECT_EQ(code_of(rules::remove(cart, "other")), "cart.item_not_found");
}

TEST(CartRules, CouponCodesAreUpperCase) {
  EXPECT_EQ(rules::normal_coupon_code("spring-26"), "SPRING-26");
  for (const auto& wrong : {std::string(), std::string("a b"), std::string("ä"), std::string(51, 'A')}) {
    EXPECT_EQ(rules::normal_coupon_code(wrong).error().code, "cart.invalid_coupon_code");
  }
}

TEST(CartRules, MergingAddsQuantitiesUpToTheLimitOfALine) {
  auto into = cart_with({{"p1", 990}, {"p2", 1}});
  auto from = cart_with({{"p1", 20}, {"p3", 4}});
  from.coupon_code = "SPRING";
  ASSERT_TRUE(rules::merge(into, from));
  ASSERT_EQ(into.items.size(), 3U);
  EXPECT_EQ(into.items[0].quantity, 999);
  EXPECT_EQ(into.items[2].quantity, 4);
  EXPECT_EQ(into.coupon_code, "SPRING");
}

TEST(CartRules, AMergeThatDoesNotFitChangesNothing) {
  auto into = cart_with({{"p1", 1}});
  const auto before = into;
  auto from = rules::new_cart(noon);
  for (int i = 10; i < 110; ++i) ASSERT_TRUE(rules::put(from, item_of("p" + std::to_string(i), 1), 1));
  EXPECT_EQ(code_of(rules::merge(into, from)), "cart.too_many_items");
  EXPECT_EQ(into, before);
}

TEST(CartRules, AFinishedCheckoutEmptiesTheCartThatItBought) {
  auto cart = cart_with({{"p1", 2}});
  cart.coupon_code = "SPRING";
  rules::take_out(cart, cart.version, {{.item_id = id_of("p1"), .product_id = "p1", .quantity = 2}});
  EXPECT_TRUE(cart.items.empty());
  EXPECT_FALSE(cart.coupon_code);
}

TEST(CartRules, AFinishedCheckoutLeavesWhatCameMeanwhile) {
  auto cart = cart_with({{"p1", 2}, {"p2", 1}});
  cart.coupon_code = "SPRING";
  const auto bought_version = cart.version;
  ASSERT_TRUE(rules::put(cart, item_of("p1", 1000), 1));
  ASSERT_TRUE(rules::put(cart, item_of("p3", 1000), 1));
  rules::mark_changed(cart, true, noon);
  const std::vector<CheckoutLine> bought = {{.item_id = id_of("p1"), .product_id = "p1", .quantity = 2},
                                            {.item_id = id_of("p2"), .product_id = "p2", .quantity = 1},
                                            {.item_id = id_of("gone"), .product_id = "gone", .quantity = 1}};
  rules::take_out(cart, bought_version, bought);
  ASSERT_EQ(cart.items.size(), 2U);
  EXPECT_EQ(cart.items[0].product_id, "p1");
  EXPECT_EQ(cart.items[0].quantity, 1);
  EXPECT_EQ(cart.items[1].product_id, "p3");
  EXPECT_EQ(cart.coupon_code, "SPRING");
  // The order service repeats it after a crash.
  const auto once = cart;
  rules::take_out(cart, bought_version, bought);
  EXPECT_EQ(cart, once);
}

TEST(CartRules, ALaterCartOfTheSameNameIsNotTouchedByAnOldCheckout) {
  const auto old = cart_with({{"p1", 1}});
  auto later = rules::new_cart(noon + std::chrono::seconds(1));
  ASSERT_TRUE(rules::put(later, item_of("p1", 1000), 1));
  const auto before = later;
  rules::take_out(later, old.version, {{.item_id = id_of("p1"), .product_id = "p1", .quantity = 1}});
  EXPECT_EQ(later, before);
}

TEST(CartRules, ACartIsShownWithThePricesOfNow) {
  const auto cart = cart_with({{"same", 2}, {"dearer", 1}, {"inactive", 1}, {"gone", 1}});
  std::vector<catalog::PricedItem> now = {{.item = item_of("same", 1000)},
                                          {.item = item_of("dearer", 1250)},
                                          {.item = item_of("inactive", 1000)},
                                          {.refusal = "catalog.product_not_found"}};
  now[2].item->sellable = false;
  const auto shown = rules::to_api("id", cart, now, rules::guest_time_to_live);
  ASSERT_EQ(shown.items.size(), 4U);
  EXPECT_FALSE(shown.items[0].old_price);
  EXPECT_TRUE(shown.items[0].available);
  EXPECT_EQ(shown.items[0].total, Amount(2000));
  EXPECT_EQ(shown.items[1].price, Amount(1250));
  EXPECT_EQ(shown.items[1].old_price, Amount(1000));
  EXPECT_FALSE(shown.items[2].available);
  EXPECT_FALSE(shown.items[3].available);
  EXPECT_EQ(shown.items[3].name, "Name of gone");
  EXPECT_EQ(shown.subtotal, Amount(3250)) << "what cannot be bought costs nothing";
  EXPECT_EQ(shown.expires_at, noon + std::chrono::days(7));
}

}  // namespace
}  // namespace souk::cart
