#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Checkouts : public OrderTest {};

TEST_F(Checkouts, AGuestBuysACart) {
  const auto cart = usual_cart();
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code << " " << result.error().detail;
  const auto& order = result->order.value();
  EXPECT_EQ(order.status, OrderStatus::confirmed);
  EXPECT_EQ(order.payment_status, PaymentStatus::paid);
  EXPECT_EQ(order.subtotal, Amount(4550));
  EXPECT_EQ(order.shipping_cost, Amount(499));
  EXPECT_EQ(order.tax, Amount(330));  // 7.25 % of 20.00 and of 25.50
  EXPECT_EQ(order.total, Amount(5379));
  EXPECT_EQ(order.shipping_address.country, "US");
  EXPECT_EQ(order.items.at(0).product_name, "Name of a");
  EXPECT_TRUE(order.access_token);
  EXPECT_EQ(carts.lines_in(cart), 0u);
  settle();
  EXPECT_EQ(inventory.item("a").quantity, 8);
  EXPECT_EQ(inventory.item("a").reserved, 0);
  EXPECT_EQ(payments.money(), 5379);
  EXPECT_EQ(state(), "completed");
}

TEST_F(Checkouts, WhatIsReadIsWhatWasAnswered) {
  const auto order = bought();
  const auto read = call(&Api::get_order, OrderRef{.order_id = order.id, .access_token = order.access_token});
  ASSERT_TRUE(read);
  EXPECT_EQ(json::write(*read), json::write(order));
}

TEST_F(Checkouts, TheDatabaseHasAllOfIt) {
  const auto order = bought();
  EXPECT_EQ(sql("SELECT count(*) FROM order_items"), "2");
  EXPECT_EQ(sql("SELECT string_agg(address_type, ',' ORDER BY address_type) FROM order_addresses"), "billing,shipping");
  EXPECT_EQ(sql("SELECT status || ' ' || created_by FROM order_status_history"), "confirmed guest");
  EXPECT_EQ(sql("SELECT type || ' ' || key FROM outbox_events"), "order.confirmed " + order.id.to_string());
  EXPECT_EQ(sql("SELECT status FROM idempotency_keys"), "201");
  EXPECT_EQ(sql("SELECT payment_gateway FROM orders"), "simulator");
  EXPECT_EQ(sql("SELECT payment_token IS NULL FROM checkout_sagas"), "t");
}

TEST_F(Checkouts, TheSameKeyGivesTheSameOrderAgain) {
  const auto cart = usual_cart();
  const auto first = buy(cart);
  ASSERT_TRUE(first);
  const auto again = buy(cart);
  ASSERT_TRUE(again) << again.error().code;
  EXPECT_EQ(json::write(*first), json::write(*again));
  EXPECT_EQ(disturbance.count("payment.charge"), 1);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "1");
}

TEST_F(Checkouts, TheSameKeyWithAnotherBodyIsRefused) {
  const auto cart = usual_cart();
  ASSERT_TRUE(buy(cart));
  auto other = body();
  other.notes = "another";
  EXPECT_EQ(code_of(call(&Api::checkout, request(cart, "key", other))), "idempotency.body_mismatch");
  carts.put(cart, {{"i1", "a", std::nullopt, 1}});
  EXPECT_EQ(code_of(call(&Api::checkout, request(cart, "key", other))), "idempotency.body_mismatch");
}

TEST_F(Checkouts, ABoughtCartIsEmpty) {
  const auto cart = usual_cart();
  ASSERT_TRUE(buy(cart));
  EXPECT_EQ(code_of(buy(cart, "tok_ok", "another key")), "cart.empty");
}

TEST_F(Checkouts, ABoughtCartIsEmptyEvenBeforeItsLinesAreOut) {
  const auto cart = usual_cart();
  disturbance.set_before([](const std::string& call) {
    if (call == "cart.finish_checkout") throw Unavailable("no Redis");
  });
  ASSERT_TRUE(buy(cart));
  EXPECT_EQ(carts.lines_in(cart), 2u);
  EXPECT_EQ(code_of(buy(cart, "tok_ok", "another key")), "cart.empty");
  settle();
  EXPECT_EQ(state(), "completing");
  EXPECT_EQ(inventory.item("a").quantity, 8) << "the stock does not wait for the cart";
  disturbance.set_before({});
  EXPECT_EQ(recover(), 1u);
  EXPECT_EQ(state(), "completed");
  EXPECT_EQ(carts.lines_in(cart), 0u);
}

TEST_F(Checkouts, ADeclinedPaymentGivesTheStockBackAndIsRemembered) {
  const auto cart = usual_cart();
  const auto declined = buy(cart, "tok_decline");
  ASSERT_FALSE(declined);
  EXPECT_EQ(declined.error().kind, ErrorKind::payment_required);
  EXPECT_EQ(declined.error().code, "payment.declined");
  EXPECT_THAT(declined.error().detail, HasSubstr("card_declined"));
  EXPECT_EQ(inventory.item("a").reserved, 0);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "0");
  EXPECT_EQ(state(), "compensated");
  const auto again = buy(cart, "tok_decline");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), declined.error());
  EXPECT_EQ(disturbance.count("payment.charge"), 1);
  EXPECT_TRUE(buy(cart, "tok_ok", "a new key")) << "a new attempt with a new key";
}

TEST_F(Checkouts, ShortStockIsNamed) {
  inventory.stock("b", 0);
  const auto cart = usual_cart();
  const auto refused = buy(cart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(refused.error().code, "inventory.insufficient_stock");
  ASSERT_THAT(refused.error().errors, SizeIs(1));
  EXPECT_EQ(refused.error().errors[0].field, "items[1]");
  EXPECT_EQ(refused.error().errors[0].detail, "Name of b (b): only 0 left");
  EXPECT_EQ(inventory.item("a").reserved, 0);
  EXPECT_EQ(disturbance.count("payment.charge"), 0);
  EXPECT_EQ(disturbance.count("inventory.release"), 0) << "nothing was reserved";
  inventory.stock("b", 5);
  EXPECT_EQ(code_of(buy(cart)), "inventory.insufficient_stock") << "the key's reply";
  EXPECT_TRUE(buy(cart, "tok_ok", "another key"));
}

TEST_F(Checkouts, WhatIsNotSoldIsNamed) {
  catalog.sell("b", {.sellable = false});
  const auto refused = buy(cart_with({{"i1", "a", std::nullopt, 1}, {"i2", "b", std::nullopt, 1}, {"i3", "x"}}));
  EXPECT_EQ(code_of(refused), "cart.product_unavailable");
  ASSERT_THAT(refused.error().errors, SizeIs(2));
  EXPECT_EQ(refused.error().errors[0].field, "items[1]");
  EXPECT_EQ(refused.error().errors[1].code, "catalog.product_not_found");
}

TEST_F(Checkouts, AnExpectedTotalMustBeTheTotal) {
  const auto cart = usual_cart();
  auto wanted = body();
  wanted.expected_total = Amount(5000);
  const auto refused = call(&Api::checkout, request(cart, "key", wanted));
  EXPECT_EQ(code_of(refused), "cart.price_changed");
  EXPECT_THAT(refused.error().detail, HasSubstr("53.79 USD"));
  wanted.expected_total = Amount(5379);
  EXPECT_TRUE(call(&Api::checkout, request(cart, "key", wanted))) << "a refused request does not use up its key";
}

TEST_F(Checkouts, WhatIsMissingIsSaid) {
  const auto cart = usual_cart();
  const auto refusal = [&](auto change) {
    auto wanted = body();
    change(wanted);
    return code_of(call(&Api::checkout, request(cart, "key", wanted)));
  };
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.email.reset(); }), "checkout.email_required");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.email = "nobody"; }), "request.invalid");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.shipping_address.reset(); }), "checkout.address_required");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.shipping_address_id = Uuid::v7(); }), "checkout.address_required");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.shipping_address->country = "1x"; }), "request.invalid");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.shipping_method = "pigeon"; }), "checkout.unknown_shipping_method");
  EXPECT_EQ(refusal([](CheckoutBody& b) { b.payment.method = payment::Method::cod; }), "request.invalid");
  EXPECT_EQ(code_of(call(&Api::checkout, request(cart, "", body()))), "idempotency.key_required");
  EXPECT_EQ(code_of(call(&Api::checkout, request("nowhere", "key", body()))), "cart.not_found");
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas"), "0");
}

TEST_F(Checkouts, ACustomerBuysTheirOwnCartToASavedAddress) {
  const auto anna = Uuid::v7();
  user::Address saved{.id = Uuid::v7(),
                      .full_name = "Anna K",
                      .phone = "030 1234",
                      .address_line1 = "Hauptstr. 1",
                      .city = "Berlin",
                      .postal_code = "10115",
                      .country = "DE"};
  users.add(saved, anna);
  carts.put(anna.to_string(), {{"i1", "a", std::nullopt, 1}});
  auto wanted = body();
  wanted.email.reset();
  wanted.shipping_address.reset();
  wanted.shipping_address_id = saved.id;
  const auto result = call(&Api::checkout, request("me", "key", wanted), customer(anna));
  ASSERT_TRUE(result) << result.error().code;
  const auto& order = result->order.value();
  EXPECT_EQ(order.user_id, anna);
  EXPECT_EQ(order.email, "kim@example.com");
  EXPECT_EQ(order.tax, Amount(190));
  EXPECT_EQ(order.shipping_address.city, "Berlin");
  EXPECT_FALSE(order.access_token);
  EXPECT_EQ(carts.lines_in(anna.to_string()), 0u);
  const auto stranger = customer(Uuid::v7());
  EXPECT_EQ(code_of(call(&Api::checkout, request("me", "key", wanted), customer(Uuid::v7()))),
            "checkout.address_not_found");
}

TEST_F(Checkouts, CashOnDeliveryIsConfirmedAndNotPaid) {
  auto wanted = body();
  wanted.payment = {.method = payment::Method::cod};
  const auto result = call(&Api::checkout, request(usual_cart(), "key", wanted));
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_EQ(result->order->status, OrderStatus::confirmed);
  EXPECT_EQ(result->order->payment_status, PaymentStatus::pending);
  EXPECT_EQ(sql("SELECT payment_gateway IS NULL FROM orders"), "t");
}

TEST_F(Checkouts, AnOrderOfTotalZeroIsPaidWithoutAPayment) {
  catalog.sell("a", {.price = 0});
  sql("UPDATE shipping_rates SET base = 0");
  const auto result = buy(cart_with({{"i1", "a", std::nullopt, 1}}));
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_EQ(result->order->total, Amount());
  EXPECT_EQ(result->order->payment_status, PaymentStatus::paid);
  EXPECT_EQ(disturbance.count("payment.charge"), 0);
}

TEST_F(Checkouts, APaymentThatIsRefusedOutrightIsARefusal) {
  const auto refused = buy(usual_cart(), "tok_unknown");
  EXPECT_EQ(code_of(refused), "payment.method_unavailable");
  EXPECT_EQ(refused.error().kind, ErrorKind::unprocessable);
  EXPECT_EQ(inventory.item("a").reserved, 0);
  EXPECT_EQ(state(), "compensated");
}

TEST_F(Checkouts, AnAuthorisedPaymentIsEnough) {
  const auto order = bought("tok_authorise");
  EXPECT_EQ(order.payment_status, PaymentStatus::pending);
}

TEST_F(Checkouts, AQuoteAndItsCheckoutCostTheSame) {
  const auto cart = usual_cart();
  const auto quote =
      call(&Api::quote, Quote{.cart_id = cart, .shipping_address = address(), .shipping_method = "express"});
  ASSERT_TRUE(quote) << quote.error().code;
  EXPECT_EQ(quote->shipping_cost, Amount(1499));
  EXPECT_THAT(quote->shipping_options, SizeIs(2));
  auto wanted = body();
  wanted.shipping_method = "express";
  wanted.expected_total = quote->total;
  EXPECT_TRUE(call(&Api::checkout, request(cart, "key", wanted)));
}

TEST_F(Checkouts, AQuoteWithoutAddressHasNoTax) {
  const auto quote = call(&Api::quote, Quote{.cart_id = usual_cart()});
  ASSERT_TRUE(quote);
  EXPECT_EQ(quote->tax, Amount());
  EXPECT_EQ(quote->shipping_method, "standard");
  EXPECT_EQ(code_of(call(&Api::quote, Quote{.cart_id = usual_cart(), .shipping_method = "pigeon"})),
            "checkout.unknown_shipping_method");
}

}  // namespace
}  // namespace souk::order
