#include "routes.hpp"

#include "fixture_for_test.hpp"
#include "rules.hpp"

namespace souk::order {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OrderRoutes : public OrderTest {
 protected:
  void SetUp() override {
    OrderTest::SetUp();
    if (service) add_routes(router, *service);
  }

  http::Response ask(Method method, std::string path, std::string body = "", http::Headers headers = {},
                     Caller caller = {}) {
    http::Request request{.context = souk::testing::test_context(std::move(caller)),
                          .method = method,
                          .target = path,
                          .headers = headers};
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) {
      const auto query = path.substr(question + 1);
      const auto equals = query.find('=');
      request.query.emplace_back(query.substr(0, equals), query.substr(equals + 1));
    }
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    return run(handle(router, std::move(request)));
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  static http::Headers key(std::string value) { return {{"Idempotency-Key", std::move(value)}}; }
  static std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [known, value] : response.headers) {
      if (http::equal_ignoring_case(known, name)) return value;
    }
    return "";
  }
  static std::string checkout_json(const std::string& token, const std::string& more = "") {
    return R"({"email":"ada@example.com","shipping_address":{"full_name":"Ada","phone":"12345",)"
           R"("address_line1":"1 Main Street","city":"Berlin","country":"DE"},"shipping_method":"standard",)"
           R"("payment":{"method":"card","token":")" +
           token + "\"}" + more + "}";
  }

  http::Router router;
};

TEST_F(OrderRoutes, AGuestsWayFromQuoteToOrder) {
  const auto cart = "/v1/carts/" + usual_cart();
  const auto quoted = ask(Method::POST, cart + "/quote", R"({"shipping_method":"standard"})");
  EXPECT_EQ(quoted.status, 200) << quoted.body;
  EXPECT_THAT(quoted.body, HasSubstr(R"("total":50.49)"));
  const auto made = ask(Method::POST, cart + "/checkout", checkout_json("tok_ok"), key("k1"));
  EXPECT_EQ(made.status, 201) << made.body;
  const auto order = json::read_trusted<Order>(made.body);
  const auto path = "/v1/orders/" + order.id.to_string();
  EXPECT_EQ(header(made, "Location"), path);
  EXPECT_EQ(ask(Method::GET, path).status, 404);
  const auto by_query = ask(Method::GET, path + "?access_token=" + *order.access_token);
  EXPECT_EQ(by_query.status, 200) << by_query.body;
  EXPECT_NE(header(by_query, "ETag"), "");
  const auto by_header = ask(Method::GET, path, "", {{"X-Order-Token", *order.access_token}});
  EXPECT_EQ(by_header.body, by_query.body);
  EXPECT_EQ(ask(Method::POST, path + "/cancel", "", {{"X-Order-Token", *order.access_token}}).status, 400)
      << "without a key";
  const auto cancelled =
      ask(Method::POST, path + "/cancel", "", {{"X-Order-Token", *order.access_token}, {"Idempotency-Key", "c1"}});
  EXPECT_EQ(cancelled.status, 200) << cancelled.body;
  EXPECT_THAT(cancelled.body, HasSubstr(R"("status":"cancelled")"));
}

TEST_F(OrderRoutes, ACheckoutThatNeedsTheCustomerIs202) {
  const auto cart = "/v1/carts/" + usual_cart();
  const auto begun = ask(Method::POST, cart + "/checkout", checkout_json("tok_action"), key("k1"));
  EXPECT_EQ(begun.status, 202) << begun.body;
  EXPECT_THAT(begun.body, StartsWith(R"({"checkout":{"id":")"));
  EXPECT_THAT(begun.body, HasSubstr(R"("status":"requires_action","next_action":{"type":"redirect")"));
  const auto path = header(begun, "Location");
  EXPECT_THAT(path, StartsWith("/v1/checkouts/"));
  const auto id = Uuid::parse(path.substr(14)).value();
  const auto token = rules::access_token("secret of the test", id);
  EXPECT_EQ(ask(Method::GET, path).status, 404);
  EXPECT_EQ(ask(Method::GET, path + "?access_token=" + token).status, 200);
  payments.approve(id);
  const auto back = ask(Method::GET, path + "/return?access_token=" + token);
  EXPECT_EQ(back.status, 200) << back.body;
  EXPECT_THAT(back.body, HasSubstr(R"("status":"completed")"));
  EXPECT_EQ(ask(Method::POST, cart + "/checkout", checkout_json("tok_action"), key("k1")).status, 201);
}

TEST_F(OrderRoutes, RefusalsHaveTheirStatus) {
  const auto cart = "/v1/carts/" + usual_cart() + "/checkout";
  const auto declined = ask(Method::POST, cart, checkout_json("tok_decline"), key("k1"));
  EXPECT_EQ(declined.status, 402);
  EXPECT_THAT(declined.body, HasSubstr(R"("code":"payment.declined")"));
  EXPECT_EQ(ask(Method::POST, cart, checkout_json("tok_decline"), key("k1")).status, 402);
  EXPECT_EQ(ask(Method::POST, cart, checkout_json("tok_ok"), key("k1")).status, 422) << "another body";
  EXPECT_EQ(ask(Method::POST, cart, checkout_json("tok_ok")).status, 400) << "no key";
  const auto cheap = ask(Method::POST, cart, checkout_json("tok_ok", R"(,"expected_total":1)"), key("k2"));
  EXPECT_EQ(cheap.status, 422);
  EXPECT_THAT(cheap.body, HasSubstr("cart.price_changed"));
  inventory.stock("a", 1);
  const auto short_of = ask(Method::POST, cart, checkout_json("tok_ok"), key("k3"));
  EXPECT_EQ(short_of.status, 409);
  EXPECT_THAT(short_of.body, HasSubstr(R"("field":"items[0]","code":"insufficient_stock")"));
  EXPECT_EQ(ask(Method::GET, "/v1/orders/nonsense").status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1/checkouts/nonsense").status, 404);
}

TEST_F(OrderRoutes, MembersThatAreNotTheirsAreRefused) {
  const auto cart = "/v1/carts/" + usual_cart() + "/checkout";
  for (const auto* more : {R"(,"total":1)", R"(,"user_id":"x")", R"(,"status":"paid")", R"(,"discount":100)"}) {
    const auto refused = ask(Method::POST, cart, checkout_json("tok_ok", more), key("k1"));
    EXPECT_EQ(refused.status, 400) << more;
  }
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas"), "0");
}

TEST_F(OrderRoutes, CustomersListTheirOwnOrders) {
  EXPECT_EQ(ask(Method::GET, "/v1/me/orders").status, 401);
  const auto anna = customer(Uuid::v7());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(buy(cart_with({{"i", "a", std::nullopt, 1}}), "tok_ok", "key" + std::to_string(i), anna));
  }
  const auto page = ask(Method::GET, "/v1/me/orders?limit=2", "", {}, anna);
  EXPECT_EQ(page.status, 200) << page.body;
  const auto read = json::read_trusted<OrderPage>(page.body);
  EXPECT_EQ(read.data.size(), 2u);
  ASSERT_TRUE(read.next_cursor);
  const auto rest = ask(Method::GET, "/v1/me/orders?cursor=" + *read.next_cursor, "", {}, anna);
  EXPECT_EQ(json::read_trusted<OrderPage>(rest.body).data.size(), 1u);
  EXPECT_EQ(ask(Method::GET, "/v1/me/orders?cursor=x", "", {}, anna).status, 400);
  EXPECT_EQ(ask(Method::GET, "/v1/me/orders?limit=101", "", {}, anna).status, 400);
}

}  // namespace
}  // namespace souk::order
