#include "import_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace souk::catalog::rules {
namespace {

using ::testing::HasSubstr;

const Timestamp noon{std::chrono::days(20000) + std::chrono::hours(12)};

std::string problem_of(std::string_view text) {
  const auto line = read_line(text);
  return line ? "" : in_words(line.error());
}

ProductLine good(std::string_view more = "") {
  const auto text = std::string(R"({"product_id":"p1","sku":"A","name":"Blue Mug","price":{"regular":12.5})") +
                    (more.empty() ? "" : ",") + std::string(more) + "}";
  auto line = read_line(text);
  if (!line) throw std::runtime_error(in_words(line.error()));
  return *std::move(line);
}

TEST(ImportRules, WhatALineLacksIsFilledIn) {
  const auto product = merge(good(), nullptr, {}, noon);
  EXPECT_EQ(product.slug, "blue-mug-p1");
  EXPECT_EQ(product.price.currency, "USD");
  EXPECT_EQ(product.status, ProductStatus::active);
  EXPECT_EQ(product.rating.count, 0);
  EXPECT_FALSE(product.is_on_sale);
  EXPECT_EQ(product.created_at, noon);
  EXPECT_EQ(product.updated_at, noon);
  EXPECT_EQ(product.published_at, noon);
}

TEST(ImportRules, WhatALineHasIsKept) {
  const auto line = good(R"("slug":"mug","status":"inactive","created_at":"2009-12-10T00:00:00Z","is_featured":true)");
  const auto product = merge(line, nullptr, {}, noon);
  EXPECT_EQ(product.slug, "mug");
  EXPECT_EQ(product.status, ProductStatus::inactive);
  EXPECT_EQ(to_rfc3339(product.created_at), "2009-12-10T00:00:00Z");
  EXPECT_EQ(product.published_at, std::nullopt);
  EXPECT_TRUE(product.is_featured);
}

TEST(ImportRules, ASalePricePutsAProductOnSale) {
  const auto line = read_line(R"({"product_id":"p","sku":"A","name":"N","price":{"regular":10,"sale":8}})");
  EXPECT_TRUE(merge(*line, nullptr, {}, noon).is_on_sale);
  const auto same = read_line(R"({"product_id":"p","sku":"A","name":"N","price":{"regular":10,"sale":10}})");
  EXPECT_FALSE(merge(*same, nullptr, {}, noon).is_on_sale);
}

TEST(ImportRules, AProductWithoutAPriceComesInInactive) {
  const auto line = read_line(R"({"product_id":"p","sku":"A","name":"N","price":{"regular":0}})");
  EXPECT_EQ(merge(*line, nullptr, {}, noon).status, ProductStatus::inactive);
}

TEST(ImportRules, RatingTimesAndAvailabilityStayAsTheyAreKnown) {
  const auto line = good(R"("variants":[{"variant_id":"v1","sku":"V","available":true}])");
  auto known = merge(line, nullptr, {}, noon);
  known.rating = {.average = 4.5, .count = 2};
  known.status = ProductStatus::out_of_stock;
  known.variants[0].available = false;
  const auto again = merge(line, &known, {{"v1", false}}, noon + std::chrono::hours(1));
  EXPECT_EQ(json::write(again), json::write(known));
}

TEST(ImportRules, AProductThatIsOfferedAgainIsAsTheInventorySays) {
  auto known = merge(good(R"("status":"inactive")"), nullptr, {}, noon);
  EXPECT_EQ(merge(good(R"("status":"active")"), &known, {{"p1", false}}, noon).status, ProductStatus::out_of_stock);
  EXPECT_EQ(merge(good(R"("status":"active")"), &known, {}, noon).status, ProductStatus::active);
}

TEST(ImportRules, AVariantWithoutStockComesInUnavailable) {
  const auto line = good(R"("variants":[{"variant_id":"v1","sku":"V1","quantity":0},{"variant_id":"v2","sku":"V2"}])");
  const auto product = merge(line, nullptr, {}, noon);
  EXPECT_EQ(product.variants[0].available, false);
  EXPECT_EQ(product.variants[1].available, true);
}

TEST(ImportRules, OpeningStockIsOfTheVariantsOrOfTheProduct) {
  const auto plain = opening_stock(good(R"("quantity":7)"));
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].sellable_id, "p1");
  EXPECT_EQ(plain[0].quantity, 7);
  const auto varied = opening_stock(good(R"("variants":[{"variant_id":"v1","sku":"V","quantity":3}])"));
  ASSERT_EQ(varied.size(), 1u);
  EXPECT_EQ(varied[0].sellable_id, "v1");
  EXPECT_EQ(varied[0].sku, "V");
  EXPECT_EQ(varied[0].quantity, 3);
  EXPECT_EQ(opening_stock(good())[0].quantity, std::nullopt);
}

TEST(ImportRules, ABadLineIsRefusedWithThePathOfTheField) {
  const std::string head = R"({"product_id":"p","sku":"A","name":"N",)";
  const struct {
    std::string text;
    const char* problem;
  } cases[] = {
      {"{", "JSON"},
      {R"({"sku":"A","name":"N","price":{"regular":1}})", "product_id"},
      {head + R"("price":{}})", "price.regular"},
      {head + R"("price":{"regular":-1}})", "price.regular"},
      {head + R"("price":{"regular":1.005}})", "price.regular"},
      {head + R"("price":{"regular":"1"}})", "price.regular"},
      {head + R"("price":{"regular":1,"sale":2}})", "price.sale"},
      {head + R"("price":{"regular":1,"currency":"usd"}})", "price.currency"},
      {head + R"("price":{"regular":1},"colour":"red"})", "colour"},
      {head + R"("price":{"regular":1},"slug":"Not A Slug"})", "slug"},
      {head + R"("price":{"regular":1},"quantity":-1})", "quantity"},
      {head + R"("price":{"regular":1},"quantity":1.5})", "quantity"},
      {head + R"("price":{"regular":1},"status":"sold"})", "status"},
      {head + R"("price":{"regular":1},"subcategory":{"id":"s","name":"S","slug":"s"}})", "subcategory"},
      {head + R"("price":{"regular":1},"variants":[{"variant_id":"v","sku":"1"},{"variant_id":"v","sku":"2"}]})",
       "variants[1].variant_id"},
      {head + R"("price":{"regular":1},"variants":[{"variant_id":"v","sku":"A"}]})", "variants[0].sku"},
      {head + R"("price":{"regular":1},"variants":[{"variant_id":"v","sku":"1","price_adjustment":-2}]})",
       "variants[0].price_adjustment"},
      {head + R"("price":{"regular":1},"variants":[{"variant_id":"v","sku":"1"}],"quantity":1})", "quantity"},
      {R"({"product_id":"a/b","sku":"A","name":"N","price":{"regular":1}})", "product_id"},
      {head + R"("price":{"regular":1},"created_at":"yesterday"})", "created_at"},
  };
  for (const auto& wrong : cases) EXPECT_THAT(problem_of(wrong.text), HasSubstr(wrong.problem)) << wrong.text;
}

}  // namespace
}  // namespace souk::catalog::rules
