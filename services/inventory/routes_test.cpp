#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::inventory {
namespace {

using http::Method;
using ::testing::HasSubstr;

class InventoryRoutes : public InventoryTest {
 protected:
  void SetUp() override {
    InventoryTest::SetUp();
    if (!service_) return;
    add_routes(router_, *service_);
    open("a", 10);
  }

  http::Response ask(Method method, std::string path, std::string body = "", std::string key = "",
                     Caller::Kind kind = Caller::Kind::admin) {
    Caller caller{.kind = kind};
    if (kind != Caller::Kind::anonymous) caller.user_id = admin_;
    http::Request request{.context = souk::testing::test_context(std::move(caller)), .method = method, .target = path};
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) {
      const auto equals = path.find('=');
      request.query.emplace_back(path.substr(question + 1, equals - question - 1), path.substr(equals + 1));
    }
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
    request.body = std::move(body);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }

  const Uuid admin_ = Uuid::v7();
  http::Router router_;
};

TEST_F(InventoryRoutes, AnAdminSeesMovesAndTracesStock) {
  EXPECT_THAT(ask(Method::GET, "/v1/admin/inventory/a").body, HasSubstr(R"("quantity":10,"reserved_quantity":0)"));
  const auto restocked =
      ask(Method::POST, "/v1/admin/inventory/a/restock", R"({"quantity":5,"notes":"pallet 7"})", "k1");
  EXPECT_EQ(restocked.status, 200) << restocked.body;
  EXPECT_THAT(restocked.body, HasSubstr(R"("quantity":15)"));
  EXPECT_THAT(ask(Method::POST, "/v1/admin/inventory/a/adjust", R"({"quantity":-1})", "k2").body,
              HasSubstr(R"("quantity":14)"));
  const auto ledger = ask(Method::GET, "/v1/admin/inventory/a/transactions?limit=2");
  EXPECT_THAT(ledger.body, HasSubstr(R"("transaction_type":"adjustment","quantity":-1)"));
  EXPECT_THAT(ledger.body, HasSubstr(R"("notes":"pallet 7","created_by":"admin:)" + admin_.to_string()));
  EXPECT_THAT(ledger.body, HasSubstr(R"("has_more":true)"));
}

TEST_F(InventoryRoutes, AMovementIsMadeOnceForItsKey) {
  const std::string path = "/v1/admin/inventory/a/restock";
  const auto first = ask(Method::POST, path, R"({"quantity":5})", "k");
  EXPECT_EQ(ask(Method::POST, path, R"({"quantity":5})", "k").body, first.body);
  EXPECT_EQ(ask(Method::POST, path, R"({"quantity":6})", "k").status, 422);
  EXPECT_EQ(ask(Method::POST, path, R"({"quantity":5})").status, 400);
  EXPECT_EQ(stock("a").quantity, 15);
}

TEST_F(InventoryRoutes, OnlyAdminsGetIn) {
  for (const auto* path : {"/v1/admin/inventory/a", "/v1/admin/inventory/a/transactions"}) {
    EXPECT_EQ(ask(Method::GET, path, "", "", Caller::Kind::customer).status, 403);
    EXPECT_EQ(ask(Method::GET, path, "", "", Caller::Kind::anonymous).status, 401);
  }
  EXPECT_EQ(ask(Method::POST, "/v1/admin/inventory/a/restock", R"({"quantity":5})", "k", Caller::Kind::customer).status,
            403);
}

TEST_F(InventoryRoutes, BadMovementsAreRefused) {
  const auto status = [&](const std::string& path, std::string body) {
    return ask(Method::POST, "/v1/admin/inventory/" + path, std::move(body), "key-" + path + body).status;
  };
  for (const auto* quantity : {"0", "-1", "1.5", "9223372036854775808", "\"1\"", "null"}) {
    EXPECT_EQ(status("a/restock", "{\"quantity\":" + std::string(quantity) + "}"), 400) << quantity;
  }
  EXPECT_EQ(status("a/restock", "{}"), 400);
  EXPECT_EQ(status("a/restock", R"({"quantity":1,"reserved_quantity":0})"), 400);
  EXPECT_EQ(status("a/adjust", R"({"quantity":-11})"), 409);
  EXPECT_EQ(status("a/adjust", R"({"quantity":0})"), 422);
  EXPECT_EQ(status("nothing/restock", R"({"quantity":1})"), 404);
  EXPECT_EQ(ask(Method::GET, "/v1/admin/inventory/nothing").status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1/admin/inventory/a/transactions?cursor=x").status, 400);
}

}  // namespace
}  // namespace souk::inventory
