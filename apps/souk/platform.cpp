#include "platform.hpp"

#include <algorithm>
#include <thread>

#include "core/failure.hpp"
#include "databases.hpp"
#include "demo/pictures.hpp"
#include "postgres/pool.hpp"
#include "redis/client.hpp"
#include "services/cart/routes.hpp"
#include "services/cart/service.hpp"
#include "services/catalog/routes.hpp"
#include "services/catalog/service.hpp"
#include "services/inventory/routes.hpp"
#include "services/inventory/service.hpp"
#include "services/notification/routes.hpp"
#include "services/notification/service.hpp"
#include "services/notification/settings.hpp"
#include "services/order/routes.hpp"
#include "services/order/service.hpp"
#include "services/payment/gateways/simulator.hpp"
#include "services/payment/routes.hpp"
#include "services/payment/service.hpp"
#include "services/payment/settings.hpp"
#include "services/review/postgres_repository.hpp"
#include "services/review/routes.hpp"
#include "services/review/service.hpp"
#include "services/search/routes.hpp"
#include "services/search/service.hpp"
#include "services/session/routes.hpp"
#include "services/session/service.hpp"
#include "services/user/routes.hpp"
#include "services/user/service.hpp"
#include "settings.hpp"

namespace souk {
namespace {

std::size_t worker_count() {
  const auto wanted = static_cast<std::size_t>(settings::workers.get());
  if (wanted != 0) return wanted;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 8);
}

pg::PoolOptions pool_options(const std::string& secret, const std::string& database) {
  return {.url = database_url(secret, database),
          .name = database,
          .max_connections = static_cast<std::size_t>(settings::pool_size.get())};
}

// The simulator stands for a gateway somewhere else, so it shares no connection with the payment service.
pg::PoolOptions simulator_options(const std::string& secret) {
  return {.url = database_url(secret, "payment_db"), .name = "simulator", .max_connections = 8};
}

// Before the index is built, every search is refused.
Task<> check_search(search::Api& search, Context context) {
  const auto state = co_await search.state(std::move(context), {});
  if (!state) throw Unavailable(state.error().detail);
  if (!state->caught_up) throw Unavailable("the search index is being built");
}

}  // namespace

// In the order of construction: a service comes after those that it calls.
struct Platform::Parts {
  explicit Parts(const std::string& secret);

  Runtime runtime;
  TaskGroup background;
  redis::Client redis;
  pg::Pool user_db, order_db, payment_db, inventory_db, notification_db, product_db, review_db, simulator_db;

  session::Service sessions;
  user::Service users;
  inventory::Service inventory;
  payment::Simulator simulator;
  payment::Service payments;
  catalog::Service catalog;
  search::Service search;
  cart::Service carts;
  order::Service orders;
  review::PostgresRepository review_repository;
  review::Service reviews;
  notification::Service notifications;

  std::vector<pg::Pool*> pools() {
    return {&user_db, &order_db, &payment_db, &inventory_db, &notification_db, &product_db, &review_db, &simulator_db};
  }
};

Platform::Parts::Parts(const std::string& secret)
    : runtime(worker_count()),
      background(runtime.executor(0)),
      redis(runtime, settings::redis_url.get()),
      user_db(runtime, pool_options(secret, "user_db")),
      order_db(runtime, pool_options(secret, "order_db")),
      payment_db(runtime, pool_options(secret, "payment_db")),
      inventory_db(runtime, pool_options(secret, "inventory_db")),
      notification_db(runtime, pool_options(secret, "notification_db")),
      product_db(runtime, pool_options(secret, "product_db")),
      review_db(runtime, pool_options(secret, "review_db")),
      simulator_db(runtime, simulator_options(secret)),
      sessions(runtime, redis),
      users(user_db, sessions),
      inventory(runtime, inventory_db),
      simulator(runtime, simulator_db),
      payments(runtime, payment_db,
               {.by_name = {{"simulator", &simulator}}, .standard = payment::settings::gateway.get()}),
      catalog(runtime, product_db, redis),
      search(catalog, redis),
      carts(runtime, redis, catalog),
      orders(runtime, order_db, carts, catalog, inventory, payments, users,
             {.secret = derive_secret(secret, "order-token")}),
      review_repository(review_db),
      reviews(review_repository, orders, users, &catalog),
      notifications(notification_db, orders, users, notification::make_transport(settings::home.get()),
                    notification::settings::mail_from.get()) {}

Platform::Platform(std::string secret) : parts_(std::make_unique<Parts>(secret)) {}
Platform::~Platform() = default;

Runtime& Platform::runtime() { return parts_->runtime; }
user::Api& Platform::users() { return parts_->users; }
session::Api& Platform::sessions() { return parts_->sessions; }
catalog::Api& Platform::catalog() { return parts_->catalog; }
search::Api& Platform::search() { return parts_->search; }
cart::Api& Platform::carts() { return parts_->carts; }
inventory::Api& Platform::inventory() { return parts_->inventory; }
payment::Api& Platform::payments() { return parts_->payments; }
order::Api& Platform::orders() { return parts_->orders; }
review::Api& Platform::reviews() { return parts_->reviews; }
notification::Api& Platform::notifications() { return parts_->notifications; }

void Platform::add_routes(http::Router& router) {
  user::add_routes(router, parts_->users);
  session::add_routes(router, parts_->sessions, parts_->users);
  catalog::add_routes(router, parts_->catalog);
  search::add_routes(router, parts_->search);
  cart::add_routes(router, parts_->carts);
  inventory::add_routes(router, parts_->inventory);
  if (payment::settings::gateway.get() == "simulator") {
    payment::add_simulator_routes(router, parts_->simulator, parts_->payments);
  }
  order::add_routes(router, parts_->orders);
  review::add_routes(router, parts_->reviews);
  notification::add_routes(router, parts_->notifications);
  demo::add_media_routes(router);
}

std::vector<gateway::ReadinessCheck> Platform::readiness_checks() {
  std::vector<gateway::ReadinessCheck> checks;
  for (auto* pool : parts_->pools()) {
    checks.push_back({pool->name(), [pool](Context context) { return pool->ping(std::move(context)); }});
  }
  checks.push_back({"redis", [this](Context context) { return parts_->redis.ping(std::move(context)); }});
  checks.push_back({"search", [this](Context context) { return check_search(parts_->search, std::move(context)); }});
  return checks;
}

void Platform::start() {
  auto& background = parts_->background;
  parts_->sessions.follow(background, parts_->users);
  parts_->inventory.start(background);
  parts_->payments.start(background);
  parts_->catalog.start(background, parts_->inventory, parts_->reviews);
  parts_->search.start(background);
  parts_->orders.start(background);
  parts_->reviews.start(background);
  parts_->users.start(background);
  parts_->notifications.start(background);
}

void Platform::stop() {
  parts_->background.stop();
  parts_->runtime.block_on(parts_->background.drain());
  for (auto* pool : parts_->pools()) parts_->runtime.block_on(pool->close());
  parts_->runtime.block_on(parts_->redis.close());
}

}  // namespace souk
