#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"
#include "list_statements.hpp"
#include "postgres/blocking.hpp"

// Which plans PostgreSQL makes for the lists, on a catalogue that is large enough for a wrong one to hurt.
namespace souk::catalog {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CatalogRepository : public CatalogTest {
 protected:
  void SetUp() override {
    CatalogTest::SetUp();
    if (IsSkipped()) return;
    for (int batch = 0; batch < 10; ++batch) {
      std::vector<std::string> lines;
      for (int i = batch * 400; i < (batch + 1) * 400; ++i) lines.push_back(numbered_line(i));
      import(std::move(lines));
    }
    connection_ = std::make_unique<pg::BlockingConnection>(database_->url());
    connection_->run("ANALYZE products");
  }

  static std::string numbered_line(int i) {
    const int group = i % 40;
    return line_of(
        fmt::format("p{}", i), fmt::format("Name {}", (i * 37) % 4000), fmt::format("{}.{:02}", 1 + i % 900, i % 100),
        fmt::format(
            R"("created_at":"20{:02}-0{}-1{}T00:00:00Z","rating":{{"average":{}.{},"count":3}},"tags":["tag{}"],)"
            R"("brand":{{"name":"Brand {}"}},"category":{{"id":"cat_{}","name":"C","slug":"c-{}"}},)"
            R"("subcategory":{{"id":"sub_{}","name":"S","slug":"s-{}"}},"is_featured":{})",
            10 + i % 13, 1 + i % 9, i % 10, 1 + i % 4, i % 10, i % 500, group, group, group, i % 200, i % 200,
            i % 50 == 0));
  }

  // The plan of a list, custom and generic: what the server uses first, and what it may settle for.
  std::string plans(const ProductQuery& query) {
    return plan(list_statement(query), list_parameters(query), "force_custom_plan") +
           plan(list_statement(query), list_parameters(query), "force_generic_plan");
  }
  std::string plan(const pg::Statement& statement, const pg::Params& params, const std::string& mode) {
    connection_->run("SET plan_cache_mode = " + mode);
    connection_->run("DEALLOCATE ALL");
    connection_->run("PREPARE list AS " + std::string(statement.sql));
    std::string values;
    for (std::size_t i = 0; i < params.size(); ++i) {
      values += values.empty() ? "" : ", ";
      values += params[i] ? connection_->quoted_text(*params[i]) : "NULL";
    }
    std::string text;
    for (const pg::Row row : connection_->run("EXPLAIN EXECUTE list (" + values + ")")) {
      text.append(row.text(0)).append("\n");
    }
    return text;
  }

  std::unique_ptr<pg::BlockingConnection> connection_;
};

TEST_F(CatalogRepository, EachOrderReadsItsOwnIndexAndSortsNothing) {
  const struct {
    ProductSort sort;
    const char* index;
    const char* key;
  } cases[] = {{ProductSort::newest, "products_by_time", "2015-01-01T00:00:00Z"},
               {ProductSort::price_asc, "products_by_price", "100.00"},
               {ProductSort::price_desc, "products_by_price", "100.00"},
               {ProductSort::rating, "products_by_rating", "3"},
               {ProductSort::name, "products_by_name", "name 1"}};
  for (const auto& order : cases) {
    ProductQuery query{.sort = order.sort};
    EXPECT_THAT(plans(query), HasSubstr(order.index));
    EXPECT_THAT(plans(query), Not(HasSubstr("Sort")));
    query.after = rules::Position{.sort = order.sort, .key = order.key, .id = "p1"};
    EXPECT_THAT(plans(query), HasSubstr(order.index));
    EXPECT_THAT(plans(query), HasSubstr("Index Cond: (ROW"));
    EXPECT_THAT(plans(query), Not(HasSubstr("Sort")));
  }
}

TEST_F(CatalogRepository, ListsOfACategoryASubcategoryABrandAndATagUseTheirIndexes) {
  EXPECT_THAT(plans({.category_id = "cat_7"}), HasSubstr("products_of_category"));
  EXPECT_THAT(plans({.category_id = "cat_7"}), Not(HasSubstr("Sort")));
  EXPECT_THAT(plans({.subcategory_id = "sub_7"}), HasSubstr("products_of_subcategory"));
  EXPECT_THAT(plans({.brand = "Brand 7"}), HasSubstr("products_of_brand"));
  EXPECT_THAT(plans({.tag = "tag7"}), HasSubstr("products_of_tag"));
}

TEST_F(CatalogRepository, APriceRangeIsReadFromTheIndexWhereThePriceIsTheOrder) {
  const ProductQuery query{.min_price = Amount(5000), .max_price = Amount(6000), .sort = ProductSort::price_asc};
  EXPECT_THAT(plans(query), HasSubstr("Index Cond: ((price >= "));
}

TEST_F(CatalogRepository, TheSpecificationsLookUpsUseItsIndexes) {
  const auto explain = [this](const std::string& condition) {
    std::string text;
    for (const pg::Row row : connection_->run("EXPLAIN SELECT body FROM products WHERE " + condition)) {
      text.append(row.text(0)).append("\n");
    }
    return text;
  };
  EXPECT_THAT(explain("document->>'product_id' = ANY ('{p1,p2}')"), HasSubstr("products_product_id"));
  EXPECT_THAT(explain("document->>'sku' = 'SKU-p1'"), HasSubstr("products_sku"));
  EXPECT_THAT(explain("document->>'slug' = 'name-1-p1'"), HasSubstr("products_slug"));
  EXPECT_THAT(explain("document->'category'->>'id' = 'cat_7'"), HasSubstr("products_category_id"));
  EXPECT_THAT(explain("document->>'status' = 'inactive'"), HasSubstr("products_status"));
  EXPECT_THAT(explain("(document->>'is_featured')::boolean"), HasSubstr("products_is_featured"));
  EXPECT_THAT(explain("(document->'rating'->>'average')::numeric > 4.95"), HasSubstr("products_rating"));
  EXPECT_THAT(explain("document_time(document->>'created_at') > '2030-01-01Z'"), HasSubstr("products_created_at"));
  EXPECT_THAT(explain("to_tsvector('english'::regconfig, COALESCE(document->>'name', '') || ' ' || "
                      "COALESCE(document->>'description', '') || ' ' || COALESCE(document->>'tags', '')) "
                      "@@ to_tsquery('english', 'tag7')"),
              HasSubstr("products_text"));
}

}  // namespace
}  // namespace souk::catalog
