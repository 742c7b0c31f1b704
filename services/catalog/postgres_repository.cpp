#include "postgres_repository.hpp"

#include "events/consumer.hpp"
#include "events/outbox.hpp"
#include "list_statements.hpp"
#include "postgres/loader.hpp"
#include "postgres_change.hpp"

namespace souk::catalog {
namespace {

constexpr pg::Statement load_products{
    "catalog.load_products",
    "SELECT product_id, product_id, slug, status, updated_at, etag, body FROM products "
    "WHERE document->>'product_id' = ANY ($1::text[])"};

constexpr pg::Statement load_products_by_slug{
    "catalog.load_products_by_slug",
    "SELECT slug, product_id, slug, status, updated_at, etag, body FROM products "
    "WHERE document->>'slug' = ANY ($1::text[])"};

constexpr pg::Statement list_all_documents{
    "catalog.list_documents",
    "SELECT product_id, slug, status, updated_at, etag, body FROM products "
    "WHERE document->>'product_id' > $1 ORDER BY document->>'product_id' LIMIT $2"};

constexpr pg::Statement list_all_categories{"catalog.list_categories", "SELECT body FROM categories"};

constexpr pg::Statement list_sellables{"catalog.list_sellable_ids",
                                       "SELECT id FROM sellable_ids WHERE id > $1 ORDER BY id LIMIT $2"};

constexpr pg::Statement count_all{"catalog.stats",
                                  "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM categories)"};

class PostgresRepository final : public Repository {
 public:
  PostgresRepository(Runtime& runtime, pg::Pool& pool)
      : pool_(pool),
        outbox_(pool),
        by_id_(runtime, pool, load_products),
        by_slug_(runtime, pool, load_products_by_slug) {}

  Task<std::optional<StoredDocument>> find_product(Context context, std::string product_id) override {
    return by_id_.load(std::move(context), std::move(product_id));
  }
  Task<std::optional<StoredDocument>> find_product_by_slug(Context context, std::string slug) override {
    return by_slug_.load(std::move(context), std::move(slug));
  }

  Task<std::vector<StoredDocument>> find_products(Context context, std::vector<std::string> product_ids) override {
    const auto rows = co_await pool_.query(context, load_products, product_ids);
    std::vector<StoredDocument> documents;
    documents.reserve(rows.size());
    for (const pg::Row row : rows) documents.push_back(row.to<StoredDocument>(1));
    co_return documents;
  }

  Task<std::vector<ListedDocument>> list_products(Context context, ProductQuery query) override {
    const auto rows = co_await pool_.execute(context, list_statement(query), list_parameters(query));
    std::vector<ListedDocument> listed;
    listed.reserve(rows.size());
    for (const pg::Row row : rows) {
      auto key = query.sort == ProductSort::newest ? to_rfc3339(row.get<Timestamp>(6)) : row.get<std::string>(6);
      listed.push_back({std::make_shared<const StoredDocument>(row.to<StoredDocument>()), std::move(key)});
    }
    co_return listed;
  }

  Task<std::int64_t> count_products(Context context, ProductQuery query) override {
    const auto rows = co_await pool_.execute(context, count_statement(query), count_parameters(query));
    co_return rows.front().get<std::int64_t>(0);
  }

  Task<std::vector<StoredDocument>> list_documents(Context context, std::string after, std::int64_t limit) override {
    co_return (co_await pool_.query(context, list_all_documents, after, limit)).to<StoredDocument>();
  }

  Task<std::vector<Category>> list_categories(Context context) override {
    co_return read_categories(co_await pool_.query(context, list_all_categories));
  }

  Task<std::vector<std::string>> list_sellable_ids(Context context, std::string after, std::int64_t limit) override {
    const auto rows = co_await pool_.query(context, list_sellables, after, limit);
    std::vector<std::string> ids;
    ids.reserve(rows.size());
    for (const pg::Row row : rows) ids.push_back(row.get<std::string>(0));
    co_return ids;
  }

  Task<CatalogStats> stats(Context context) override {
    const auto rows = co_await pool_.query(context, count_all);
    co_return rows.front().to<CatalogStats>();
  }

  Task<std::unique_ptr<Change>> begin_change(Context context) override {
    co_return make_postgres_change(co_await pool_.begin(context), outbox_);
  }

  Task<events::EventPage> events(Context context, events::ReadEvents request) override {
    return outbox_.read(std::move(context), std::move(request));
  }
  Task<std::string> load_cursor(Context context, std::string consumer) override {
    return events::load_cursor(pool_, std::move(context), std::move(consumer));
  }
  Task<> move_cursor(Context context, std::string consumer, std::string cursor) override {
    auto tx = co_await pool_.begin(context);
    co_await events::store_cursor(tx, std::move(consumer), std::move(cursor));
    co_await tx.commit();
  }
  Task<> prune_events(Context context) override { co_await outbox_.prune(std::move(context)); }

 private:
  pg::Pool& pool_;
  events::Outbox outbox_;
  pg::Loader<std::string, StoredDocument> by_id_;
  pg::Loader<std::string, StoredDocument> by_slug_;
};

}  // namespace

std::unique_ptr<Repository> make_postgres_repository(Runtime& runtime, pg::Pool& pool) {
  return std::make_unique<PostgresRepository>(runtime, pool);
}

}  // namespace souk::catalog
