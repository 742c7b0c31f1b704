#include "service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CatalogService : public CatalogTest {
 protected:
  struct Page {
    std::vector<Product> data;
    bool has_more = false;
    std::optional<std::string> next_cursor;
    std::optional<std::int64_t> total;
    BOOST_DESCRIBE_CLASS(Page, (), (data, has_more, next_cursor, total), (), ())
  };
  Page list(ListProducts request) {
    return json::read_trusted<Page>(call(&Api::list_products, std::move(request)).value().document.text);
  }
  std::vector<std::string> ids(ListProducts request) {
    std::vector<std::string> found;
    for (const auto& product : list(std::move(request)).data) found.push_back(product.product_id);
    return found;
  }
  static ListProducts filter(ProductFilter filter) {
    ListProducts request;
    static_cast<ProductFilter&>(request) = std::move(filter);
    return request;
  }
  std::vector<std::string> events() {
    std::vector<std::string> found;
    for (const auto& event : call(&Api::events, events::ReadEvents{.limit = 1000}).value().events) {
      found.push_back(event.type + " " + event.key);
    }
    return found;
  }

  static constexpr auto men = R"("category":{"id":"cat_men","name":"Men","slug":"men"})";
  static constexpr auto men_tops =
      R"("category":{"id":"cat_men","name":"Men","slug":"men"},"subcategory":{"id":"cat_tops","name":"Tops","slug":"tops"})";
};

TEST_F(CatalogService, AnImportedProductIsFoundByItsIdAndItsSlug) {
  add(line_of("p1", "Blue Mug", "12.50"));
  EXPECT_EQ(get("p1")->name, "Blue Mug");
  EXPECT_EQ(get("blue-mug-p1")->product_id, "p1");
  EXPECT_EQ(get("blue-mug-p1")->product_id, "p1");
  EXPECT_EQ(code_of(get("p2")), "catalog.product_not_found");
}

TEST_F(CatalogService, TheServedDocumentHasTwoDecimalsAndTheSpecsMembers) {
  add(line_of("p1", "Blue Mug", "12.5", R"("created_at":"2020-01-02T03:04:05Z","tags":["a"])"));
  const auto document = call(&Api::get_product, GetProduct{"p1"}).value();
  EXPECT_THAT(document.document.text,
              HasSubstr(R"("price":{"regular":12.50,"currency":"USD"},"images":[],"variants":[],"tags":["a"])"));
  EXPECT_THAT(document.document.text, HasSubstr(R"("created_at":"2020-01-02T03:04:05Z")"));
  EXPECT_TRUE(document.etag.starts_with('"') && document.etag.ends_with('"'));
}

TEST_F(CatalogService, TheSameImportAgainChangesNothing) {
  const auto line = line_of("p1", "Blue Mug", "12.50", men_tops);
  EXPECT_TRUE(import({line})[0].changed);
  const auto before = call(&Api::get_product, GetProduct{"p1"}).value();
  const auto told = events();
  EXPECT_FALSE(import({line})[0].changed);
  EXPECT_EQ(call(&Api::get_product, GetProduct{"p1"}).value().etag, before.etag);
  EXPECT_EQ(events(), told);
}

TEST_F(CatalogService, AChangedLineChangesTheProductAtOnceAndTellsIt) {
  add(line_of("p1", "Blue Mug", "12.50"));
  const auto before = get("p1").value();
  const auto told = events().size();
  EXPECT_TRUE(import({line_of("p1", "Blue Mug", "13.00")})[0].changed);
  EXPECT_EQ(get("p1")->price.regular, Amount(1300));
  EXPECT_EQ(get("blue-mug-p1")->price.regular, Amount(1300));
  EXPECT_GT(get("p1")->updated_at, before.updated_at);
  EXPECT_EQ(get("p1")->created_at, before.created_at);
  EXPECT_EQ(events().size(), told + 1);
  EXPECT_EQ(events().back(), "product.changed p1");
}

TEST_F(CatalogService, BadLinesAreLeftOutAndTheRestIsLoaded) {
  const auto lines = import({line_of("p1", "A", "1"), "{\"product_id\":1}", line_of("p2", "B", "2")});
  EXPECT_EQ(lines[0].problem, std::nullopt);
  EXPECT_THAT(lines[1].problem.value_or(""), HasSubstr("product_id"));
  EXPECT_EQ(lines[2].problem, std::nullopt);
  EXPECT_TRUE(get("p1") && get("p2"));
}

TEST_F(CatalogService, ANameThatAnotherProductHasIsRefusedByName) {
  add(R"({"product_id":"p1","sku":"A","name":"N","slug":"n","price":{"regular":1},"variants":[{"variant_id":"v1","sku":"A-1"}]})");
  const auto lines = import(
      {R"({"product_id":"v1","sku":"B","name":"N","price":{"regular":1}})",
       R"({"product_id":"p2","sku":"A","name":"N","price":{"regular":1}})",
       R"({"product_id":"p3","sku":"A-1","name":"N","price":{"regular":1}})",
       R"({"product_id":"p4","sku":"D","name":"N","slug":"n","price":{"regular":1}})",
       R"({"product_id":"p5","sku":"E","name":"N","price":{"regular":1},"variants":[{"variant_id":"p1","sku":"E-1"}]})",
       R"({"product_id":"p6","sku":"F","name":"N","price":{"regular":1}})",
       R"({"product_id":"p7","sku":"F","name":"N","price":{"regular":1}})"});
  EXPECT_EQ(lines[0].problem, "id v1 belongs to product p1");
  EXPECT_EQ(lines[1].problem, "sku A belongs to product p1");
  EXPECT_EQ(lines[2].problem, "sku A-1 belongs to product p1");
  EXPECT_EQ(lines[3].problem, "slug n belongs to product p1");
  EXPECT_EQ(lines[4].problem, "id p1 belongs to product p1");
  EXPECT_EQ(lines[5].problem, std::nullopt);
  EXPECT_EQ(lines[6].problem, "sku F belongs to product p6");
  EXPECT_EQ(call(&Api::stats, Done{})->products, 2);
}

TEST_F(CatalogService, ADroppedVariantGivesItsNamesBack) {
  add(R"({"product_id":"p1","sku":"A","name":"N","price":{"regular":1},"variants":[{"variant_id":"v1","sku":"A-1"}]})");
  add(R"({"product_id":"p1","sku":"A","name":"N","price":{"regular":1},"variants":[{"variant_id":"v2","sku":"A-2"}]})");
  add(R"({"product_id":"v1","sku":"A-1","name":"N","price":{"regular":1}})");
}

TEST_F(CatalogService, AProductTwiceInOneCallEndsAsTheLastLineSays) {
  const auto lines = import({line_of("p1", "A", "1"), line_of("p1", "A", "2"), line_of("p1", "A", "2")});
  EXPECT_TRUE(lines[0].changed && lines[1].changed);
  EXPECT_FALSE(lines[2].changed);
  EXPECT_EQ(get("p1")->price.regular, Amount(200));
}

TEST_F(CatalogService, TheReplyOfAnImportTellsTheOpeningStock) {
  const auto lines = import({line_of("p1", "A", "1", R"("quantity":5)"), line_of("p2", "B", "1")});
  EXPECT_EQ(lines[0].stock.at(0).sellable_id, "p1");
  EXPECT_EQ(lines[0].stock.at(0).quantity, 5);
  EXPECT_EQ(lines[1].stock.at(0).quantity, std::nullopt);
}

TEST_F(CatalogService, PricesComeFromTheDocument) {
  add(R"({"product_id":"p1","sku":"A","name":"N","price":{"regular":10,"sale":8},"variants":[{"variant_id":"v1","sku":"A-1","price_adjustment":0.5}],"specifications":{"weight":"2 kg"}})");
  EXPECT_EQ(price("p1", "v1").item->unit_price, Amount(850));
  EXPECT_EQ(price("p1", "v1").item->weight_g, 2000);
  EXPECT_EQ(price("p1").refusal, "catalog.variant_required");
  EXPECT_EQ(price("p1", "v9").refusal, "catalog.variant_not_found");
  EXPECT_EQ(price("p9").refusal, "catalog.product_not_found");
}

TEST_F(CatalogService, ManyItemsArePricedInTheirOrder) {
  add(line_of("p1", "A", "1"));
  add(line_of("p2", "B", "2"));
  const auto priced =
      call(&Api::price_items, PriceItems{{{.product_id = "p2"}, {.product_id = "no"}, {.product_id = "p1"}}}).value();
  EXPECT_EQ(priced.items[0].item->unit_price, Amount(200));
  EXPECT_FALSE(priced.items[1].item);
  EXPECT_EQ(priced.items[2].item->unit_price, Amount(100));
}

TEST_F(CatalogService, AnInactiveProductIsSeenByAdminsOnly) {
  add(line_of("p1", "A", "1", R"("status":"inactive")"));
  EXPECT_EQ(code_of(get("p1")), "catalog.product_not_found");
  EXPECT_TRUE(get("p1", admin()));
  EXPECT_TRUE(ids({}).empty());
  EXPECT_TRUE(call(&Api::get_products, GetProducts{{"p1"}})->products.empty());
  EXPECT_FALSE(price("p1").item->sellable);
}

TEST_F(CatalogService, ProductsAreGivenInTheOrderAskedFor) {
  add(line_of("p1", "A", "1"));
  add(line_of("p2", "B", "2"));
  const auto found = call(&Api::get_products, GetProducts{{"p2", "none", "p1"}}).value();
  ASSERT_EQ(found.products.size(), 2u);
  EXPECT_EQ(found.products[0].product_id, "p2");
  EXPECT_EQ(found.products[1].product_id, "p1");
}

TEST_F(CatalogService, ListsFilterByEverythingTheyOffer) {
  import(
      {line_of("p1", "A", "10", std::string(men_tops) + R"(,"brand":{"name":"Luma"},"tags":["Gym","Red"])"),
       line_of("p2", "B", "20", std::string(men) + R"(,"brand":{"name":"Acme"},"is_featured":true,"tags":["Gym"])"),
       R"({"product_id":"p3","sku":"C","name":"C","price":{"regular":50,"sale":15},"rating":{"average":4.5,"count":2}})"});
  const auto sorted = [this](ProductFilter wanted) {
    auto found = ids(filter(std::move(wanted)));
    std::ranges::sort(found);
    return found;
  };
  EXPECT_THAT(sorted({}), ElementsAre("p1", "p2", "p3"));
  EXPECT_THAT(sorted({.category = "cat_men"}), ElementsAre("p1", "p2"));
  EXPECT_THAT(sorted({.category = "men"}), ElementsAre("p1", "p2"));
  EXPECT_THAT(sorted({.subcategory = "tops"}), ElementsAre("p1"));
  EXPECT_THAT(sorted({.category = "nowhere"}), ElementsAre());
  EXPECT_THAT(sorted({.brand = "Acme"}), ElementsAre("p2"));
  EXPECT_THAT(sorted({.tag = "Gym"}), ElementsAre("p1", "p2"));
  EXPECT_THAT(sorted({.min_price = Amount(1500)}), ElementsAre("p2", "p3"));
  EXPECT_THAT(sorted({.max_price = Amount(1500)}), ElementsAre("p1", "p3"));
  EXPECT_THAT(sorted({.min_rating = 4.5}), ElementsAre("p3"));
  EXPECT_THAT(sorted({.featured = true}), ElementsAre("p2"));
  EXPECT_THAT(sorted({.on_sale = true}), ElementsAre("p3"));
  EXPECT_THAT(sorted({.category = "men", .brand = "Luma", .tag = "Red", .min_price = Amount(1000)}), ElementsAre("p1"));
}

TEST_F(CatalogService, EveryOrderPagesThroughEveryProductOnce) {
  std::vector<std::string> lines;
  for (int i = 0; i < 23; ++i) {
    lines.push_back(line_of(fmt::format("p{}", i), fmt::format("Name {}", i % 7), std::to_string(5 + i % 5),
                            fmt::format(R"("created_at":"2020-01-{:02}T00:00:00Z","rating":{{"average":{},"count":1}})",
                                        1 + i % 9, 1 + i % 4)));
  }
  import(std::move(lines));
  for (const auto sort :
       {ProductSort::newest, ProductSort::price_asc, ProductSort::price_desc, ProductSort::rating, ProductSort::name}) {
    std::vector<Product> visited;
    ListProducts request{.sort = sort, .limit = 4};
    for (;;) {
      auto page = list(request);
      for (auto& product : page.data) visited.push_back(std::move(product));
      if (!page.has_more) break;
      request.cursor = page.next_cursor.value();
    }
    EXPECT_EQ(visited.size(), 23u);
    EXPECT_TRUE(std::ranges::is_sorted(visited, [sort](const Product& a, const Product& b) {
      switch (sort) {
        case ProductSort::newest: return a.created_at > b.created_at;
        case ProductSort::price_asc: return a.price.regular < b.price.regular;
        case ProductSort::price_desc: return a.price.regular > b.price.regular;
        case ProductSort::rating: return a.rating.average > b.rating.average;
        case ProductSort::name: return a.name < b.name;
      }
      return false;
    })) << json::enum_name(sort);
  }
}

TEST_F(CatalogService, TheTotalCountsWhatFits) {
  import({line_of("p1", "A", "1", men), line_of("p2", "B", "1", men), line_of("p3", "C", "1")});
  ListProducts request = filter({.category = "men"});
  request.limit = 1;
  request.include = IncludeTotal::total;
  const auto page = list(request);
  EXPECT_EQ(page.total, 2);
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(list({}).total, std::nullopt);
}

TEST_F(CatalogService, AMadeUpCursorIsRefused) {
  EXPECT_EQ(code_of(call(&Api::list_products, ListProducts{.cursor = "bm90IGEgY3Vyc29y"})), "request.invalid_cursor");
}

TEST_F(CatalogService, CategoriesAreMadeFromTheProductsAndCountThem) {
  import({line_of("p1", "A", "1", men_tops), line_of("p2", "B", "1", men),
          line_of("p3", "C", "1", std::string(men) + R"(,"status":"inactive")")});
  const auto category = call(&Api::get_category, GetCategory{"men"}).value();
  EXPECT_EQ(category.category_id, "cat_men");
  EXPECT_EQ(category.product_count, 2);
  EXPECT_EQ(category.parent_id, std::nullopt);
  const auto tops = call(&Api::get_category, GetCategory{"cat_tops"}).value();
  EXPECT_EQ(tops.parent_id, "cat_men");
  EXPECT_EQ(tops.product_count, 1);
  EXPECT_EQ(call(&Api::list_categories, ListCategories{})->data.size(), 2u);
  EXPECT_EQ(call(&Api::list_categories, ListCategories{.parent_id = "cat_men"})->data.size(), 1u);
  EXPECT_EQ(code_of(call(&Api::get_category, GetCategory{"none"})), "catalog.category_not_found");
}

TEST_F(CatalogService, ACategoryThatIsRepeatedAsSubcategoryIsOneCategory) {
  add(line_of("p1", "A", "1",
              R"("category":{"id":"c","name":"C","slug":"c"},"subcategory":{"id":"c","name":"C","slug":"c"})"));
  const auto all = call(&Api::list_categories, ListCategories{})->data;
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].parent_id, std::nullopt);
  EXPECT_EQ(all[0].product_count, 1);
  EXPECT_THAT(ids(filter({.subcategory = "c"})), ElementsAre("p1"));
}

TEST_F(CatalogService, AProductThatMovesIsCountedWhereItIs) {
  add(line_of("p1", "A", "1", men_tops));
  add(line_of("p1", "A", "1", men));
  EXPECT_EQ(call(&Api::get_category, GetCategory{"cat_tops"})->product_count, 0);
  EXPECT_EQ(call(&Api::get_category, GetCategory{"cat_men"})->product_count, 1);
}

TEST_F(CatalogService, CategoriesCanBeDescribedAndKeepThatOverAnImport) {
  add(line_of("p1", "A", "1", men));
  const UpsertCategories request{
      {{.category_id = "cat_men", .name = "For men", .slug = "men", .description = "Clothes", .display_order = 5}}};
  ASSERT_TRUE(call(&Api::upsert_categories, request));
  add(line_of("p2", "B", "1", men));
  const auto category = call(&Api::get_category, GetCategory{"cat_men"}).value();
  EXPECT_EQ(category.name, "For men");
  EXPECT_EQ(category.product_count, 2);
  const UpsertCategories clash{{{.category_id = "other", .name = "Other", .slug = "men"}}};
  EXPECT_EQ(code_of(call(&Api::upsert_categories, clash)), "catalog.slug_taken");
}

TEST_F(CatalogService, AllDocumentsAreListedInBatches) {
  import({line_of("p1", "A", "1"), line_of("p2", "B", "1", R"("status":"inactive")"), line_of("p3", "C", "1")});
  const auto first = call(&Api::list_documents, ListDocuments{.limit = 2}).value();
  EXPECT_EQ(first.products.size(), 2u);
  EXPECT_TRUE(first.has_more);
  const auto rest =
      call(&Api::list_documents, ListDocuments{.after = first.products[1].product_id, .limit = 2}).value();
  ASSERT_EQ(rest.products.size(), 1u);
  EXPECT_EQ(rest.products[0].product_id, "p3");
  EXPECT_FALSE(rest.has_more);
}

}  // namespace
}  // namespace souk::catalog
