#include "json/json.hpp"

#include <gtest/gtest.h>

namespace souk::json {

BOOST_DEFINE_ENUM_CLASS(Color, red, green)

struct Line {
  Text<1, 10> product_id;
  Int<1, 999> quantity;
  std::optional<Color> color;
};
BOOST_DESCRIBE_STRUCT(Line, (), (product_id, quantity, color))

struct Basket {
  Amount total;
  std::vector<Line> items;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Basket, (), (total, items, note))

struct Filter {
  std::optional<Int<1, 100>> limit;
  std::optional<Amount> min_price;
  std::optional<bool> featured;
};
BOOST_DESCRIBE_STRUCT(Filter, (), (limit, min_price, featured))

namespace {

std::vector<std::pair<std::string, std::string>> field_codes(std::string_view text) {
  const auto result = read<Basket>(text);
  std::vector<std::pair<std::string, std::string>> codes;
  if (result) return {{"", "accepted"}};
  if (result.error().errors.empty()) return {{"", result.error().code}};
  for (const auto& error : result.error().errors) codes.emplace_back(error.field, error.code);
  return codes;
}

using Codes = std::vector<std::pair<std::string, std::string>>;

TEST(JsonRead, DescribedStructRoundTrips) {
  const std::string text = R"({"total":29.90,"items":[{"product_id":"p\"1","quantity":2,"color":"green"}]})";
  const auto basket = read<Basket>(text);
  ASSERT_TRUE(basket);
  EXPECT_EQ(basket->total, Amount(2990));
  EXPECT_EQ(basket->items[0].product_id, "p\"1");
  EXPECT_EQ(write(*basket), text);
}

TEST(JsonRead, EveryWrongFieldIsNamedWithItsPath) {
  EXPECT_EQ(field_codes(R"({"total":1,"items":[{"product_id":"","quantity":0},{"product_id":"a","quantity":1.5}]})"),
            (Codes{{"items[0].product_id", "length"}, {"items[0].quantity", "range"}, {"items[1].quantity", "type"}}));
}

TEST(JsonRead, UnknownMissingDuplicateAndMistypedFieldsAreRefused) {
  EXPECT_EQ(field_codes(R"({"total":1,"items":[],"role":"admin"})"), (Codes{{"role", "unknown"}}));
  EXPECT_EQ(field_codes(R"({"items":[]})"), (Codes{{"total", "missing"}}));
  EXPECT_EQ(field_codes(R"({"total":1,"total":2,"items":[]})"), (Codes{{"total", "duplicate"}}));
  EXPECT_EQ(field_codes(R"({"total":"1","items":{}})"), (Codes{{"total", "type"}, {"items", "type"}}));
  EXPECT_EQ(field_codes(R"({"total":1,"items":[{"product_id":"a","quantity":9223372036854775808}]})"),
            (Codes{{"items[0].quantity", "range"}}));
}

TEST(JsonRead, MoneyIsNeverRounded) {
  EXPECT_EQ(field_codes(R"({"total":1.005,"items":[]})"), (Codes{{"total", "value"}}));
  EXPECT_EQ(field_codes(R"({"total":1.0000000000000001,"items":[]})"), (Codes{{"total", "value"}}));
  EXPECT_EQ(field_codes(R"({"total":1e2,"items":[]})"), (Codes{{"total", "value"}}));
  EXPECT_EQ(field_codes(R"({"total":100000000,"items":[]})"), (Codes{{"total", "range"}}));
}

TEST(JsonRead, WhatIsNotJsonIsMalformed) {
  const Codes malformed{{"", "request.malformed"}};
  for (const auto* text :
       {"", "{", "{\"total\":1,\"items\":[]} x", "{\"total\" 1}", "{\"total\":1,,}", "{\"total\":01,\"items\":[]}",
        "{\"total\":1,\"items\":[],\"note\":\"\xff\"}", "{'total':1}", "{\"total\":1,\"items\":[}"}) {
    EXPECT_EQ(field_codes(text), malformed) << text;
  }
}

TEST(JsonRead, NestingIsLimited) {
  std::string deep = R"({"total":1,"items":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_NE(field_codes(deep), (Codes{{"", "accepted"}}));
}

TEST(JsonRead, LenientPassesOverWhatItDoesNotKnow) {
  const auto basket = read<Basket>(R"({"later":{"a":[1,2]},"total":1})", Mode::lenient);
  ASSERT_TRUE(basket);
  EXPECT_EQ(basket->total, Amount(100));
}

TEST(JsonRead, ParametersAreReadFromText) {
  const std::vector<std::pair<std::string, std::string>> good{
      {"limit", "5"}, {"min_price", "9.99"}, {"featured", "true"}};
  const auto filter = read_parameters<Filter>(good);
  ASSERT_TRUE(filter);
  EXPECT_EQ(*filter->limit, 5);
  EXPECT_EQ(*filter->min_price, Amount(999));
  const std::vector<std::pair<std::string, std::string>> bad{{"limit", "101"}, {"sort", "x"}};
  EXPECT_EQ(read_parameters<Filter>(bad).error().errors.size(), 2u);
}

TEST(JsonSchema, StatesConstraintsAndRequiredFields) {
  Schemas schemas;
  EXPECT_EQ(schemas.of<Basket>(), R"({"$ref":"#/components/schemas/json.Basket"})");
  EXPECT_EQ(
      schemas.components().at("json.Line"),
      R"({"type":"object","properties":{"product_id":{"type":"string","minLength":1,"maxLength":10},)"
      R"("quantity":{"type":"integer","minimum":1,"maximum":999},"color":{"type":"string","enum":["red","green"]}},)"
      R"("required":["product_id","quantity"]})");
}

}  // namespace
}  // namespace souk::json
