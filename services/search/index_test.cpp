#include "index.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "analyzer.hpp"
#include "rules.hpp"

namespace souk::search {
namespace {

using Terms = std::vector<std::string>;

catalog::Product product(std::string id, std::string name, std::string description = "", std::int64_t price = 1000) {
  catalog::Product made;
  made.product_id = id;
  made.sku = "SKU-" + id;
  made.name = name;
  made.slug = id;
  made.description = description;
  made.price.regular = Amount(price);
  return made;
}

std::vector<std::string> ids(const Index& index, SearchProducts request) {
  return find(*index.snapshot(), request, 0, 100).product_ids;
}

std::vector<std::string> ids(const Index& index, const std::string& query) {
  return ids(index, SearchProducts{.q = query});
}

TEST(Analyzer, FoldsStemsAndLeavesStopWordsOut) {
  EXPECT_EQ(analyze("The Running SHOES, for the café"), (Terms{"run", "shoe", "cafe"}));
  EXPECT_EQ(analyze("Crème brûlée Straße Øre"), (Terms{"creme", "brule", "strass", "ore"}));
  EXPECT_EQ(analyze("43.2 cm 1,000 don't U.S."), (Terms{"43.2", "cm", "1,000", "don't", "u."}));
  EXPECT_EQ(analyze("日本 2"), (Terms{"日", "本", "2"}));
  EXPECT_EQ(analyze("SmartFit™ Core™2 GeForce® 5€"), (Terms{"smartfit", "core", "2", "geforc", "5"}));
  EXPECT_EQ(analyze(""), Terms{});
}

// ASCII has a way of its own; one letter that is not ASCII sends the same text along the way of all others.
TEST(Analyzer, AsciiIsCutAsAllTextIs) {
  constexpr std::string_view signs = "aZ09_'.,;:-+$<>^`|~/ \t\n\x01\x7f(";
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto length = random() % 12; length > 0; --length) text.push_back(signs[random() % signs.size()]);
    auto expected = fold_words(text + " \xC3\xA9");
    ASSERT_EQ(expected.back(), "e") << text;
    expected.pop_back();
    ASSERT_EQ(fold_words(text), expected) << testing::PrintToString(text);
  }
}

TEST(Analyzer, PartNumbersAreComparedWithoutTheirSigns) {
  EXPECT_EQ(fold_code("006R-90321/B"), "006r90321b");
  EXPECT_EQ(rules::codes_in("toner 006R90321"), (Terms{"toner006r90321", "006r90321"}));
}

class SearchIndex : public ::testing::Test {
 protected:
  SearchIndex() {
    auto red = product("1", "Red running shoe", "A light shoe for the road", 8000);
    red.category = catalog::CategoryRef{.id = "c1", .name = "Shoes", .slug = "shoes"};
    red.brand = catalog::Brand{.name = "Élan"};
    red.rating = {.average = 4.5, .count = 2};
    auto blue = product("2", "Blue running shoe", "For trails", 4000);
    blue.category = red.category;
    blue.is_on_sale = true;
    auto toner = product("3", "Laser toner", "Black, for printers", 3000);
    toner.tags = {"006R-90321"};
    auto hidden = product("4", "Hidden running shoe");
    hidden.status = catalog::ProductStatus::inactive;
    index.rebuild({red, blue, toner, hidden}, "1");
  }

  Index index;
};

TEST_F(SearchIndex, FindsWhatHasAllTheWordsAndNothingInactive) {
  EXPECT_EQ(ids(index, "running shoes"), (Terms{"1", "2"}));
  EXPECT_EQ(ids(index, "blue shoes"), Terms{"2"});
  EXPECT_EQ(ids(index, "zebra"), Terms{});
  EXPECT_EQ(ids(index, "").size(), 3u);
}

TEST_F(SearchIndex, FallsBackToMostOfTheWordsAndCorrectsOneLetter) {
  EXPECT_EQ(ids(index, "red running zebra"), Terms{"1"});
  EXPECT_EQ(ids(index, "tonner"), Terms{"3"});
}

TEST_F(SearchIndex, APartNumberIsFoundHoweverItIsWritten) {
  EXPECT_EQ(ids(index, "006r90321"), Terms{"3"});
  EXPECT_EQ(ids(index, "006R-90321"), Terms{"3"});
  EXPECT_EQ(ids(index, "SKU-2"), Terms{"2"});
}

TEST_F(SearchIndex, FiltersAndSorts) {
  SearchProducts request;
  request.category = "shoes";
  request.sort = Sort::price_asc;
  EXPECT_EQ(ids(index, request), (Terms{"2", "1"}));
  request.brand = "elan";
  EXPECT_EQ(ids(index, request), Terms{"1"});
  request.min_price = Amount(9000);
  EXPECT_EQ(ids(index, request), Terms{});
  SearchProducts sale;
  sale.on_sale = true;
  EXPECT_EQ(ids(index, sale), Terms{"2"});
}

TEST_F(SearchIndex, FacetsCountAllMatches) {
  const SearchProducts request{.q = "shoe", .facets = "brand,category,price,rating"};
  const auto found = find(*index.snapshot(), request, 0, 1);
  EXPECT_EQ(found.total, 2);
  EXPECT_TRUE(found.has_more);
  EXPECT_EQ(found.facets.at("category")[0].count, 2);
  EXPECT_EQ(found.facets.at("category")[0].label, "Shoes");
  EXPECT_EQ(found.facets.at("price").size(), 2u);
  EXPECT_EQ(found.facets.at("price")[0].value, "25-50");
  EXPECT_EQ(found.facets.at("rating")[0].value, "4");
  EXPECT_FALSE(rules::check_facets("brand,colour"));
}

TEST_F(SearchIndex, ChangedProductsReplaceTheirOldSelves) {
  auto green = product("2", "Green sandal");
  index.apply({{"2", green}, {"3", std::nullopt}, {"5", product("5", "Green boot")}}, "2");
  EXPECT_EQ(ids(index, "blue"), Terms{});
  EXPECT_EQ(ids(index, "green"), (Terms{"2", "5"}));
  EXPECT_EQ(ids(index, "toner"), Terms{});
  EXPECT_EQ(index.snapshot()->size(), 3u);
  EXPECT_EQ(index.snapshot()->generation, "2");
  EXPECT_TRUE(index.snapshot()->updated_at("1") && index.snapshot()->updated_at("5"));
  EXPECT_FALSE(index.snapshot()->updated_at("3"));
}

TEST_F(SearchIndex, FacetsAddUpOverBothSegments) {
  auto boot = product("5", "Green boot");
  boot.category = catalog::CategoryRef{.id = "c1", .name = "Shoes", .slug = "shoes"};
  index.apply({{"5", boot}}, "2");
  const auto found = find(*index.snapshot(), SearchProducts{.facets = "category"}, 0, 1);
  ASSERT_EQ(found.facets.at("category").size(), 1u);
  EXPECT_EQ(found.facets.at("category")[0].count, 3);
}

TEST_F(SearchIndex, OfManyWordsOneMayBeMissingWhereFewHaveThemAll) {
  index.rebuild({product("all", "Surround sound speaker set"), product("most", "Surround speaker set"),
                 product("one", "Sound card"), product("none", "Lamp")},
                "1");
  EXPECT_EQ(ids(index, "surround sound speaker"), (Terms{"all", "most"}));
  EXPECT_EQ(ids(index, "surround sound"), Terms{"all"});
}

TEST_F(SearchIndex, SuggestsWordsOfNames) {
  EXPECT_EQ(suggest(*index.snapshot(), "ru", 5), Terms{"running"});
  EXPECT_EQ(suggest(*index.snapshot(), "red sh", 5), Terms{"red shoe"});
  EXPECT_EQ(suggest(*index.snapshot(), "", 5), Terms{});
}

TEST(SearchCursor, BelongsToItsQuery) {
  SearchProducts request{.q = "shoe"};
  request.cursor = rules::to_cursor(request, 40);
  EXPECT_EQ(rules::offset_of(request), 40u);
  request.q = "boot";
  EXPECT_EQ(rules::offset_of(request).error().code, "request.invalid_cursor");
  request.cursor = "nonsense";
  EXPECT_FALSE(rules::offset_of(request));
}

TEST(SearchPages, ShowEachProductOnce) {
  Index index;
  std::vector<catalog::Product> products;
  for (int i = 0; i < 95; ++i) products.push_back(product("p" + std::to_string(i), "Same shoe"));
  index.rebuild(products, "1");
  std::set<std::string> seen;
  for (std::size_t offset = 0; offset < 100; offset += 10) {
    for (const auto& id : find(*index.snapshot(), SearchProducts{.q = "shoe"}, offset, 10).product_ids) {
      EXPECT_TRUE(seen.insert(id).second);
    }
  }
  EXPECT_EQ(seen.size(), 95u);
}

}  // namespace
}  // namespace souk::search
