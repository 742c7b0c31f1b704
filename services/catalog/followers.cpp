#include "followers.hpp"

#include "events/consumer.hpp"
#include "telemetry/log.hpp"

namespace souk::catalog {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stock_batch = 1000;
constexpr Duration resynchronisation_limit = 60s;
constexpr Duration prune_interval = 1h;

}  // namespace

void Service::Followers::start(TaskGroup& group) {
  follow(group, "catalog.availability", sources_.stock_events, &Followers::take_availability);
  follow(group, "catalog.ratings", sources_.rating_events, &Followers::take_ratings);
  follow_own_feed(group);
  group.spawn("catalog.prune", prune(group));
}

void Service::Followers::follow(TaskGroup& group, std::string name, Feed source,
                                Task<> (Followers::*handle)(Context, const events::EventPage&)) {
  events::run_consumer(
      group,
      {.name = name,
       .source = std::move(source),
       .handle = [this, handle](Context context,
                                const events::EventPage& page) { return (this->*handle)(std::move(context), page); },
       .load_cursor = [this, name](Context context) { return repository_.load_cursor(std::move(context), name); }});
}

void Service::Followers::follow_own_feed(TaskGroup& group) {
  events::run_consumer(
      group, {.name = "catalog.memory",
              .source =
                  [this](Context context, events::ReadEvents request) {
                    return read_own_feed(std::move(context), std::move(request), true);
                  },
              .handle = [this](Context, const events::EventPage& page) { return forget_in_memory(page); },
              .load_cursor = [this](Context context) { return caches_.begin_following(std::move(context)); }});
  follow(
      group, "catalog.redis",
      [this](Context context, events::ReadEvents request) {
        return read_own_feed(std::move(context), std::move(request), false);
      },
      &Followers::forget_in_redis);
}

Task<Result<events::EventPage>> Service::Followers::read_own_feed(Context context, events::ReadEvents request,
                                                                  bool for_memory) {
  request.limit = 1000;
  auto page = co_await repository_.events(std::move(context), std::move(request));
  if (for_memory && page.events.empty() && !page.reset) caches_.note_in_step();
  co_return page;
}

Task<> Service::Followers::forget_in_memory(const events::EventPage& page) {
  caches_.follow_in_memory(page);
  co_return;
}

Task<> Service::Followers::forget_in_redis(Context context, const events::EventPage& page) {
  co_await caches_.follow_in_redis(context, page);
  co_await repository_.move_cursor(context, "catalog.redis", page.next);
}

Task<rules::Availability> Service::Followers::all_availability(Context context) {
  rules::Availability availability;
  std::string after;
  for (;;) {
    auto ids = co_await repository_.list_sellable_ids(context, after, stock_batch);
    if (ids.empty()) co_return availability;
    after = ids.back();
    auto stock = co_await sources_.get_stock(context, {.product_ids = std::move(ids)});
    if (!stock) throw std::runtime_error("inventory: " + stock.error().detail);
    for (const auto& item : stock->data) availability.emplace(item.product_id, item.available_quantity > 0);
  }
}

Task<> Service::Followers::take_availability(Context context, const events::EventPage& page) {
  rules::Availability availability;
  if (page.reset) {
    context = Context::background("catalog.availability", resynchronisation_limit);
    availability = co_await all_availability(context);
  }
  std::vector<std::string> ids;
  for (const auto& event : page.events) {
    if (event.type != "stock.availability_changed") continue;
    const auto payload = json::read_trusted<inventory::AvailabilityChanged>(event.payload.text);
    availability[payload.product_id] = payload.available;
  }
  for (const auto& [id, available] : availability) ids.push_back(id);
  auto change = co_await repository_.begin_change(context);
  co_await change->lock_writes();
  std::vector<Product> changed;
  if (!ids.empty()) {
    co_await change->save_availability(availability);
    for (auto& [id, product] : co_await change->lock_products_of(std::move(ids))) {
      if (rules::apply_availability(product, availability)) changed.push_back(std::move(product));
    }
  }
  co_await save(context, *change, std::move(changed), "catalog.availability", page);
}

Task<> Service::Followers::take_ratings(Context context, const events::EventPage& page) {
  if (page.reset) log::warning(context, "the feed of ratings began anew: older changes of ratings may be missing");
  std::map<std::string, Rating> ratings;
  for (const auto& event : page.events) {
    if (event.type != "rating.changed") continue;
    const auto payload = json::read_trusted<review::RatingChanged>(event.payload.text);
    ratings[payload.product_id] = {.average = payload.average, .count = payload.count};
  }
  std::vector<std::string> ids;
  for (const auto& [id, rating] : ratings) ids.push_back(id);
  auto change = co_await repository_.begin_change(context);
  co_await change->lock_writes();
  std::vector<Product> changed;
  if (!ids.empty()) {
    for (auto& [id, product] : co_await change->lock_products(std::move(ids))) {
      const auto& rating = ratings.at(id);
      if (product.rating.average == rating.average && product.rating.count == rating.count) continue;
      product.rating = rating;
      changed.push_back(std::move(product));
    }
  }
  co_await save(context, *change, std::move(changed), "catalog.ratings", page);
}

Task<> Service::Followers::save(Context, Change& change, std::vector<Product> changed, std::string consumer,
                                const events::EventPage& page) {
  std::vector<RedisCache::Changed> notes;
  std::vector<ProductChanged> events;
  for (auto& product : changed) {
    product.updated_at = rules::next_version(product.updated_at, now());
    notes.push_back({product.product_id, product.updated_at});
    events.push_back({product.product_id, product.updated_at});
  }
  co_await change.append_changes(std::move(events));
  if (!changed.empty()) co_await change.save_products(std::move(changed));
  co_await change.store_cursor(std::move(consumer), page);
  co_await change.commit();
  caches_.forget(notes);
}

Task<> Service::Followers::prune(TaskGroup& group) {
  while (co_await group.sleep(prune_interval)) {
    co_await repository_.prune_events(Context::background("catalog.prune", resynchronisation_limit));
  }
}

}  // namespace souk::catalog
