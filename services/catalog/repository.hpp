#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/api.hpp"
#include "rules.hpp"
#include "sellables_memo.hpp"

// Where products and categories are kept. Nothing here is of one engine: the embedded document store in PostgreSQL
// (postgres_repository.hpp) is one.
namespace souk::catalog {

// A product as it is served, with what must be known of it without reading it.
struct StoredDocument {
  std::string product_id;
  std::string slug;
  ProductStatus status{};
  Timestamp updated_at;  // its version: rises with every change
  std::string etag;      // with quotes
  std::string body;
  SellablesMemo sellables{};
};
BOOST_DESCRIBE_STRUCT(StoredDocument, (), (product_id, slug, status, updated_at, etag, body))
using DocumentPtr = std::shared_ptr<const StoredDocument>;

StoredDocument make_document(const Product& product);

struct ListedDocument {
  DocumentPtr document;
  std::string sort_key;
};

// A list, filters resolved to ids. Products that are not inactive.
struct ProductQuery {
  std::optional<std::string> category_id{};
  std::optional<std::string> subcategory_id{};
  std::optional<std::string> brand{};
  std::optional<std::string> tag{};
  Amount min_price{};
  Amount max_price{Amount::max_minor};
  double min_rating = 0;
  std::optional<bool> featured{};
  std::optional<bool> on_sale{};
  ProductSort sort = ProductSort::newest;
  std::optional<rules::Position> after{};
  std::int64_t limit = 20;
};

// Names that products have taken, each with the product that has it.
struct TakenNames {
  std::map<std::string, std::string> ids;   // product ids and variant ids
  std::map<std::string, std::string> skus;  // of products and variants
  std::map<std::string, std::string> slugs;
};

// Changes that become visible together, or not at all without commit(). What is read through it stays locked until
// then.
class Change {
 public:
  virtual ~Change() = default;

  // Waits until no other change is under way: writers of the catalog go one after the other.
  virtual Task<> lock_writes() = 0;
  // Those that exist, by their ids.
  virtual Task<std::map<std::string, Product>> lock_products(std::vector<std::string> product_ids) = 0;
  // The products that these sellable ids belong to.
  virtual Task<std::map<std::string, Product>> lock_products_of(std::vector<std::string> sellable_ids) = 0;
  virtual Task<TakenNames> find_names(TakenNames wanted) = 0;
  virtual Task<rules::Availability> find_availability(std::vector<std::string> sellable_ids) = 0;
  // Inserts or replaces, with the names that they take and give up.
  virtual Task<> save_products(std::vector<Product> products) = 0;
  virtual Task<> save_availability(rules::Availability availability) = 0;

  virtual Task<std::vector<Category>> list_categories() = 0;
  virtual Task<> save_categories(std::vector<Category> categories) = 0;
  // How many products that are not inactive have each category, as category or subcategory.
  virtual Task<std::map<std::string, std::int64_t>> count_products(std::vector<std::string> category_ids) = 0;

  virtual Task<> append_event(std::string type, std::string key, json::Raw payload) = 0;
  // A "product.changed" for each.
  virtual Task<> append_changes(std::vector<ProductChanged> changes) = 0;
  // Notes that a consumer has handled the page (events::store_cursor).
  virtual Task<> store_cursor(std::string consumer, const events::EventPage& page) = 0;
  virtual Task<> commit() = 0;
};

class Repository {
 public:
  virtual ~Repository() = default;

  virtual Task<std::optional<StoredDocument>> find_product(Context context, std::string product_id) = 0;
  virtual Task<std::optional<StoredDocument>> find_product_by_slug(Context context, std::string slug) = 0;
  // Those that exist, in no order.
  virtual Task<std::vector<StoredDocument>> find_products(Context context, std::vector<std::string> product_ids) = 0;
  virtual Task<std::vector<ListedDocument>> list_products(Context context, ProductQuery query) = 0;
  virtual Task<std::int64_t> count_products(Context context, ProductQuery query) = 0;
  // All of them, in the order of their ids.
  virtual Task<std::vector<StoredDocument>> list_documents(Context context, std::string after, std::int64_t limit) = 0;
  virtual Task<std::vector<Category>> list_categories(Context context) = 0;
  // Of all products and variants, in their order.
  virtual Task<std::vector<std::string>> list_sellable_ids(Context context, std::string after, std::int64_t limit) = 0;
  virtual Task<CatalogStats> stats(Context context) = 0;

  virtual Task<std::unique_ptr<Change>> begin_change(Context context) = 0;

  virtual Task<events::EventPage> events(Context context, events::ReadEvents request) = 0;
  virtual Task<std::string> load_cursor(Context context, std::string consumer) = 0;
  // Moves a consumer's cursor whose effect is not in this store.
  virtual Task<> move_cursor(Context context, std::string consumer, std::string cursor) = 0;
  // Deletes events that are too old for any consumer.
  virtual Task<> prune_events(Context context) = 0;
};

}  // namespace souk::catalog
