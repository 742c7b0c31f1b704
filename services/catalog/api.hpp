#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/money.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "events/event.hpp"
#include "json/json.hpp"

// The catalog owns products and categories (database product_db). Documents have the members of the spec.
namespace souk::catalog {

// A category, subcategory or such inside a product.
struct CategoryRef {
  json::Text<1, 50> id;
  json::Text<1, 200> name;
  json::Text<1, 200> slug;
};
BOOST_DESCRIBE_STRUCT(CategoryRef, (), (id, name, slug))

struct Brand {
  json::Text<1, 200> name;
  std::optional<json::Text<0, 2000>> logo_url;
};
BOOST_DESCRIBE_STRUCT(Brand, (), (name, logo_url))

struct Price {
  Amount regular;
  std::optional<Amount> sale;
  json::Text<3, 3> currency = "USD";
};
BOOST_DESCRIBE_STRUCT(Price, (), (regular, sale, currency))

struct Image {
  json::Text<1, 2000> url;
  std::optional<json::Text<0, 1000>> alt;
  std::optional<bool> is_primary;
  std::optional<json::Int<0, 1000>> order;
};
BOOST_DESCRIBE_STRUCT(Image, (), (url, alt, is_primary, order))

struct Variant {
  json::Text<1, 50> variant_id;
  json::Text<1, 100> sku;
  std::optional<json::Text<0, 20>> size;
  std::optional<json::Text<0, 50>> color;
  std::optional<Amount> price_adjustment;  // added to the product's price; may be negative
  std::optional<json::Text<0, 2000>> image_url;
  std::optional<bool> available;  // kept by inventory's events
};
BOOST_DESCRIBE_STRUCT(Variant, (), (variant_id, sku, size, color, price_adjustment, image_url, available))

struct Dimensions {
  std::optional<double> length;
  std::optional<double> width;
  std::optional<double> height;
  std::optional<json::Text<0, 20>> unit;
};
BOOST_DESCRIBE_STRUCT(Dimensions, (), (length, width, height, unit))

struct Specifications {
  std::optional<json::Text<0, 2000>> material;
  std::optional<json::Text<0, 2000>> care_instructions;
  std::optional<json::Text<0, 200>> origin;
  std::optional<json::Text<0, 100>> weight;  // "3460.0 g"
  std::optional<Dimensions> dimensions;
};
BOOST_DESCRIBE_STRUCT(Specifications, (), (material, care_instructions, origin, weight, dimensions))

BOOST_DEFINE_ENUM_CLASS(ProductStatus, active, inactive, out_of_stock)

struct Rating {
  double average = 0;
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(Rating, (), (average, count))

struct Seo {
  std::optional<json::Text<0, 500>> meta_title;
  std::optional<json::Text<0, 2000>> meta_description;
  std::optional<std::vector<json::Text<0, 200>>> meta_keywords;
};
BOOST_DESCRIBE_STRUCT(Seo, (), (meta_title, meta_description, meta_keywords))

struct Product {
  json::Text<1, 50> product_id;
  json::Text<1, 100> sku;
  json::Text<1, 1000> name;
  json::Text<1, 300> slug;
  std::optional<json::Text<0, 100000>> description;
  std::optional<json::Text<0, 5000>> short_description;
  std::optional<CategoryRef> category;
  std::optional<CategoryRef> subcategory;
  std::optional<Brand> brand;
  Price price;
  std::vector<Image> images;
  std::vector<Variant> variants;
  std::optional<Specifications> specifications;
  std::vector<json::Text<0, 200>> tags;
  bool is_featured = false;
  bool is_new_arrival = false;
  bool is_bestseller = false;
  bool is_on_sale = false;
  ProductStatus status = ProductStatus::active;
  Rating rating;
  std::optional<Seo> seo;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> published_at;
};
BOOST_DESCRIBE_STRUCT(Product, (),
                      (product_id, sku, name, slug, description, short_description, category, subcategory, brand, price,
                       images, variants, specifications, tags, is_featured, is_new_arrival, is_bestseller, is_on_sale,
                       status, rating, seo, created_at, updated_at, published_at))

struct Category {
  json::Text<1, 50> category_id;
  json::Text<1, 200> name;
  json::Text<1, 200> slug;
  std::optional<json::Text<0, 5000>> description;
  std::optional<json::Text<1, 50>> parent_id;  // absent for top-level categories
  std::optional<json::Text<0, 2000>> image_url;
  std::optional<json::Text<0, 2000>> icon_url;
  json::Int<0, 1'000'000> display_order;
  bool is_active = true;
  std::int64_t product_count = 0;
  std::optional<Seo> seo;
  Timestamp created_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Category, (),
                      (category_id, name, slug, description, parent_id, image_url, icon_url, display_order, is_active,
                       product_count, seo, created_at, updated_at))

// A product as its stored JSON text, for replies that only pass it on.
struct ProductDocument {
  std::string product_id;
  std::string etag;  // with quotes, as in the header
  json::Raw document;
};
BOOST_DESCRIBE_STRUCT(ProductDocument, (), (product_id, etag, document))

struct GetProduct {
  std::string id_or_slug;
};
BOOST_DESCRIBE_STRUCT(GetProduct, (), (id_or_slug))

struct GetProducts {
  std::vector<std::string> product_ids;  // at most 1000
  // As the store has them now, from no cache: for who keeps a copy and would never learn that it began with an old one.
  bool from_store = false;
};
BOOST_DESCRIBE_STRUCT(GetProducts, (), (product_ids, from_store))

struct ProductDocuments {
  std::vector<ProductDocument> products;  // those that exist, in the order asked for
};
BOOST_DESCRIBE_STRUCT(ProductDocuments, (), (products))

// What somebody wants to buy.
struct ItemRef {
  std::string product_id;
  std::optional<std::string> variant_id;

  bool operator==(const ItemRef&) const = default;
};
BOOST_DESCRIBE_STRUCT(ItemRef, (), (product_id, variant_id))

// What the catalog says of it now. The only source of prices.
struct SellableItem {
  std::string product_id;
  std::optional<std::string> variant_id;
  std::string sellable_id;  // key of the inventory: the variant's id, or the product's where it has no variants
  std::string sku;
  std::string name;
  std::string slug;
  std::optional<std::string> size;
  std::optional<std::string> color;
  std::optional<std::string> image_url;
  std::optional<std::string> category_id;
  Amount unit_price;  // sale price where there is one, with the variant's adjustment
  std::string currency;
  std::optional<std::int64_t> weight_g;
  bool sellable = false;  // active; stock is not looked at
};
BOOST_DESCRIBE_STRUCT(SellableItem, (),
                      (product_id, variant_id, sellable_id, sku, name, slug, size, color, image_url, category_id,
                       unit_price, currency, weight_g, sellable))

struct PriceItems {
  std::vector<ItemRef> items;  // at most 1000
};
BOOST_DESCRIBE_STRUCT(PriceItems, (), (items))

// One answer an item, in their order.
struct PricedItem {
  std::optional<SellableItem> item;    // absent where refused:
  std::optional<std::string> refusal;  // catalog.product_not_found, catalog.variant_not_found (also a variant of
                                       // another product), catalog.variant_required
};
BOOST_DESCRIBE_STRUCT(PricedItem, (), (item, refusal))
struct PricedItems {
  std::vector<PricedItem> items;
};
BOOST_DESCRIBE_STRUCT(PricedItems, (), (items))

BOOST_DEFINE_ENUM_CLASS(ProductSort, newest, price_asc, price_desc, rating, name)

// The filters that list and search have in common. Category, subcategory by id or slug; brand by name.
struct ProductFilter {
  std::optional<json::Text<1, 200>> category;
  std::optional<json::Text<1, 200>> subcategory;
  std::optional<json::Text<1, 200>> brand;
  std::optional<json::Text<1, 200>> tag;
  std::optional<Amount> min_price;
  std::optional<Amount> max_price;
  std::optional<double> min_rating;
  std::optional<bool> featured;
  std::optional<bool> on_sale;
};
BOOST_DESCRIBE_STRUCT(ProductFilter, (),
                      (category, subcategory, brand, tag, min_price, max_price, min_rating, featured, on_sale))

BOOST_DEFINE_ENUM_CLASS(IncludeTotal, total)

struct ListProducts : ProductFilter {
  std::optional<ProductSort> sort;  // newest
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 1000>> cursor;
  std::optional<IncludeTotal> include;
};
BOOST_DESCRIBE_STRUCT(ListProducts, (ProductFilter), (sort, limit, cursor, include))

// A page as its JSON text: {"data": [product, …], "has_more": …, "next_cursor": …, "total": …}.
struct ProductPage {
  json::Raw document;
};
BOOST_DESCRIBE_STRUCT(ProductPage, (), (document))

struct ListCategories {
  std::optional<json::Text<1, 50>> parent_id;
};
BOOST_DESCRIBE_STRUCT(ListCategories, (), (parent_id))
struct Categories {
  std::vector<Category> data;  // by display_order, name
  bool has_more = false;
};
BOOST_DESCRIBE_STRUCT(Categories, (), (data, has_more))
struct GetCategory {
  std::string id_or_slug;
};
BOOST_DESCRIBE_STRUCT(GetCategory, (), (id_or_slug))

// Lines of an import file: JSON texts of products (members of the spec; `quantity` on a variant, or on a product
// without variants, is the opening stock). All lines of a call are committed together; a bad one is left out.
struct ImportProducts {
  std::vector<std::string> lines;  // at most 1000
};
BOOST_DESCRIBE_STRUCT(ImportProducts, (), (lines))

struct OpeningStock {
  std::string sellable_id;
  std::string sku;
  std::optional<std::int64_t> quantity;  // absent where the line has none
};
BOOST_DESCRIBE_STRUCT(OpeningStock, (), (sellable_id, sku, quantity))

struct ImportedLine {
  std::string product_id;
  bool changed = false;                // created or updated; false: it was there already, just so
  std::optional<std::string> problem;  // why the line was refused, in words
  std::vector<OpeningStock> stock;
};
BOOST_DESCRIBE_STRUCT(ImportedLine, (), (product_id, changed, problem, stock))
struct ImportedProducts {
  std::vector<ImportedLine> lines;  // one a line, in their order
};
BOOST_DESCRIBE_STRUCT(ImportedProducts, (), (lines))

struct UpsertCategories {
  std::vector<Category> categories;
};
BOOST_DESCRIBE_STRUCT(UpsertCategories, (), (categories))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

struct CatalogStats {
  std::int64_t products = 0;
  std::int64_t categories = 0;
};
BOOST_DESCRIBE_STRUCT(CatalogStats, (), (products, categories))

// All products by their ids, inactive ones too: for those who keep a copy. For services only.
struct ListDocuments {
  std::string after;  // the product_id where the last batch ended; empty is the beginning
  json::Int<1, 1000> limit = 500;
};
BOOST_DESCRIBE_STRUCT(ListDocuments, (), (after, limit))
struct DocumentBatch {
  std::vector<ProductDocument> products;
  bool has_more = false;
  // A place in the feed: every event before it was committed before this batch was read. Follow the feed from the one
  // of the first batch to miss nothing. Empty is the feed's beginning.
  std::string feed_cursor;
};
BOOST_DESCRIBE_STRUCT(DocumentBatch, (), (products, has_more, feed_cursor))

// Events: "product.changed" (key product_id; payload ProductChanged), "category.changed" (key category_id; Done).
struct ProductChanged {
  std::string product_id;
  Timestamp updated_at;  // of the document that was written; rises with every change of a product
};
BOOST_DESCRIBE_STRUCT(ProductChanged, (), (product_id, updated_at))

class Api {
 public:
  virtual ~Api() = default;

  // catalog.product_not_found. Inactive products are found only by admins and services.
  virtual Task<Result<ProductDocument>> get_product(Context context, GetProduct request) = 0;
  virtual Task<Result<ProductDocuments>> get_products(Context context, GetProducts request) = 0;
  virtual Task<Result<ProductPage>> list_products(Context context, ListProducts request) = 0;
  virtual Task<Result<PricedItems>> price_items(Context context, PriceItems request) = 0;
  virtual Task<Result<Categories>> list_categories(Context context, ListCategories request) = 0;
  // catalog.category_not_found
  virtual Task<Result<Category>> get_category(Context context, GetCategory request) = 0;
  virtual Task<Result<ImportedProducts>> import_products(Context context, ImportProducts request) = 0;
  virtual Task<Result<Done>> upsert_categories(Context context, UpsertCategories request) = 0;
  // Not pure, so that what stands in for the catalog in tests need not know it.
  virtual Task<Result<DocumentBatch>> list_documents(Context, ListDocuments) {
    throw std::logic_error("this catalog lists no documents");
  }
  virtual Task<Result<CatalogStats>> stats(Context context, Done request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::catalog
