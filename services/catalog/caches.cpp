#include "caches.hpp"

#include <unordered_map>

#include "core/settings.hpp"
#include "telemetry/metrics.hpp"

namespace souk::catalog {

namespace settings {
Setting<std::int64_t> document_cache_mib("SOUK_CATALOG_CACHE_MIB",
                                         "Memory for products that are served from the process, in MiB.", 64, 1, 16384);
Setting<std::int64_t> page_cache_mib("SOUK_CATALOG_PAGES_MIB",
                                     "Memory for pages of lists that are served from the process, in MiB.", 32, 1,
                                     4096);
}  // namespace settings

namespace {

using namespace std::chrono_literals;

// How long prices from memory are believed after the feed of changes was last seen to be up to date.
constexpr Duration trusted_for = 60s;
constexpr std::size_t mebibyte = 1 << 20;

struct CacheMetrics {
  metrics::Counter& memory = counter("memory");
  metrics::Counter& redis = counter("redis");
  metrics::Counter& store = counter("store");

  static metrics::Counter& counter(const std::string& from) {
    return metrics::counter("souk_catalog_products_read_total", "Products read, by where they came from.",
                            {{"from", from}});
  }
};

CacheMetrics& cache_metrics() {
  static CacheMetrics metrics;
  return metrics;
}

std::vector<RedisCache::Changed> changed_products(const events::EventPage& page) {
  std::vector<RedisCache::Changed> changed;
  for (const auto& event : page.events) {
    if (event.type != "product.changed") continue;
    auto payload = json::read_trusted<ProductChanged>(event.payload.text);
    changed.push_back({std::move(payload.product_id), payload.updated_at});
  }
  return changed;
}

}  // namespace

Caches::Caches(Repository& repository, redis::Client& redis)
    : repository_(repository),
      redis_(redis),
      documents_(static_cast<std::size_t>(settings::document_cache_mib.get()) * mebibyte),
      pages_(static_cast<std::size_t>(settings::page_cache_mib.get()) * mebibyte),
      in_step_at_((Clock::now() - 2 * trusted_for).time_since_epoch().count()) {}

Task<DocumentPtr> Caches::find_product(Context context, std::string id_or_slug) {
  if (auto found = documents_.find(id_or_slug)) {
    cache_metrics().memory.add();
    co_return found;
  }
  if (auto found = documents_.find_by_slug(id_or_slug)) {
    cache_metrics().memory.add();
    co_return found;
  }
  if (auto found = co_await load(context, id_or_slug)) co_return found;
  auto stored = co_await repository_.find_product_by_slug(context, id_or_slug);
  if (!stored) co_return nullptr;
  cache_metrics().store.add();
  auto document = std::make_shared<const StoredDocument>(*std::move(stored));
  documents_.put(document);
  co_return document;
}

Task<DocumentPtr> Caches::load(Context context, std::string product_id) {
  std::vector<std::string> ids{product_id};
  for (auto& cached : co_await redis_.find(context, std::move(ids))) {
    auto document = std::make_shared<const StoredDocument>(std::move(cached));
    if (!documents_.put(document)) continue;
    cache_metrics().redis.add();
    co_return document;
  }
  auto stored = co_await repository_.find_product(context, product_id);
  if (!stored) co_return nullptr;
  cache_metrics().store.add();
  auto document = std::make_shared<const StoredDocument>(*std::move(stored));
  documents_.put(document);
  std::vector<DocumentPtr> fill{document};
  co_await redis_.fill(context, std::move(fill));
  co_return document;
}

Task<std::vector<DocumentPtr>> Caches::find_products(Context context, std::vector<std::string> product_ids) {
  std::vector<DocumentPtr> found(product_ids.size());
  std::size_t in_memory = 0;
  for (std::size_t i = 0; i < product_ids.size(); ++i) {
    found[i] = documents_.find(product_ids[i]);
    if (found[i]) ++in_memory;
  }
  if (in_memory > 0) cache_metrics().memory.add(static_cast<double>(in_memory));
  if (in_memory < product_ids.size()) co_await load_missing(context, std::move(product_ids), found, true);
  co_return found;
}

Task<std::vector<DocumentPtr>> Caches::find_current_products(Context context, std::vector<std::string> product_ids) {
  std::vector<DocumentPtr> found(product_ids.size());
  bool all = in_step();
  for (std::size_t i = 0; all && i < product_ids.size(); ++i) {
    found[i] = documents_.find(product_ids[i]);
    all = found[i] != nullptr;
  }
  if (!all) {
    if (!in_step()) found.assign(product_ids.size(), nullptr);
    co_await load_missing(context, std::move(product_ids), found, false);
  }
  co_return found;
}

Task<std::vector<DocumentPtr>> Caches::find_stored_products(Context context, std::vector<std::string> product_ids) {
  std::vector<DocumentPtr> found(product_ids.size());
  co_await load_missing(context, std::move(product_ids), found, false);
  co_return found;
}

// Fills the empty places of `found`. `found` belongs to the caller, who waits.
Task<> Caches::load_missing(Context context, std::vector<std::string> ids, std::vector<DocumentPtr>& found,
                            bool from_redis) {
  const auto missing = [&ids, &found] {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!found[i]) names.push_back(ids[i]);
    }
    return names;
  };
  const auto take = [&ids, &found](const std::unordered_map<std::string, DocumentPtr>& loaded) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (const auto at = loaded.find(ids[i]); !found[i] && at != loaded.end()) found[i] = at->second;
    }
  };
  std::unordered_map<std::string, DocumentPtr> loaded;
  if (from_redis) {
    for (auto& cached : co_await redis_.find(context, missing())) {
      auto document = std::make_shared<const StoredDocument>(std::move(cached));
      if (documents_.put(document)) loaded.emplace(document->product_id, document);
    }
    cache_metrics().redis.add(static_cast<double>(loaded.size()));
    take(loaded);
    loaded.clear();
  }
  const auto wanted = missing();
  if (wanted.empty()) co_return;
  std::vector<DocumentPtr> fill;
  for (auto& stored : co_await repository_.find_products(context, wanted)) {
    auto document = std::make_shared<const StoredDocument>(std::move(stored));
    documents_.put(document);
    loaded.emplace(document->product_id, document);
    fill.push_back(std::move(document));
  }
  cache_metrics().store.add(static_cast<double>(loaded.size()));
  take(loaded);
  co_await redis_.fill(context, std::move(fill));
}

Task<CategoryTablePtr> Caches::categories(Context context) {
  const auto generation = category_generation_.load(std::memory_order_acquire);
  {
    const std::lock_guard lock(mutex_);
    if (categories_ && categories_generation_ == generation && in_step()) co_return categories_;
  }
  auto table = std::make_shared<const CategoryTable>(co_await repository_.list_categories(context));
  const std::lock_guard lock(mutex_);
  categories_ = table;
  categories_generation_ = generation;
  co_return table;
}

void Caches::forget(const std::vector<RedisCache::Changed>& changed) {
  for (const auto& product : changed) documents_.invalidate(product.product_id, product.updated_at);
  if (!changed.empty()) pages_.next_generation();
}

void Caches::forget_categories() {
  category_generation_.fetch_add(1, std::memory_order_acq_rel);
  pages_.next_generation();
}

void Caches::follow_in_memory(const events::EventPage& page) {
  bool categories_changed = page.reset;
  for (const auto& event : page.events) categories_changed |= event.type == "category.changed";
  if (page.reset) documents_.clear();
  forget(changed_products(page));
  if (categories_changed) forget_categories();
  const std::lock_guard lock(mutex_);
  feed_cursor_ = page.next;
}

Task<> Caches::follow_in_redis(Context context, const events::EventPage& page) {
  if (page.reset) co_await redis_.clear(context);
  co_await redis_.invalidate(context, changed_products(page));
}

void Caches::note_in_step() { in_step_at_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed); }

bool Caches::in_step() const {
  const auto at = in_step_at_.load(std::memory_order_relaxed);
  return Clock::now().time_since_epoch().count() - at < trusted_for.count();
}

Task<std::string> Caches::known_feed_cursor(Context context) {
  auto cursor = feed_cursor();
  if (!cursor.empty()) co_return cursor;
  co_return co_await repository_.load_cursor(std::move(context), "catalog.redis");
}

Task<std::string> Caches::begin_following(Context context) {
  auto cursor = co_await known_feed_cursor(std::move(context));
  // What was kept before may have changed since, without an event that lies ahead.
  if (feed_cursor().empty()) documents_.clear();
  forget_categories();
  co_return cursor;
}

std::string Caches::feed_cursor() const {
  const std::lock_guard lock(mutex_);
  return feed_cursor_;
}

}  // namespace souk::catalog
