#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::catalog {
namespace {

using ::testing::HasSubstr;

class CatalogRoutes : public CatalogTest {
 protected:
  void SetUp() override {
    CatalogTest::SetUp();
    if (IsSkipped()) return;
    add_routes(router_, *service_);
    add(line_of("p1", "Blue Mug", "12.50", R"("category":{"id":"cat_home","name":"Home","slug":"home"})"));
    add(line_of("p2", "Red Mug", "14.50"));
  }

  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  http::Response ask(std::string path, std::vector<std::pair<std::string, std::string>> query = {},
                     http::Headers headers = {}) {
    http::Request request{.context = souk::testing::test_context(), .method = http::Method::GET, .target = path};
    request.path = std::move(path);
    request.query = std::move(query);
    request.headers = std::move(headers);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  static std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (http::equal_ignoring_case(key, name)) return value;
    }
    return "";
  }

  http::Router router_;
};

TEST_F(CatalogRoutes, AProductHasAnEntityTagThatSparesTheNextTransfer) {
  const auto first = ask("/v1/products/p1");
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, HasSubstr(R"("product_id":"p1")"));
  const auto etag = header(first, "ETag");
  const auto again = ask("/v1/products/p1", {}, {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(header(again, "ETag"), etag);
  EXPECT_EQ(ask("/v1/products/p1", {}, {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST_F(CatalogRoutes, ListsGiveStoredDocumentsAndTheNextCursor) {
  const auto page = ask("/v1/products", {{"sort", "price_asc"}, {"limit", "1"}, {"include", "total"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr(R"({"data":[{"product_id":"p1")"));
  EXPECT_THAT(page.body, HasSubstr(R"("has_more":true,"next_cursor":")"));
  EXPECT_THAT(page.body, HasSubstr(R"("total":2})"));
}

TEST_F(CatalogRoutes, BadParametersAreRefusedByName) {
  const auto limit = ask("/v1/products", {{"limit", "0"}});
  EXPECT_EQ(limit.status, 400);
  EXPECT_THAT(limit.body, HasSubstr(R"("field":"limit")"));
  EXPECT_EQ(ask("/v1/products", {{"colour", "red"}}).status, 400);
  EXPECT_EQ(ask("/v1/products", {{"min_price", "1.234"}}).status, 400);
  const auto cursor = ask("/v1/products", {{"cursor", "bm90IGEgY3Vyc29y"}});
  EXPECT_EQ(cursor.status, 400);
  EXPECT_THAT(cursor.body, HasSubstr("request.invalid_cursor"));
}

TEST_F(CatalogRoutes, CategoriesAreListedAndFoundByIdAndSlug) {
  EXPECT_THAT(ask("/v1/categories").body, HasSubstr(R"({"data":[{"category_id":"cat_home")"));
  EXPECT_THAT(ask("/v1/categories", {{"parent_id", "cat_home"}}).body, HasSubstr(R"("data":[])"));
  const auto category = ask("/v1/categories/home");
  EXPECT_THAT(category.body, HasSubstr(R"("category_id":"cat_home")"));
  EXPECT_EQ(ask("/v1/categories/cat_home", {}, {{"If-None-Match", header(category, "ETag")}}).status, 304);
  EXPECT_EQ(ask("/v1/categories/none").status, 404);
  EXPECT_THAT(ask("/v1/products/none").body, HasSubstr("catalog.product_not_found"));
}

}  // namespace
}  // namespace souk::catalog
