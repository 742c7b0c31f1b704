#include "service.hpp"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <future>

#include "fixture_for_test.hpp"

namespace souk::cart {
namespace {

class CartService : public CartTest {};

TEST_F(CartService, ANewCartIsEmpty) {
  const auto cart = create();
  EXPECT_GE(cart.id.size(), 22U);
  EXPECT_TRUE(cart.items.empty());
  EXPECT_EQ(cart.subtotal, Amount());
  EXPECT_EQ(json::write(get(cart.id).value()), json::write(cart));
}

TEST_F(CartService, AnItemHasTheCatalogsNameAndPrice) {
  const auto cart = add(create().id, "shirt", 2, "shirt-m");
  ASSERT_TRUE(cart);
  ASSERT_EQ(cart->items.size(), 1U);
  const auto& item = cart->items[0];
  EXPECT_EQ(item.product_id, "shirt");
  EXPECT_EQ(item.variant_id, "shirt-m");
  EXPECT_EQ(item.sku, "SKU-shirt-m");
  EXPECT_EQ(item.price, Amount(1500));
  EXPECT_EQ(item.total, Amount(3000));
  EXPECT_EQ(cart->subtotal, Amount(3000));
  EXPECT_EQ(json::write(get(cart->id).value()), json::write(*cart));
}

TEST_F(CartService, WhatTheCatalogDoesNotSellIsNotPutIn) {
  const auto id = create().id;
  const auto unknown = add(id, "nothing");
  EXPECT_EQ(code_of(unknown), "catalog.product_not_found");
  EXPECT_EQ(unknown.error().kind, ErrorKind::not_found);
  EXPECT_EQ(code_of(add(id, "shirt")), "catalog.variant_required");
  const auto foreign = add(id, "p1", 1, "shirt-m");
  EXPECT_EQ(code_of(foreign), "catalog.variant_not_found");
  EXPECT_EQ(foreign.error().kind, ErrorKind::unprocessable);
  EXPECT_EQ(code_of(add(id, "inactive")), "cart.product_unavailable");
  EXPECT_TRUE(get(id)->items.empty());
}

TEST_F(CartService, AWrongQuantityIsRefused) {
  const auto id = create().id;
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1000}, INT64_MAX}) {
    EXPECT_EQ(code_of(add(id, "p1", wrong)), "cart.quantity_limit") << wrong;
  }
}

TEST_F(CartService, AnUnknownOrExpiredCartIsNotFound) {
  const auto id = create().id;
  command({"DEL", "cart:session:" + id});
  for (const auto& unknown : {id, rules::new_cart_id(), std::string("a:b"), std::string("../x"), std::string()}) {
    EXPECT_EQ(code_of(get(unknown)), "cart.not_found") << unknown;
    EXPECT_EQ(code_of(add(unknown, "p1")), "cart.not_found") << unknown;
    EXPECT_EQ(code_of(call(&Api::set_quantity, SetQuantity{.cart_id = unknown, .item_id = "x"})), "cart.not_found");
    EXPECT_EQ(code_of(call(&Api::remove_item, RemoveItem{.cart_id = unknown, .item_id = "x"})), "cart.not_found");
    EXPECT_EQ(code_of(call(&Api::set_coupon, SetCoupon{.cart_id = unknown, .coupon_code = "A"})), "cart.not_found");
    EXPECT_EQ(code_of(call(&Api::delete_cart, CartRef{.id = unknown})), "cart.not_found");
    EXPECT_EQ(code_of(call(&Api::checkout_lines, CartRef{.id = unknown})), "cart.not_found");
  }
  EXPECT_EQ(command({"EXISTS", "cart:session:" + id}).integer, 0);
}

TEST_F(CartService, LinesAreChangedAndRemoved) {
  const auto id = create().id;
  const auto first = add(id, "p1", 2)->items[0].item_id;
  ASSERT_TRUE(add(id, "p2", 1));
  const auto changed = call(&Api::set_quantity, SetQuantity{.cart_id = id, .item_id = first, .quantity = 7});
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->items[0].quantity, 7);
  EXPECT_EQ(changed->subtotal, Amount(7 * 2999 + 500));
  const auto removed = call(&Api::remove_item, RemoveItem{.cart_id = id, .item_id = first});
  ASSERT_TRUE(removed);
  ASSERT_EQ(removed->items.size(), 1U);
  EXPECT_EQ(removed->items[0].product_id, "p2");
  EXPECT_GT(removed->version, changed->version);
  EXPECT_EQ(code_of(call(&Api::remove_item, RemoveItem{.cart_id = id, .item_id = first})), "cart.item_not_found");
}

TEST_F(CartService, TheLastLineRemovedLeavesAnEmptyArray) {
  const auto id = create().id;
  const auto item = add(id, "p1")->items[0].item_id;
  ASSERT_TRUE(call(&Api::remove_item, RemoveItem{.cart_id = id, .item_id = item}));
  EXPECT_EQ(command({"HGET", "cart:session:" + id, "items"}).text, "[]");
  EXPECT_TRUE(add(id, "p1"));
}

TEST_F(CartService, ADeletedCartIsGone) {
  const auto id = create().id;
  ASSERT_TRUE(call(&Api::delete_cart, CartRef{.id = id}));
  EXPECT_EQ(code_of(get(id)), "cart.not_found");
}

TEST_F(CartService, ACouponIsSetAndTakenOff) {
  const auto id = create().id;
  EXPECT_EQ(call(&Api::set_coupon, SetCoupon{.cart_id = id, .coupon_code = "spring"})->coupon_code, "SPRING");
  EXPECT_EQ(get(id)->coupon_code, "SPRING");
  EXPECT_EQ(code_of(call(&Api::set_coupon, SetCoupon{.cart_id = id, .coupon_code = "a b"})),
            "cart.invalid_coupon_code");
  EXPECT_EQ(call(&Api::set_coupon, SetCoupon{.cart_id = id})->coupon_code, std::nullopt);
  EXPECT_TRUE(command({"HGET", "cart:session:" + id, "coupon_code"}).is_nil());
}

TEST_F(CartService, APriceThatChangedIsShownBesideTheOldOne) {
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1", 2));
  catalog_.sell("p1", 3499);
  const auto cart = get(id);
  EXPECT_EQ(cart->items[0].price, Amount(3499));
  EXPECT_EQ(cart->items[0].old_price, Amount(2999));
  EXPECT_EQ(cart->subtotal, Amount(6998));
  catalog_.remove("p1");
  EXPECT_FALSE(get(id)->items[0].available);
  EXPECT_EQ(get(id)->subtotal, Amount());
}

TEST_F(CartService, ConcurrentWritersLoseNoItem) {
  const auto id = create().id;
  constexpr int writers = 60;
  for (int i = 0; i < writers; ++i) catalog_.sell("c" + std::to_string(i), 100);
  std::vector<std::future<Result<Cart>>> all;
  for (int i = 0; i < 8 * writers; ++i) {
    AddItem request{.cart_id = id, .product_id = "c" + std::to_string(i % writers), .quantity = 1};
    all.push_back(asio::co_spawn(runtime_.executor(static_cast<std::size_t>(i) % 2),
                                 call_on(*service_, &Api::add_item, souk::testing::test_context(), std::move(request)),
                                 asio::use_future));
  }
  for (auto& one : all) EXPECT_EQ(code_of(one.get()), "");
  const auto cart = get(id);
  EXPECT_EQ(cart->items.size(), static_cast<std::size_t>(writers));
  for (const auto& item : cart->items) EXPECT_EQ(item.quantity, 8) << item.product_id;
}

TEST_F(CartService, WritersOfTwoProcessesLoseNoItem) {
  const auto id = create().id;
  Service other(runtime_, *redis_, catalog_);
  std::vector<std::future<Result<Cart>>> all;
  for (int i = 0; i < 40; ++i) {
    AddItem request{.cart_id = id, .product_id = "p1", .quantity = 1};
    Api& api = i % 2 == 0 ? static_cast<Api&>(*service_) : other;
    all.push_back(asio::co_spawn(runtime_.executor(static_cast<std::size_t>(i) % 2),
                                 call_on(api, &Api::add_item, souk::testing::test_context(), std::move(request)),
                                 asio::use_future));
  }
  for (auto& one : all) EXPECT_EQ(code_of(one.get()), "");
  EXPECT_EQ(get(id)->items[0].quantity, 40);
}

TEST_F(CartService, WhatAnotherProcessWroteMeanwhileIsNotOverwritten) {
  Service other(runtime_, *redis_, catalog_);
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1"));
  const auto context = souk::testing::test_context();
  ASSERT_TRUE(
      runtime_.block_on(call_on(other, &Api::set_quantity, context,
                                SetQuantity{.cart_id = id, .item_id = rules::item_id_of("p1", {}), .quantity = 7})));
  // This process remembers one of p1; Redis refuses what it would write.
  EXPECT_EQ(add(id, "p1")->items[0].quantity, 8);
  ASSERT_TRUE(runtime_.block_on(
      call_on(other, &Api::remove_item, context, RemoveItem{.cart_id = id, .item_id = rules::item_id_of("p1", {})})));
  EXPECT_EQ(code_of(call(&Api::set_quantity,
                         SetQuantity{.cart_id = id, .item_id = rules::item_id_of("p1", {}), .quantity = 8})),
            "cart.item_not_found");
  ASSERT_TRUE(runtime_.block_on(call_on(other, &Api::delete_cart, context, CartRef{.id = id})));
  EXPECT_EQ(code_of(add(id, "p1")), "cart.not_found");
}

TEST_F(CartService, ARefusalIsNotMadeOfWhatIsRemembered) {
  Service other(runtime_, *redis_, catalog_);
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1"));
  ASSERT_TRUE(runtime_.block_on(call_on(other, &Api::add_item, souk::testing::test_context(),
                                        AddItem{.cart_id = id, .product_id = "p2", .quantity = 1})));
  const SetQuantity change{.cart_id = id, .item_id = rules::item_id_of("p2", {}), .quantity = 3};
  EXPECT_EQ(call(&Api::set_quantity, change)->items[1].quantity, 3);
}

TEST_F(CartService, ManyCartsAreMoreThanIsRemembered) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < RecentCarts::most_carts + 10; ++i) ids.push_back(create().id);
  for (const auto& id : ids) ASSERT_TRUE(add(id, "p1"));
  for (const auto& id : ids) ASSERT_EQ(add(id, "p1")->items[0].quantity, 2);
}

TEST_F(CartService, TheCustomersOwnCartIsTheCallers) {
  EXPECT_EQ(code_of(get("me")), "auth.required");
  EXPECT_EQ(code_of(add("me", "p1")), "auth.required");
  const auto empty = get("me", customer(anna_));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->items.empty());
  ASSERT_TRUE(add("me", "p1", 3, {}, customer(anna_)));
  EXPECT_EQ(get("me", customer(anna_))->items[0].quantity, 3);
  EXPECT_TRUE(get("me", customer(Uuid::v7()))->items.empty());
  EXPECT_EQ(command({"EXISTS", "cart:user:" + anna_.to_string()}).integer, 1);
  EXPECT_TRUE(call(&Api::delete_cart, CartRef{.id = "me"}, customer(anna_)));
  EXPECT_TRUE(call(&Api::delete_cart, CartRef{.id = "me"}, customer(anna_)));
}

TEST_F(CartService, AGuestCartIsMergedOnce) {
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1", 2));
  ASSERT_TRUE(add("me", "p1", 1, {}, customer(anna_)));
  ASSERT_TRUE(add("me", "p2", 1, {}, customer(anna_)));
  const auto merged = call(&Api::merge_cart, MergeCart{.from_cart_id = id}, customer(anna_));
  ASSERT_TRUE(merged);
  EXPECT_EQ(merged->id, "me");
  EXPECT_EQ(merged->items[0].quantity, 3);
  EXPECT_EQ(code_of(get(id)), "cart.not_found");
  EXPECT_EQ(code_of(call(&Api::merge_cart, MergeCart{.from_cart_id = id}, customer(anna_))), "cart.not_found");
  EXPECT_EQ(code_of(call(&Api::merge_cart, MergeCart{.from_cart_id = "me"}, customer(anna_))), "cart.not_found");
  EXPECT_EQ(code_of(call(&Api::merge_cart, MergeCart{.from_cart_id = create().id})), "auth.required");
  EXPECT_EQ(get("me", customer(anna_))->items[0].quantity, 3);
}

TEST_F(CartService, ManyMergesOfOneCartMoveItOnce) {
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1", 1));
  std::vector<std::future<Result<Cart>>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(asio::co_spawn(runtime_.executor(static_cast<std::size_t>(i) % 2),
                                 call_on(*service_, &Api::merge_cart, souk::testing::test_context(customer(anna_)),
                                         MergeCart{.from_cart_id = id}),
                                 asio::use_future));
  }
  int moved = 0;
  for (auto& one : all) moved += one.get() ? 1 : 0;
  EXPECT_EQ(moved, 1);
  EXPECT_EQ(get("me", customer(anna_))->items[0].quantity, 1);
}

TEST_F(CartService, CheckoutGetsTheLinesAndTheirVersion) {
  const auto id = create().id;
  EXPECT_EQ(code_of(call(&Api::checkout_lines, CartRef{.id = id})), "cart.empty");
  EXPECT_EQ(code_of(call(&Api::checkout_lines, CartRef{.id = "me"}, customer(anna_))), "cart.empty");
  const auto cart = add(id, "shirt", 2, "shirt-s");
  const auto lines = call(&Api::checkout_lines, CartRef{.id = id});
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->cart_id, id);
  EXPECT_EQ(lines->version, cart->version);
  ASSERT_EQ(lines->lines.size(), 1U);
  EXPECT_EQ(lines->lines[0].variant_id, "shirt-s");
  EXPECT_EQ(lines->lines[0].quantity, 2);
}

TEST_F(CartService, AFinishedCheckoutTakesOutWhatWasBoughtAndNothingElse) {
  ASSERT_TRUE(add("me", "p1", 2, {}, customer(anna_)));
  const auto lines = call(&Api::checkout_lines, CartRef{.id = "me"}, customer(anna_)).value();
  EXPECT_EQ(lines.cart_id, anna_.to_string());
  ASSERT_TRUE(add("me", "p2", 1, {}, customer(anna_)));
  const FinishCheckout finish{
      .cart_id = lines.cart_id, .user_id = anna_, .version = lines.version, .lines = lines.lines};
  const Caller order{.kind = Caller::Kind::service, .name = "order"};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(call(&Api::finish_checkout, finish, order));
    const auto cart = get("me", customer(anna_));
    ASSERT_EQ(cart->items.size(), 1U);
    EXPECT_EQ(cart->items[0].product_id, "p2");
  }
  // The customer buys the same again: the old checkout, repeated, does not take that out.
  ASSERT_TRUE(call(&Api::delete_cart, CartRef{.id = "me"}, customer(anna_)));
  ASSERT_TRUE(add("me", "p1", 2, {}, customer(anna_)));
  ASSERT_TRUE(call(&Api::finish_checkout, finish, order));
  EXPECT_EQ(get("me", customer(anna_))->items[0].quantity, 2);
}

TEST_F(CartService, AFinishedCheckoutOfACartThatIsGoneIsNoError) {
  const FinishCheckout finish{.cart_id = rules::new_cart_id(), .version = 1, .lines = {}};
  EXPECT_TRUE(call(&Api::finish_checkout, finish));
  EXPECT_EQ(command({"EXISTS", "cart:session:" + finish.cart_id}).integer, 0);
}

TEST_F(CartService, WhileRedisIsGoneItThrowsUnavailable) {
  const auto id = create().id;
  runtime_.block_on(redis_->close());
  EXPECT_THROW(get(id), Unavailable);
  EXPECT_THROW(add(id, "p1"), Unavailable);
}

}  // namespace
}  // namespace souk::cart
