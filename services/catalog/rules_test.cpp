#include "rules.hpp"

#include <gtest/gtest.h>

namespace souk::catalog::rules {
namespace {

Product shirt() {
  return {.product_id = "shirt",
          .sku = "S",
          .name = "Shirt",
          .slug = "shirt",
          .category = CategoryRef{.id = "cat_men", .name = "Men", .slug = "men"},
          .price = {.regular = Amount(2500), .sale = Amount(2000)},
          .images = {{.url = "/back.jpg"}, {.url = "/front.jpg", .is_primary = true}},
          .variants = {{.variant_id = "shirt-s", .sku = "S-S", .size = "S", .price_adjustment = Amount(-150)},
                       {.variant_id = "shirt-xl", .sku = "S-XL", .size = "XL", .image_url = "/xl.jpg"}}};
}

TEST(CatalogRules, TheSalePriceIsThePriceWhereThereIsOne) {
  EXPECT_EQ(price_now(shirt()), Amount(2000));
  auto product = shirt();
  product.price.sale.reset();
  EXPECT_EQ(price_now(product), Amount(2500));
}

TEST(CatalogRules, AVariantCostsThePriceWithItsAdjustment) {
  const auto small = price_item(sellables(shirt()), {.product_id = "shirt", .variant_id = "shirt-s"});
  ASSERT_TRUE(small.item);
  EXPECT_EQ(small.item->unit_price, Amount(1850));
  EXPECT_EQ(small.item->sellable_id, "shirt-s");
  EXPECT_EQ(small.item->sku, "S-S");
  EXPECT_EQ(small.item->image_url, "/front.jpg");
  EXPECT_EQ(small.item->category_id, "cat_men");
  EXPECT_TRUE(small.item->sellable);
  EXPECT_EQ(price_item(sellables(shirt()), {.product_id = "shirt", .variant_id = "shirt-xl"}).item->image_url,
            "/xl.jpg");
}

TEST(CatalogRules, AProductWithVariantsIsSoldByVariantOnly) {
  EXPECT_EQ(price_item(sellables(shirt()), {.product_id = "shirt"}).refusal, "catalog.variant_required");
  EXPECT_EQ(price_item(sellables(shirt()), {.product_id = "shirt", .variant_id = "mug"}).refusal,
            "catalog.variant_not_found");
  auto plain = shirt();
  plain.variants.clear();
  EXPECT_EQ(price_item(sellables(plain), {.product_id = "shirt", .variant_id = "shirt-s"}).refusal,
            "catalog.variant_not_found");
  EXPECT_EQ(price_item(sellables(plain), {.product_id = "shirt"}).item->sellable_id, "shirt");
}

TEST(CatalogRules, AnInactiveProductIsNotSellable) {
  auto product = shirt();
  product.status = ProductStatus::inactive;
  EXPECT_FALSE(price_item(sellables(product), {.product_id = "shirt", .variant_id = "shirt-s"}).item->sellable);
}

TEST(CatalogRules, WeightsAreReadInTheUnitsThatProductsUse) {
  EXPECT_EQ(weight_in_grams("3460.0 g"), 3460);
  EXPECT_EQ(weight_in_grams(" 1.5kg "), 1500);
  EXPECT_EQ(weight_in_grams("2 lb"), 907);
  EXPECT_EQ(weight_in_grams("heavy"), std::nullopt);
  EXPECT_EQ(weight_in_grams("5"), std::nullopt);
  EXPECT_EQ(weight_in_grams("-5 g"), std::nullopt);
  EXPECT_EQ(weight_in_grams("1e300 kg"), std::nullopt);
  EXPECT_EQ(weight_in_grams(""), std::nullopt);
}

TEST(CatalogRules, ASlugIsMadeOfTheNameAndTheId) {
  EXPECT_EQ(make_slug("Chaz Kangeroo Hoodie!", "MH01"), "chaz-kangeroo-hoodie-mh01");
  EXPECT_EQ(make_slug("  --", "p_1"), "p-1");
  EXPECT_EQ(make_slug("Ü", "ß"), "product");
  const auto longest = make_slug(std::string(1000, 'x'), "id-1");
  EXPECT_EQ(longest.size(), 300u);
  EXPECT_TRUE(longest.ends_with("x-id-1"));
}

TEST(CatalogRules, AProductIsActiveWhileAnythingOfItCanBeBought) {
  auto product = shirt();
  EXPECT_TRUE(apply_availability(product, {{"shirt-s", false}}));
  EXPECT_EQ(product.variants[0].available, false);
  EXPECT_EQ(product.status, ProductStatus::active);
  EXPECT_TRUE(apply_availability(product, {{"shirt-xl", false}}));
  EXPECT_EQ(product.status, ProductStatus::out_of_stock);
  EXPECT_FALSE(apply_availability(product, {{"shirt-xl", false}, {"other", true}}));
  EXPECT_TRUE(apply_availability(product, {{"shirt-s", true}}));
  EXPECT_EQ(product.status, ProductStatus::active);
}

TEST(CatalogRules, AvailabilityOfAProductWithoutVariantsIsItsStatus) {
  auto product = shirt();
  product.variants.clear();
  EXPECT_FALSE(apply_availability(product, {{"other", false}}));
  EXPECT_TRUE(apply_availability(product, {{"shirt", false}}));
  EXPECT_EQ(product.status, ProductStatus::out_of_stock);
}

TEST(CatalogRules, AnInactiveProductStaysInactiveWhateverItsStock) {
  auto product = shirt();
  product.status = ProductStatus::inactive;
  EXPECT_TRUE(apply_availability(product, {{"shirt-s", false}, {"shirt-xl", false}}));
  EXPECT_EQ(product.status, ProductStatus::inactive);
}

TEST(CatalogRules, VersionsRiseEvenWhenTheClockDoesNot) {
  const Timestamp noon{std::chrono::hours(12)};
  EXPECT_EQ(next_version(noon, noon + std::chrono::seconds(5)), noon + std::chrono::seconds(5));
  EXPECT_EQ(next_version(noon, noon), noon + std::chrono::microseconds(1));
  EXPECT_EQ(next_version(noon, noon - std::chrono::hours(1)), noon + std::chrono::microseconds(1));
}

TEST(CatalogRules, ACursorComesBackAsItWas) {
  const Position position{.sort = ProductSort::price_asc, .key = "12.50", .id = "p1"};
  const auto back = decode_cursor(encode_cursor(position), ProductSort::price_asc);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key, "12.50");
  EXPECT_EQ(back->id, "p1");
}

TEST(CatalogRules, ACursorOfAnotherOrderOrWithAWrongKeyIsRefused) {
  const auto encoded = [](ProductSort sort, std::string key) {
    return encode_cursor({.sort = sort, .key = std::move(key), .id = "p1"});
  };
  EXPECT_FALSE(decode_cursor(encoded(ProductSort::price_asc, "1.00"), ProductSort::price_desc));
  EXPECT_FALSE(decode_cursor(encoded(ProductSort::price_asc, "cheap"), ProductSort::price_asc));
  EXPECT_FALSE(decode_cursor(encoded(ProductSort::newest, "yesterday"), ProductSort::newest));
  EXPECT_FALSE(decode_cursor(encoded(ProductSort::rating, "4.5; drop"), ProductSort::rating));
  EXPECT_FALSE(decode_cursor(encoded(ProductSort::rating, "inf"), ProductSort::rating));
  EXPECT_TRUE(decode_cursor(encoded(ProductSort::rating, "4.5"), ProductSort::rating));
  for (const auto* nonsense : {"", "x", "bm90IGEgY3Vyc29y", "e30", "%%%"}) {
    const auto result = decode_cursor(nonsense, ProductSort::newest);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "request.invalid_cursor");
  }
}

}  // namespace
}  // namespace souk::catalog::rules
