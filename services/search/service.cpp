#include "service.hpp"

#include <algorithm>
#include <set>

#include "core/report.hpp"
#include "errors.hpp"
#include "rules.hpp"
#include "telemetry/cache_metrics.hpp"
#include "telemetry/log.hpp"

namespace souk::search {
namespace {

constexpr std::int64_t default_limit = 20;
constexpr Duration shortest_round = std::chrono::milliseconds(20);

metrics::CacheLookups& lookups() {
  static metrics::CacheLookups instance("search.results");
  return instance;
}

Context index_context() { return Context::background("search", std::chrono::seconds(30)); }

catalog::Product product_of(const catalog::ProductDocument& document) {
  return json::read_trusted<catalog::Product>(document.document.text);
}

template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::runtime_error("search: the catalog refused: " + result.error().detail);
  return *std::move(result);
}

}  // namespace

Service::Service(catalog::Api& catalog, redis::Client& redis) : catalog_(catalog), cache_(redis), builder_(1, 16) {}

void Service::start(TaskGroup& group) { group.spawn("search index", run(group)); }

Task<> Service::run(TaskGroup& group) {
  bool began_anew = false;
  while (!group.stopping()) {
    bool failed = false;
    try {
      if (!built_ || began_anew || index_.wants_rebuild()) co_await build(index_context());
      began_anew = false;
      // Until it is built again, what was indexed before is better than nothing.
      began_anew = !co_await follow(group);
    } catch (const std::exception& e) {
      log::warning("the search index waits for the catalog", log::kv("error", std::string(e.what())));
      failed = true;
    }
    if (failed) co_await group.sleep(std::chrono::seconds(1));
  }
}

Task<> Service::build(Context context) {
  std::vector<catalog::Product> products;
  std::string after;
  for (bool first = true, more = true; more; first = false) {
    auto batch = value_or_throw(co_await catalog_.list_documents(context.extended(std::chrono::seconds(30)), {after}));
    if (first) cursor_ = batch.feed_cursor;
    for (const auto& document : batch.products) products.push_back(product_of(document));
    if (!batch.products.empty()) after = batch.products.back().product_id;
    more = batch.has_more;
  }
  const auto count = products.size();
  auto rebuild = [this, &products] {
    index_.rebuild(std::move(products), cursor_);
    return true;
  };
  co_await builder_.run(std::move(rebuild));
  built_ = true;
  log::info("search index built", log::kv("documents", count));
}

// Reads the feed once. False when it began anew, so that the index must be built again.
Task<bool> Service::follow(TaskGroup& group) {
  const auto context = index_context();
  const auto asked = Clock::now();
  // At first nobody waits for news: the shop is not ready before what was missed is known.
  const bool wait = caught_up_ && !group.stopping();
  events::ReadEvents read{.after = cursor_, .limit = 500, .wait_ms = wait ? 1000 : 0};
  const auto page = value_or_throw(co_await catalog_.events(context, std::move(read)));
  if (page.reset) co_return false;
  if (page.events.empty()) {
    caught_up_ = true;
    // A source that does not wait must not make us spin.
    if (Clock::now() - asked < shortest_round) co_await group.sleep(shortest_round);
  } else {
    co_await apply(context, page);
  }
  cursor_ = page.next;
  co_return true;
}

Task<> Service::apply(Context context, const events::EventPage& page) {
  const auto snapshot = index_.snapshot();
  std::set<std::string> changed;
  for (const auto& event : page.events) {
    if (event.type != "product.changed") continue;
    const auto payload = json::read_trusted<catalog::ProductChanged>(event.payload.text);
    // After a start the feed tells much that the catalog's documents had already.
    const auto known = snapshot->updated_at(payload.product_id);
    if (!known || *known < payload.updated_at) changed.insert(payload.product_id);
  }
  if (changed.empty()) co_return;
  std::vector<Index::Update> updates;
  for (const auto& id : changed) updates.push_back({.product_id = id});
  catalog::GetProducts wanted{.product_ids = {changed.begin(), changed.end()}, .from_store = true};
  const auto found = value_or_throw(co_await catalog_.get_products(context.as_service("search"), std::move(wanted)));
  for (const auto& document : found.products) {
    const auto update = std::ranges::lower_bound(updates, document.product_id, {}, &Index::Update::product_id);
    if (update != updates.end()) update->product = product_of(document);
  }
  auto update = [this, &updates, &page] {
    index_.apply(std::move(updates), page.next);
    return true;
  };
  co_await builder_.run(std::move(update));
}

Task<Result<SearchResults>> Service::search(Context context, SearchProducts request) {
  SOUK_CO_CHECK(rules::check_facets(request.facets.value_or("")));
  SOUK_CO_TRY(const auto offset, rules::offset_of(request));
  if (!built_) co_return errors::not_ready();
  const auto limit = static_cast<std::size_t>(request.limit ? request.limit->value : default_limit);
  const auto snapshot = index_.snapshot();
  const auto hash = rules::query_hash(request, snapshot->generation);
  auto found = co_await cache_.find(context, hash);
  lookups().count(found.has_value());
  if (!found) {
    found = find(*snapshot, request, offset, limit);
    co_await cache_.store(context, hash, *found);
  }
  SearchResults results{.total = found->total, .facets = std::move(found->facets), .has_more = found->has_more};
  if (found->has_more) results.next_cursor = rules::to_cursor(request, offset + limit);
  SOUK_CO_TRY(results.data, co_await documents(std::move(context), std::move(found->product_ids)));
  co_return results;
}

Task<Result<std::vector<json::Raw>>> Service::documents(Context context, std::vector<std::string> product_ids) {
  std::vector<json::Raw> documents;
  if (product_ids.empty()) co_return documents;
  SOUK_CO_TRY(auto found, co_await catalog_.get_products(std::move(context), {std::move(product_ids)}));
  for (auto& product : found.products) documents.push_back(std::move(product.document));
  co_return documents;
}

Task<Result<Suggestions>> Service::suggest(Context, Suggest request) {
  if (!built_) co_return errors::not_ready();
  const auto limit = static_cast<std::size_t>(request.limit ? request.limit->value : 10);
  co_return Suggestions{search::suggest(*index_.snapshot(), request.q, limit)};
}

Task<Result<IndexState>> Service::state(Context, catalog::Done) {
  co_return IndexState{.documents = static_cast<std::int64_t>(index_.snapshot()->size()),
                       .caught_up = built_ && caught_up_};
}

}  // namespace souk::search
