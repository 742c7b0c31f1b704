#include "service.hpp"

#include "errors.hpp"
#include "followers.hpp"
#include "importer.hpp"
#include "postgres_repository.hpp"
#include "telemetry/cache_metrics.hpp"

namespace souk::catalog {
namespace {

constexpr std::size_t most_products = 1000;
constexpr std::int64_t default_limit = 20;

metrics::CacheLookups& page_lookups() {
  static metrics::CacheLookups instance("catalog.pages");
  return instance;
}

bool may_see(const Caller& caller, const StoredDocument& document) {
  return document.status != ProductStatus::inactive || caller.is_admin() || caller.kind == Caller::Kind::service;
}

ProductDocument to_api(const StoredDocument& document) {
  return {.product_id = document.product_id, .etag = document.etag, .document = {document.body}};
}

void append_page(std::string& out, const std::vector<ListedDocument>& listed, std::int64_t limit, ProductSort sort) {
  const auto shown = std::min(listed.size(), static_cast<std::size_t>(limit));
  const bool has_more = listed.size() > shown;
  out += "{\"data\":[";
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out.push_back(',');
    out += listed[i].document->body;
  }
  out += has_more ? "],\"has_more\":true" : "],\"has_more\":false";
  if (!has_more) return;
  const auto& last = listed[shown - 1];
  out += ",\"next_cursor\":";
  json::write_string(out, rules::encode_cursor({.sort = sort, .key = last.sort_key, .id = last.document->product_id}));
}

}  // namespace

Service::Service(Runtime& runtime, pg::Pool& pool, redis::Client& redis)
    : Service(make_postgres_repository(runtime, pool), redis) {}
Service::Service(std::unique_ptr<Repository> repository, redis::Client& redis)
    : repository_(std::move(repository)), caches_(*repository_, redis) {}
Service::~Service() = default;

void Service::start(TaskGroup& group, inventory::Api& inventory, review::Api& reviews) {
  start(group, {.stock_events =
                    [&inventory](Context context, events::ReadEvents request) {
                      return inventory.events(std::move(context), std::move(request));
                    },
                .get_stock =
                    [&inventory](Context context, inventory::GetStock request) {
                      return inventory.get_stock(std::move(context), std::move(request));
                    },
                .rating_events =
                    [&reviews](Context context, events::ReadEvents request) {
                      return reviews.events(std::move(context), std::move(request));
                    }});
}

void Service::start(TaskGroup& group, Sources sources) {
  followers_ = std::make_unique<Followers>(*repository_, caches_, std::move(sources));
  followers_->start(group);
}

Task<Result<ProductDocument>> Service::get_product(Context context, GetProduct request) {
  const auto document = co_await caches_.find_product(context, std::move(request.id_or_slug));
  if (!document || !may_see(context.caller(), *document)) co_return errors::product_not_found();
  co_return to_api(*document);
}

Task<Result<ProductDocuments>> Service::get_products(Context context, GetProducts request) {
  if (request.product_ids.size() > most_products) co_return errors::too_many("products", most_products);
  ProductDocuments reply;
  const auto documents = request.from_store
                             ? co_await caches_.find_stored_products(context, std::move(request.product_ids))
                             : co_await caches_.find_products(context, std::move(request.product_ids));
  for (const auto& document : documents) {
    if (document && may_see(context.caller(), *document)) reply.products.push_back(to_api(*document));
  }
  co_return reply;
}

Task<std::optional<ProductQuery>> Service::resolve(Context context, ListProducts request) {
  ProductQuery query{.brand = request.brand,
                     .tag = request.tag,
                     .min_price = request.min_price.value_or(Amount()),
                     .max_price = request.max_price.value_or(Amount(Amount::max_minor)),
                     .min_rating = request.min_rating.value_or(0),
                     .featured = request.featured,
                     .on_sale = request.on_sale,
                     .sort = request.sort.value_or(ProductSort::newest),
                     .limit = request.limit ? request.limit->value : default_limit};
  if (!request.category && !request.subcategory) co_return query;
  const auto table = co_await caches_.categories(context);
  if (request.category) {
    const auto* category = table->find(*request.category);
    if (!category) co_return std::nullopt;
    query.category_id = category->category_id;
  }
  if (request.subcategory) {
    const auto* category = table->find(*request.subcategory);
    if (!category) co_return std::nullopt;
    query.subcategory_id = category->category_id;
  }
  co_return query;
}

Task<std::string> Service::read_page(Context context, ListProducts request, std::optional<rules::Position> after) {
  const bool wants_total = request.include.has_value();
  auto query = co_await resolve(context, std::move(request));
  std::string page;
  std::int64_t total = 0;
  if (query) {
    const auto limit = query->limit;
    if (wants_total) total = co_await repository_->count_products(context, *query);
    query->after = std::move(after);
    query->limit = limit + 1;  // one more tells whether there are more
    const auto listed = co_await repository_->list_products(context, *query);
    for (const auto& item : listed) caches_.keep(item.document);
    append_page(page, listed, limit, query->sort);
  } else {
    append_page(page, {}, 0, ProductSort::newest);
  }
  if (wants_total) page += ",\"total\":" + std::to_string(total);
  page.push_back('}');
  co_return page;
}

Task<Result<ProductPage>> Service::list_products(Context context, ListProducts request) {
  std::optional<rules::Position> after;
  if (request.cursor) {
    SOUK_CO_TRY(after, rules::decode_cursor(*request.cursor, request.sort.value_or(ProductSort::newest)));
  }
  auto& pages = caches_.pages();
  auto key = json::write(request);
  if (caches_.in_step()) {
    if (const auto page = pages.find(key)) {
      page_lookups().count(true);
      co_return ProductPage{{*page}};
    }
  }
  page_lookups().count(false);
  const auto generation = pages.generation();
  auto page = std::make_shared<const std::string>(co_await read_page(context, std::move(request), std::move(after)));
  pages.put(std::move(key), generation, page);
  co_return ProductPage{{*page}};
}

Task<Result<PricedItems>> Service::price_items(Context context, PriceItems request) {
  if (request.items.size() > most_products) co_return errors::too_many("items", most_products);
  std::vector<std::string> ids;
  ids.reserve(request.items.size());
  for (const auto& item : request.items) ids.push_back(item.product_id);
  const auto documents = co_await caches_.find_current_products(context, std::move(ids));
  PricedItems priced;
  priced.items.reserve(request.items.size());
  for (std::size_t i = 0; i < request.items.size(); ++i) {
    const auto* document = documents[i].get();
    if (!document) {
      priced.items.push_back({.refusal = "catalog.product_not_found"});
      continue;
    }
    priced.items.push_back(rules::price_item(*document->sellables.of(document->body), request.items[i]));
  }
  co_return priced;
}

Task<Result<Categories>> Service::list_categories(Context context, ListCategories request) {
  const auto table = co_await caches_.categories(context);
  Categories reply;
  for (const auto& category : table->all()) {
    if (!category.is_active) continue;
    if (request.parent_id && category.parent_id != request.parent_id) continue;
    reply.data.push_back(category);
  }
  co_return reply;
}

Task<Result<Category>> Service::get_category(Context context, GetCategory request) {
  const auto table = co_await caches_.categories(context);
  const auto* category = table->find(request.id_or_slug);
  if (!category || (!category->is_active && !context.caller().is_admin())) co_return errors::category_not_found();
  co_return *category;
}

Task<Result<ImportedProducts>> Service::import_products(Context context, ImportProducts request) {
  if (request.lines.size() > most_products) co_return errors::too_many("lines", most_products);
  Importer importer(*repository_, now());
  auto outcome = co_await importer.run(context, std::move(request.lines));
  caches_.forget(outcome.changed);
  if (outcome.categories_changed) caches_.forget_categories();
  co_return std::move(outcome.reply);
}

Task<Result<Done>> Service::upsert_categories(Context context, UpsertCategories request) {
  if (request.categories.size() > most_products) co_return errors::too_many("categories", most_products);
  const auto taken = co_await catalog::upsert_categories(*repository_, context, std::move(request.categories), now());
  if (taken) co_return errors::category_slug_taken(*taken);
  caches_.forget_categories();
  co_return Done{};
}

Task<Result<DocumentBatch>> Service::list_documents(Context context, ListDocuments request) {
  DocumentBatch batch{.feed_cursor = co_await caches_.known_feed_cursor(context)};
  const auto documents = co_await repository_->list_documents(context, std::move(request.after), request.limit + 1);
  for (const auto& document : documents) batch.products.push_back(to_api(document));
  batch.has_more = batch.products.size() > static_cast<std::size_t>(request.limit.value);
  if (batch.has_more) batch.products.pop_back();
  co_return batch;
}

Task<Result<CatalogStats>> Service::stats(Context context, Done) { co_return co_await repository_->stats(context); }

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await repository_->events(std::move(context), std::move(request));
}

}  // namespace souk::catalog
