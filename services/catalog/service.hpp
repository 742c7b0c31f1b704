#pragma once

#include <functional>
#include <memory>

#include "caches.hpp"
#include "catalog/api.hpp"
#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "inventory/api.hpp"
#include "postgres/pool.hpp"
#include "redis/client.hpp"
#include "repository.hpp"
#include "review/api.hpp"

namespace souk::catalog {

class Service final : public Api {
 public:
  // On the embedded document store: `pool` is of product_db, migrated with the sets events and catalog. `redis` is only
  // a cache; without an answer from it everything works from memory and the store.
  Service(Runtime& runtime, pg::Pool& pool, redis::Client& redis);
  Service(std::unique_ptr<Repository> repository, redis::Client& redis);
  ~Service() override;

  // What the catalog reads of other services.
  using Feed = std::function<Task<Result<events::EventPage>>(Context, events::ReadEvents)>;
  struct Sources {
    Feed stock_events;
    std::function<Task<Result<inventory::StockList>>(Context, inventory::GetStock)> get_stock;
    Feed rating_events;
  };
  // Follows the feeds of the inventory (availability), the reviews (ratings) and the catalog itself (caches), and drops
  // old events. The group is drained before the service goes.
  void start(TaskGroup& group, inventory::Api& inventory, review::Api& reviews);
  void start(TaskGroup& group, Sources sources);

  Task<Result<ProductDocument>> get_product(Context context, GetProduct request) override;
  Task<Result<ProductDocuments>> get_products(Context context, GetProducts request) override;
  Task<Result<ProductPage>> list_products(Context context, ListProducts request) override;
  Task<Result<PricedItems>> price_items(Context context, PriceItems request) override;
  Task<Result<Categories>> list_categories(Context context, ListCategories request) override;
  Task<Result<Category>> get_category(Context context, GetCategory request) override;
  Task<Result<ImportedProducts>> import_products(Context context, ImportProducts request) override;
  Task<Result<Done>> upsert_categories(Context context, UpsertCategories request) override;
  Task<Result<DocumentBatch>> list_documents(Context context, ListDocuments request) override;
  Task<Result<CatalogStats>> stats(Context context, Done request) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  class Followers;

  // Empty where a filter names a category that is not there: then nothing fits.
  Task<std::optional<ProductQuery>> resolve(Context context, ListProducts request);
  Task<std::string> read_page(Context context, ListProducts request, std::optional<rules::Position> after);

  std::unique_ptr<Repository> repository_;
  Caches caches_;
  std::unique_ptr<Followers> followers_;
};

}  // namespace souk::catalog
