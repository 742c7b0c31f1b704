#include "coupons.hpp"

#include <future>

#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

class CouponTest : public OrderTest {
 protected:
  Coupon make(NewCoupon coupon) { return call(&Api::create_coupon, std::move(coupon)).value(); }
  std::string cart_with_coupon(const std::string& code) {
    auto id = cart_with({{"i", "a", std::nullopt, 1}});
    carts.put_coupon(id, code);
    return id;
  }
  static StartCheckout order_of(std::string cart, std::string email, std::string token = "tok_ok") {
    auto wanted = body(std::move(token));
    wanted.email = std::move(email);
    return request(cart, "key of " + cart, std::move(wanted));
  }
  static Task<> one(Service& service, StartCheckout request,
                    std::shared_ptr<std::promise<Result<CheckoutResult>>> promise) {
    try {
      promise->set_value(co_await service.checkout(souk::testing::test_context(), std::move(request)));
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  }
  // How many orders came of them, all at the same time.
  std::size_t orders_of(std::vector<StartCheckout> requests) {
    std::vector<std::future<Result<CheckoutResult>>> futures;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      auto promise = std::make_shared<std::promise<Result<CheckoutResult>>>();
      futures.push_back(promise->get_future());
      asio::co_spawn(runtime.executor(i % runtime.size()), one(*service, std::move(requests[i]), promise),
                     asio::detached);
    }
    std::size_t orders = 0;
    for (auto& future : futures) {
      const auto result = future.get();
      if (result && result->order) ++orders;
      if (!result) EXPECT_EQ(code_of(result), "coupon.used_up");
    }
    return orders;
  }
  std::string uses() { return sql("SELECT c.uses || ' ' || (SELECT count(*) FROM coupon_uses) FROM coupons c"); }
};

TEST_F(CouponTest, QuoteAndOrderHaveTheSameNumbers) {
  make({.code = "ten", .kind = CouponKind::percent, .basis_points = 1000});
  const auto cart = usual_cart();
  carts.put_coupon(cart, "TEN");
  Quote question{.cart_id = cart};
  question.shipping_address = address();
  question.shipping_method = "standard";
  const auto quote = call(&Api::quote, std::move(question)).value();
  EXPECT_EQ(quote.coupon_code, "TEN");
  EXPECT_EQ(quote.discount, Amount(455));
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code;
  const auto& order = result->order.value();
  EXPECT_EQ(order.discount, quote.discount);
  EXPECT_EQ(order.tax, quote.tax);
  EXPECT_EQ(order.total, quote.total);
  EXPECT_EQ(sql("SELECT sum(i.tax) = o.tax AND sum(i.discount) = o.discount FROM orders o JOIN order_items i ON "
                "i.order_id = o.id GROUP BY o.id"),
            "t");
  EXPECT_EQ(uses(), "1 1");
}

TEST_F(CouponTest, TheLastUseGoesToOneOfThirty) {
  inventory.stock("a", 1000);
  make({.code = "LAST", .kind = CouponKind::fixed, .amount = Amount(100), .currency = "USD", .max_uses = 1});
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 30; ++i) {
    requests.push_back(order_of(cart_with_coupon("LAST"), "c" + std::to_string(i) + "@example.com"));
  }
  EXPECT_EQ(orders_of(std::move(requests)), 1u);
  EXPECT_EQ(uses(), "1 1");
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas"), "1") << "the others' carts and keys are free again";
  EXPECT_EQ(sql("SELECT count(*) FROM idempotency_keys"), "1");
}

TEST_F(CouponTest, OneCustomerOfManySpellingsUsesItOnce) {
  inventory.stock("a", 1000);
  make({.code = "ONCE", .kind = CouponKind::percent, .basis_points = 500, .max_uses_per_customer = 1});
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 30; ++i) {
    requests.push_back(order_of(cart_with_coupon("ONCE"), i % 2 == 0 ? "Ada@Example.com" : "ada@example.com"));
  }
  EXPECT_EQ(orders_of(std::move(requests)), 1u);
  EXPECT_EQ(orders_of({order_of(cart_with_coupon("ONCE"), "kim@example.com")}), 1u);
  EXPECT_EQ(uses(), "2 2");
}

TEST_F(CouponTest, AUsedUpCouponFailsOnlyItsOwnCheckout) {
  inventory.stock("a", 1000);
  make({.code = "TWO", .kind = CouponKind::percent, .basis_points = 500, .max_uses = 2});
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 30; ++i) {
    const auto cart = i % 2 == 0 ? cart_with_coupon("TWO") : cart_with({{"i", "a", std::nullopt, 1}});
    requests.push_back(order_of(cart, "c" + std::to_string(i) + "@example.com"));
  }
  EXPECT_EQ(orders_of(std::move(requests)), 17u);
  EXPECT_EQ(uses(), "2 2");
}

TEST_F(CouponTest, ADeclinedPaymentGivesTheUseBack) {
  make({.code = "LAST", .kind = CouponKind::percent, .basis_points = 500, .max_uses = 1});
  const auto refused = buy(cart_with_coupon("LAST"), "tok_decline");
  EXPECT_EQ(code_of(refused), "payment.declined");
  EXPECT_EQ(uses(), "0 0");
  EXPECT_EQ(orders_of({order_of(cart_with_coupon("LAST"), "ada@example.com")}), 1u);
  EXPECT_EQ(uses(), "1 1");
}

TEST_F(CouponTest, AnOrderThatCostsNothingIsPaid) {
  catalog.sell("a", {.price = 6000});
  make({.code = "ALL", .kind = CouponKind::percent, .basis_points = 10'000});
  carts.put("free", {{"i", "a", std::nullopt, 1}});
  carts.put_coupon("free", "ALL");
  make({.code = "SHIP", .kind = CouponKind::free_shipping});
  const auto quote = call(&Api::quote, Quote{.cart_id = "free"}).value();
  EXPECT_EQ(quote.total, quote.shipping_cost);
  sql("UPDATE shipping_rates SET base = 0, per_kg = 0");
  service = std::make_unique<Service>(runtime, *pool, carts, catalog, inventory, payments, users, options());
  const auto result = buy("free");
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_EQ(result->order->total, Amount());
  EXPECT_EQ(result->order->payment_status, PaymentStatus::paid);
  EXPECT_EQ(disturbance.count("payment.charge"), 0);
}

TEST_F(CouponTest, AMinimumIsKeptToTheHundredth) {
  const NewCoupon wanted{
      .code = "MIN", .kind = CouponKind::free_shipping, .currency = "USD", .minimum_order = Amount(1001)};
  EXPECT_EQ(make(wanted).minimum_order, Amount(1001));
  EXPECT_EQ(code_of(buy(cart_with_coupon("MIN"))), "coupon.minimum_not_reached");
}

TEST_F(CouponTest, TheAdministrationMakesListsChangesAndArchives) {
  const auto coupon = make({.code = "spring", .kind = CouponKind::percent, .basis_points = 500});
  EXPECT_EQ(coupon.code, "SPRING");
  EXPECT_EQ(code_of(call(&Api::create_coupon, NewCoupon{.code = "SPRING", .kind = CouponKind::free_shipping})),
            "coupon.code_taken");
  make({.code = "autumn", .kind = CouponKind::free_shipping});
  const auto page = call(&Api::list_coupons, ListCoupons{.limit = 1}).value();
  EXPECT_EQ(page.data.front().code, "AUTUMN");
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(call(&Api::list_coupons, ListCoupons{.limit = 1, .cursor = "AUTUMN"})->data.front().code, "SPRING");
  const auto archived = call(&Api::patch_coupon, PatchCoupon{.coupon_id = coupon.id, .changes = {.is_active = false}});
  EXPECT_FALSE(archived->is_active);
  EXPECT_GE(archived->updated_at, coupon.updated_at);
  EXPECT_EQ(code_of(buy(cart_with_coupon("SPRING"))), "coupon.unknown");
  EXPECT_EQ(code_of(call(&Api::get_coupon, CouponRef{Uuid::v7()})), "coupon.not_found");
  const auto wrong = call(&Api::create_coupon, NewCoupon{.code = "a b", .kind = CouponKind::fixed});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().errors.size(), 2u) << "the code and the missing amount";
}

}  // namespace
}  // namespace souk::order
