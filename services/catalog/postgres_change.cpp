#include "postgres_change.hpp"

#include "events/consumer.hpp"
#include "http/message.hpp"

namespace souk::catalog {
namespace {

// Any number that no other advisory lock of this database has.
constexpr pg::Statement take_write_lock{"catalog.lock_writes", "SELECT pg_advisory_xact_lock(7305014)"};

// In one order everywhere, so that two changes cannot wait for each other.
constexpr pg::Statement lock_products_by_id{
    "catalog.lock_products",
    "SELECT body FROM products WHERE document->>'product_id' = ANY ($1::text[]) ORDER BY product_id FOR UPDATE"};

// The index on the document has the default collation; compared in another it would not be used.
constexpr pg::Statement lock_products_by_sellable{
    "catalog.lock_products_of",
    "SELECT body FROM products WHERE document->>'product_id' = ANY (ARRAY("
    "  SELECT product_id COLLATE \"default\" FROM sellable_ids WHERE id = ANY ($1::text[]))) ORDER BY product_id FOR "
    "UPDATE"};

// By look-ups, one a name: a plan that was made while the tables were small would go on reading them whole.
constexpr pg::Statement find_taken{
    "catalog.find_names",
    "SELECT 1, name, owner FROM unnest($1::text[]) AS wanted (name), "
    "  LATERAL (SELECT product_id AS owner FROM sellable_ids WHERE id = name OFFSET 0) AS taken "
    "UNION ALL SELECT 2, name, owner FROM unnest($2::text[]) AS wanted (name), "
    "  LATERAL (SELECT product_id AS owner FROM sellable_skus WHERE sku = name OFFSET 0) AS taken "
    "UNION ALL SELECT 3, name, owner FROM unnest($3::text[]) AS wanted (name), "
    "  LATERAL (SELECT product_id AS owner FROM products WHERE document->>'slug' = name OFFSET 0) AS taken"};

constexpr pg::Statement find_known_availability{
    "catalog.find_availability", "SELECT id, available FROM sellable_availability WHERE id = ANY ($1::text[])"};

constexpr pg::Statement upsert_products{"catalog.save_products",
                                        "INSERT INTO products (document, body, etag) "
                                        "SELECT b::jsonb, b, e FROM unnest($1::text[], $2::text[]) AS given (b, e) "
                                        "ON CONFLICT ((document->>'product_id')) DO UPDATE "
                                        "SET document = excluded.document, body = excluded.body, etag = excluded.etag"};

// A name that stays is left alone: nearly every change of a product keeps all of them.
constexpr pg::Statement drop_ids{
    "catalog.drop_ids", "DELETE FROM sellable_ids WHERE product_id = ANY ($1::text[]) AND id <> ALL ($2::text[])"};
constexpr pg::Statement take_ids{
    "catalog.take_ids",
    "INSERT INTO sellable_ids (product_id, id) SELECT * FROM unnest($1::text[], $2::text[]) AS given (p, i) "
    "WHERE NOT EXISTS (SELECT 1 FROM sellable_ids WHERE id = i AND product_id = p)"};
constexpr pg::Statement drop_skus{
    "catalog.drop_skus", "DELETE FROM sellable_skus WHERE product_id = ANY ($1::text[]) AND sku <> ALL ($2::text[])"};
constexpr pg::Statement take_skus{
    "catalog.take_skus",
    "INSERT INTO sellable_skus (product_id, sku) SELECT * FROM unnest($1::text[], $2::text[]) AS given (p, s) "
    "WHERE NOT EXISTS (SELECT 1 FROM sellable_skus WHERE sku = s AND product_id = p)"};

constexpr pg::Statement upsert_availability{
    "catalog.save_availability",
    "INSERT INTO sellable_availability (id, available) SELECT * FROM unnest($1::text[], $2::boolean[]) "
    "ON CONFLICT (id) DO UPDATE SET available = excluded.available "
    "WHERE sellable_availability.available <> excluded.available"};

constexpr pg::Statement lock_categories{"catalog.lock_categories",
                                        "SELECT body FROM categories ORDER BY document->>'category_id' FOR UPDATE"};

constexpr pg::Statement upsert_categories{
    "catalog.save_categories",
    "INSERT INTO categories (document, body) SELECT b::jsonb, b FROM unnest($1::text[]) AS given (b) "
    "ON CONFLICT ((document->>'category_id')) DO UPDATE SET document = excluded.document, body = excluded.body"};

constexpr pg::Statement count_by_category{
    "catalog.count_by_category",
    "SELECT id, (SELECT count(*) FROM products WHERE category_id = id AND status <> 'inactive') + "
    "           (SELECT count(*) FROM products WHERE subcategory_id = id AND status <> 'inactive' "
    "            AND category_id IS DISTINCT FROM id) "
    "FROM unnest($1::text[]) AS given (id)"};

std::vector<std::string> keys_of(const std::map<std::string, std::string>& names) {
  std::vector<std::string> keys;
  keys.reserve(names.size());
  for (const auto& [name, owner] : names) keys.push_back(name);
  return keys;
}

std::map<std::string, Product> read_products(const pg::Rows& rows) {
  std::map<std::string, Product> products;
  for (const pg::Row row : rows) {
    auto product = json::read_trusted<Product>(row.text(0));
    std::string id = product.product_id;
    products.emplace(std::move(id), std::move(product));
  }
  return products;
}

// Names beside the products that have them, as two arrays.
struct NameColumns {
  std::vector<std::string> owners;
  std::vector<std::string> names;

  void add(const std::string& owner, const std::string& name) {
    owners.push_back(owner);
    names.push_back(name);
  }
};

class PostgresChange final : public Change {
 public:
  PostgresChange(pg::Transaction tx, events::Outbox& outbox) : tx_(std::move(tx)), outbox_(outbox) {}

  Task<> lock_writes() override { co_await tx_.query(take_write_lock); }

  Task<std::map<std::string, Product>> lock_products(std::vector<std::string> product_ids) override {
    co_return read_products(co_await tx_.query(lock_products_by_id, product_ids));
  }

  Task<std::map<std::string, Product>> lock_products_of(std::vector<std::string> sellable_ids) override {
    co_return read_products(co_await tx_.query(lock_products_by_sellable, sellable_ids));
  }

  Task<TakenNames> find_names(TakenNames wanted) override {
    const auto rows = co_await tx_.query(find_taken, keys_of(wanted.ids), keys_of(wanted.skus), keys_of(wanted.slugs));
    TakenNames taken;
    for (const pg::Row row : rows) {
      const auto kind = row.get<int>(0);
      auto& names = kind == 1 ? taken.ids : kind == 2 ? taken.skus : taken.slugs;
      names.emplace(row.get<std::string>(1), row.get<std::string>(2));
    }
    co_return taken;
  }

  Task<rules::Availability> find_availability(std::vector<std::string> sellable_ids) override {
    const auto rows = co_await tx_.query(find_known_availability, sellable_ids);
    rules::Availability availability;
    for (const pg::Row row : rows) availability.emplace(row.get<std::string>(0), row.get<bool>(1));
    co_return availability;
  }

  Task<> save_products(std::vector<Product> products) override;

  Task<> save_availability(rules::Availability availability) override {
    std::vector<std::string> ids;
    std::vector<bool> available;
    for (const auto& [id, is_available] : availability) {
      ids.push_back(id);
      available.push_back(is_available);
    }
    co_await tx_.query(upsert_availability, ids, available);
  }

  Task<std::vector<Category>> list_categories() override {
    co_return read_categories(co_await tx_.query(lock_categories));
  }

  Task<> save_categories(std::vector<Category> categories) override {
    std::vector<std::string> bodies;
    for (const auto& category : categories) bodies.push_back(json::write(category));
    co_await tx_.query(upsert_categories, bodies);
  }

  Task<std::map<std::string, std::int64_t>> count_products(std::vector<std::string> category_ids) override {
    const auto rows = co_await tx_.query(count_by_category, category_ids);
    std::map<std::string, std::int64_t> counts;
    for (const pg::Row row : rows) counts.emplace(row.get<std::string>(0), row.get<std::int64_t>(1));
    co_return counts;
  }

  Task<> append_event(std::string type, std::string key, json::Raw payload) override {
    co_await outbox_.append_json(tx_, std::move(type), std::move(key), std::move(payload));
  }

  Task<> append_changes(std::vector<ProductChanged> changes) override {
    std::vector<events::Outbox::Keyed> events;
    for (const auto& change : changes) events.push_back({change.product_id, {json::write(change)}});
    co_await outbox_.append_all(tx_, "product.changed", std::move(events));
  }

  Task<> store_cursor(std::string consumer, const events::EventPage& page) override {
    co_await events::store_cursor(tx_, std::move(consumer), page);
  }

  Task<> commit() override {
    co_await tx_.commit();
    outbox_.committed();
  }

 private:
  pg::Transaction tx_;
  events::Outbox& outbox_;
};

Task<> PostgresChange::save_products(std::vector<Product> products) {
  std::vector<std::string> product_ids;
  std::vector<std::string> bodies;
  std::vector<std::string> etags;
  NameColumns ids;
  NameColumns skus;
  for (const auto& product : products) {
    auto document = make_document(product);
    product_ids.push_back(std::move(document.product_id));
    bodies.push_back(std::move(document.body));
    etags.push_back(std::move(document.etag));
    ids.add(product.product_id, product.product_id);
    skus.add(product.product_id, product.sku);
    for (const auto& variant : product.variants) {
      ids.add(product.product_id, variant.variant_id);
      skus.add(product.product_id, variant.sku);
    }
  }
  co_await tx_.query(drop_ids, product_ids, ids.names);
  co_await tx_.query(take_ids, ids.owners, ids.names);
  co_await tx_.query(drop_skus, product_ids, skus.names);
  co_await tx_.query(take_skus, skus.owners, skus.names);
  co_await tx_.query(upsert_products, bodies, etags);
}

}  // namespace

StoredDocument make_document(const Product& product) {
  StoredDocument document{.product_id = product.product_id,
                          .slug = product.slug,
                          .status = product.status,
                          .updated_at = product.updated_at,
                          .body = json::write(product)};
  document.etag = http::etag_of(document.body);
  return document;
}

std::unique_ptr<Change> make_postgres_change(pg::Transaction transaction, events::Outbox& outbox) {
  return std::make_unique<PostgresChange>(std::move(transaction), outbox);
}

std::vector<Category> read_categories(const pg::Rows& rows) {
  std::vector<Category> categories;
  categories.reserve(rows.size());
  for (const pg::Row row : rows) categories.push_back(json::read_trusted<Category>(row.text(0)));
  return categories;
}

}  // namespace souk::catalog
