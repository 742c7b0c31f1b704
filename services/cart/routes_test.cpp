#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::cart {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::Not;

class CartRoutes : public CartTest {
 protected:
  void SetUp() override {
    CartTest::SetUp();
    if (service_) add_routes(router_, *service_);
  }

  http::Response ask(Method method, std::string path, std::string body = "", Caller caller = {}) {
    http::Request request{.context = souk::testing::test_context(std::move(caller)), .method = method, .target = path};
    request.path = std::move(path);
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  std::string new_cart() { return "/v1/carts/" + json::read_trusted<Cart>(ask(Method::POST, "/v1/carts").body).id; }
  std::string put_p1(const std::string& cart) {
    const auto response = ask(Method::POST, cart + "/items", R"({"product_id":"p1","quantity":2})");
    EXPECT_EQ(response.status, 200) << response.body;
    return cart + "/items/" + json::read_trusted<Cart>(response.body).items.at(0).item_id;
  }

  http::Router router_;
};

TEST_F(CartRoutes, ACartFromItsMakingToItsEnd) {
  const auto made = ask(Method::POST, "/v1/carts");
  EXPECT_EQ(made.status, 201);
  EXPECT_THAT(made.body, HasSubstr(R"("items":[],"subtotal":0.00,"currency":"USD")"));
  const auto cart = new_cart();
  const auto item = put_p1(cart);
  const auto shown = ask(Method::GET, cart);
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr(R"("quantity":2,"price":29.99,"total":59.98)"));
  EXPECT_THAT(ask(Method::PATCH, item, R"({"quantity":3})").body, HasSubstr(R"("subtotal":89.97)"));
  EXPECT_THAT(ask(Method::PUT, cart + "/coupon", R"({"code":"spring"})").body, HasSubstr(R"("coupon_code":"SPRING")"));
  EXPECT_THAT(ask(Method::DELETE, cart + "/coupon").body, Not(HasSubstr("coupon_code")));
  EXPECT_THAT(ask(Method::DELETE, item).body, HasSubstr(R"("items":[])"));
  EXPECT_EQ(ask(Method::DELETE, cart).status, 204);
  EXPECT_EQ(ask(Method::GET, cart).status, 404);
}

TEST_F(CartRoutes, BadItemsAreRefusedByField) {
  const auto path = new_cart() + "/items";
  for (const std::string quantity : {"0", "-1", "1.5", "9223372036854775808", "1000", "\"1\"", "null", "true"}) {
    const auto response = ask(Method::POST, path, R"({"product_id":"p1","quantity":)" + quantity + "}");
    EXPECT_EQ(response.status, 400) << quantity;
    EXPECT_THAT(response.body, HasSubstr(R"("field":"quantity")")) << quantity;
  }
  for (const std::string body :
       {R"({"quantity":1})", R"({"product_id":"p1"})", R"({"product_id":"p1","quantity":1,"price":0.01})",
        R"({"product_id":"","quantity":1})", R"({"product_id":"p1","variant_id":7,"quantity":1})", R"([])", R"({)",
        "{\"product_id\":\"\xff\",\"quantity\":1}"}) {
    EXPECT_EQ(ask(Method::POST, path, body).status, 400) << body;
  }
}

TEST_F(CartRoutes, WhatIsNotSoldIsRefusedWithItsReason) {
  const auto path = new_cart() + "/items";
  const auto refused = [&](const std::string& body, int status, const std::string& code) {
    const auto response = ask(Method::POST, path, body);
    EXPECT_EQ(response.status, status) << body;
    EXPECT_THAT(response.body, HasSubstr("\"code\":\"" + code + "\"")) << body;
  };
  refused(R"({"product_id":"nothing","quantity":1})", 404, "catalog.product_not_found");
  refused(R"({"product_id":"p1","variant_id":"shirt-m","quantity":1})", 422, "catalog.variant_not_found");
  refused(R"({"product_id":"shirt","quantity":1})", 422, "catalog.variant_required");
  refused(R"({"product_id":"inactive","quantity":1})", 422, "cart.product_unavailable");
}

TEST_F(CartRoutes, TheOwnCartIsReachedAsMe) {
  EXPECT_EQ(ask(Method::GET, "/v1/carts/me").status, 401);
  EXPECT_EQ(ask(Method::POST, "/v1/carts/me/merge", R"({"from_cart_id":"x"})").status, 401);
  const auto anna = customer(anna_);
  EXPECT_EQ(ask(Method::GET, "/v1/carts/me", "", anna).status, 200);
  EXPECT_EQ(ask(Method::POST, "/v1/carts/me/items", R"({"product_id":"p2","quantity":1})", anna).status, 200);
  const auto guest = new_cart();
  put_p1(guest);
  const auto merged = ask(Method::POST, "/v1/carts/me/merge",
                          R"({"from_cart_id":")" + guest.substr(guest.rfind('/') + 1) + R"("})", anna);
  EXPECT_EQ(merged.status, 200) << merged.body;
  EXPECT_THAT(merged.body, HasSubstr(R"("subtotal":64.98)"));
  EXPECT_EQ(ask(Method::GET, guest).status, 404);
}

TEST_F(CartRoutes, WhileRedisIsGoneTheAnswerIs503) {
  const auto cart = new_cart();
  runtime_.block_on(redis_->close());
  const auto response = ask(Method::GET, cart);
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, Not(HasSubstr("Redis")));
}

}  // namespace
}  // namespace souk::cart
