#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "events/outbox.hpp"
#include "fakes_for_test.hpp"
#include "postgres_repository.hpp"
#include "service.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::review {

namespace migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace {

using http::Method;
using ::testing::HasSubstr;

class ReviewRoutes : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const std::vector<pg::MigrationSet> sets{{"events", events::migrations::embedded_files()},
                                             {"review", migrations::embedded_files()}};
    database.emplace(sets);
    pool.emplace(runtime, pg::PoolOptions{.url = database->url(), .name = "review_db"});
    repository.emplace(*pool);
    service.emplace(*repository, orders, users, &catalog, false);
    add_routes(router, *service);
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  http::Response ask(Method method, std::string path, std::string body = "", Caller caller = {}) {
    http::Request request{.context = testing::test_context(std::move(caller)), .method = method, .target = path};
    request.path = std::move(path);
    request.body = std::move(body);
    request.headers.emplace_back("Content-Type", "application/json");
    return run(handle(router, std::move(request)));
  }
  static Caller customer(Uuid id) { return {.kind = Caller::Kind::customer, .user_id = id}; }

  FakeOrders orders;
  FakeUsers users;
  FakeCatalog catalog;
  std::optional<testing::TestDatabase> database;
  std::optional<pg::Pool> pool;
  std::optional<PostgresRepository> repository;
  std::optional<Service> service;
  http::Router router;
  const Caller admin{.kind = Caller::Kind::admin, .user_id = Uuid::v7()};
  const Uuid ada = Uuid::v7();
  const std::string body = R"({"rating":4,"title":"Fine","content":"It works."})";
};

TEST_F(ReviewRoutes, AReviewGoesFromItsAuthorThroughTheEditorToTheShop) {
  const auto made = ask(Method::POST, "/v1/products/p1/reviews", body, customer(ada));
  ASSERT_EQ(made.status, 201) << made.body;
  const auto id = json::read_trusted<Review>(made.body).review_id;
  EXPECT_EQ(ask(Method::GET, "/v1/products/p1/reviews").body, R"({"data":[],"has_more":false})");
  EXPECT_THAT(ask(Method::GET, "/v1/me/reviews", "", customer(ada)).body, HasSubstr(id));
  EXPECT_EQ(ask(Method::GET, "/v1/admin/reviews", "", admin).status, 200);
  EXPECT_EQ(ask(Method::POST, "/v1/admin/reviews/" + id + "/approve", "{}", admin).status, 200);
  EXPECT_THAT(ask(Method::GET, "/v1/products/p1/reviews").body, HasSubstr(id));
  EXPECT_EQ(ask(Method::GET, "/v1/reviews/" + id).status, 200);
  const auto vote = R"({"helpful":true})";
  EXPECT_EQ(ask(Method::PUT, "/v1/reviews/" + id + "/vote", vote, customer(Uuid::v7())).status, 200);
  EXPECT_EQ(ask(Method::PUT, "/v1/reviews/" + id + "/vote", vote, customer(ada)).status, 422);
  EXPECT_EQ(ask(Method::PATCH, "/v1/reviews/" + id, R"({"rating":1})", customer(Uuid::v7())).status, 404);
  EXPECT_EQ(ask(Method::PATCH, "/v1/reviews/" + id, R"({"rating":1})", customer(ada)).status, 200);
  EXPECT_EQ(ask(Method::DELETE, "/v1/reviews/" + id, "", customer(ada)).status, 204);
  EXPECT_EQ(ask(Method::GET, "/v1/reviews/" + id, "", customer(ada)).status, 404);
}

TEST_F(ReviewRoutes, OnlyAdministratorsJudge) {
  for (const auto* path : {"/v1/admin/reviews/x/approve", "/v1/admin/reviews/x/reject"}) {
    EXPECT_EQ(ask(Method::POST, path, "{}").status, 401);
    EXPECT_EQ(ask(Method::POST, path, "{}", customer(ada)).status, 403);
    EXPECT_EQ(ask(Method::POST, path, "{}", admin).status, 404);
  }
  EXPECT_EQ(ask(Method::GET, "/v1/admin/reviews", "", customer(ada)).status, 403);
}

TEST_F(ReviewRoutes, WhatTheAuthorMayNotSayIsRefused) {
  for (const auto* field : {R"("status":"approved")", R"("is_verified_purchase":true)", R"("helpful_count":99)",
                            R"("user_details":{"name":"x"})"}) {
    const auto refused =
        ask(Method::POST, "/v1/products/p1/reviews",
            R"({"rating":4,"title":"Fine","content":"It works.",)" + std::string(field) + "}", customer(ada));
    EXPECT_EQ(refused.status, 400) << field;
  }
  for (const auto* rating : {"0", "6", "4.5", "\"5\"", "9223372036854775808"}) {
    const auto refused =
        ask(Method::POST, "/v1/products/p1/reviews",
            R"({"title":"Fine","content":"It works.","rating":)" + std::string(rating) + "}", customer(ada));
    EXPECT_EQ(refused.status, 400) << rating;
  }
  EXPECT_EQ(ask(Method::POST, "/v1/products/p1/reviews", body).status, 401);
}

}  // namespace
}  // namespace souk::review
