#include "platform.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <thread>

#include "core/failure.hpp"
#include "databases.hpp"
#include "demo/pictures.hpp"
#include "http/url.hpp"
#include "postgres/pool.hpp"
#include "redis/client.hpp"
#include "services/cart/remote.hpp"
#include "services/cart/routes.hpp"
#include "services/cart/service.hpp"
#include "services/catalog/remote.hpp"
#include "services/catalog/routes.hpp"
#include "services/catalog/service.hpp"
#include "services/inventory/remote.hpp"
#include "services/inventory/routes.hpp"
#include "services/inventory/service.hpp"
#include "services/notification/remote.hpp"
#include "services/notification/routes.hpp"
#include "services/notification/service.hpp"
#include "services/notification/settings.hpp"
#include "services/order/remote.hpp"
#include "services/order/routes.hpp"
#include "services/order/service.hpp"
#include "services/payment/configured_gateways.hpp"
#include "services/payment/gateways/simulator.hpp"
#include "services/payment/remote.hpp"
#include "services/payment/routes.hpp"
#include "services/payment/service.hpp"
#include "services/payment/settings.hpp"
#include "services/review/postgres_repository.hpp"
#include "services/review/remote.hpp"
#include "services/review/routes.hpp"
#include "services/review/service.hpp"
#include "services/search/remote.hpp"
#include "services/search/routes.hpp"
#include "services/search/service.hpp"
#include "services/session/remote.hpp"
#include "services/session/routes.hpp"
#include "services/session/service.hpp"
#include "services/user/remote.hpp"
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

std::string public_url() {
  auto url = settings::public_url.get();
  while (url.ends_with('/')) url.pop_back();
  if (url.empty() || http::Url::parse(url)) return url;
  throw std::invalid_argument("SOUK_PUBLIC_URL is no URL such as https://shop.example.com");
}

// Before the index is built, every search is refused.
Task<> check_search(search::Api& search, Context context) {
  const auto state = co_await search.state(std::move(context), {});
  if (!state) throw Unavailable(state.error().detail);
  if (!state->caught_up) throw Unavailable("the search index is being built");
}

}  // namespace

// In the order of construction: a service comes after those that it calls. The only place that says how each is made.
struct Platform::Parts {
  Parts(const std::string& secret, const Placement& placement);

  template <class Service>
  static auto made(Service* service) {
    return std::unique_ptr<Service>(service);
  }

  const Placement placement;
  Runtime runtime;
  TaskGroup background;
  redis::Client redis;
  http::Client client;
  Peers peers;
  pg::Pool user_db, order_db, payment_db, inventory_db, notification_db, product_db, review_db, simulator_db;

  payment::Simulator simulator;
  std::optional<payment::ConfiguredGateways> gateways;  // where the payment service is
  review::PostgresRepository review_repository;
  Part<session::Api, session::Service> sessions;
  Part<user::Api, user::Service> users;
  Part<inventory::Api, inventory::Service> inventory;
  Part<payment::Api, payment::Service> payments;
  Part<catalog::Api, catalog::Service> catalog;
  Part<search::Api, search::Service> search;
  Part<cart::Api, cart::Service> carts;
  Part<order::Api, order::Service> orders;
  Part<review::Api, review::Service> reviews;
  Part<notification::Api, notification::Service> notifications;

  // The simulator's pages are part of the public port; it stands for somebody else's, and is wherever it is needed.
  bool has_simulator() const {
    return payment::settings::gateway.get() == "simulator" && (placement.has("payment") || placement.gateway);
  }

  // The databases that are used here.
  std::vector<pg::Pool*> pools() {
    std::vector<pg::Pool*> used;
    const auto add = [&](bool wanted, pg::Pool& pool) {
      if (wanted) used.push_back(&pool);
    };
    add(placement.has("user"), user_db);
    add(placement.has("order"), order_db);
    add(placement.has("payment"), payment_db);
    add(placement.has("inventory"), inventory_db);
    add(placement.has("notification"), notification_db);
    add(placement.has("catalog"), product_db);
    add(placement.has("review"), review_db);
    add(has_simulator(), simulator_db);
    return used;
  }
  bool uses_redis() const {
    return placement.has("session") || placement.has("catalog") || placement.has("search") || placement.has("cart");
  }
};

Platform::Parts::Parts(const std::string& secret, const Placement& where)
    : placement(where),
      runtime(worker_count()),
      background(runtime.executor(0)),
      redis(runtime, settings::redis_url.get()),
      client(runtime),
      peers(client, settings::internal_key.get()),
      user_db(runtime, pool_options(secret, "user_db")),
      order_db(runtime, pool_options(secret, "order_db")),
      payment_db(runtime, pool_options(secret, "payment_db")),
      inventory_db(runtime, pool_options(secret, "inventory_db")),
      notification_db(runtime, pool_options(secret, "notification_db")),
      product_db(runtime, pool_options(secret, "product_db")),
      review_db(runtime, pool_options(secret, "review_db")),
      simulator_db(runtime, simulator_options(secret)),
      simulator(runtime, simulator_db),
      review_repository(review_db),
      sessions(placement, peers, "session", session::make_remote, session::expose,
               [&] { return made(new session::Service(runtime, redis)); }),
      users(placement, peers, "user", user::make_remote, user::expose,
            [&] { return made(new user::Service(user_db, sessions.api())); }),
      inventory(placement, peers, "inventory", inventory::make_remote, inventory::expose,
                [&] { return made(new inventory::Service(runtime, inventory_db)); }),
      payments(
          placement, peers, "payment", payment::make_remote, payment::expose,
          [&] {
            return made(new payment::Service(runtime, payment_db, gateways.emplace(runtime, simulator).gateways()));
          }),
      catalog(placement, peers, "catalog", catalog::make_remote, catalog::expose,
              [&] { return made(new catalog::Service(runtime, product_db, redis)); }),
      search(placement, peers, "search", search::make_remote, search::expose,
             [&] { return made(new search::Service(catalog.api(), redis)); }),
      carts(placement, peers, "cart", cart::make_remote, cart::expose,
            [&] { return made(new cart::Service(runtime, redis, catalog.api())); }),
      orders(placement, peers, "order", order::make_remote, order::expose,
             [&] {
               return made(new order::Service(
                   runtime, order_db, carts.api(), catalog.api(), inventory.api(), payments.api(), users.api(),
                   {.secret = derive_secret(secret, "order-token"), .return_url_base = public_url()}));
             }),
      reviews(placement, peers, "review", review::make_remote, review::expose,
              [&] { return made(new review::Service(review_repository, orders.api(), users.api(), &catalog.api())); }),
      notifications(placement, peers, "notification", notification::make_remote, notification::expose, [&] {
        return made(new notification::Service(
            notification_db, orders.api(), users.api(), inventory.api(),
            [this](Context context, events::ReadEvents request) {
              return payments.api().events(std::move(context), std::move(request));
            },
            {.mail = notification::make_transport(settings::home.get()),
             .webhooks = notification::make_webhook_sender()},
            {.sender = notification::settings::mail_from.get(),
             .merchant_email = notification::settings::merchant_email.get(),
             .webhook_key = derive_secret(secret, "webhooks"),
             .allow_private_webhooks = notification::settings::webhooks_allow_private.get()}));
      }) {}

Platform::Platform(const std::string& secret, const Placement& placement)
    : parts_(std::make_unique<Parts>(secret, placement)) {}
Platform::~Platform() = default;

Runtime& Platform::runtime() { return parts_->runtime; }
user::Api& Platform::users() { return parts_->users.api(); }
session::Api& Platform::sessions() { return parts_->sessions.api(); }
catalog::Api& Platform::catalog() { return parts_->catalog.api(); }
search::Api& Platform::search() { return parts_->search.api(); }
cart::Api& Platform::carts() { return parts_->carts.api(); }
inventory::Api& Platform::inventory() { return parts_->inventory.api(); }
payment::Api& Platform::payments() { return parts_->payments.api(); }
order::Api& Platform::orders() { return parts_->orders.api(); }
review::Api& Platform::reviews() { return parts_->reviews.api(); }
notification::Api& Platform::notifications() { return parts_->notifications.api(); }

void Platform::add_routes(http::Router& router) {
  user::add_routes(router, parts_->users.api());
  session::add_routes(router, parts_->sessions.api(), parts_->users.api());
  catalog::add_routes(router, parts_->catalog.api());
  search::add_routes(router, parts_->search.api());
  cart::add_routes(router, parts_->carts.api());
  inventory::add_routes(router, parts_->inventory.api());
  payment::add_routes(router, parts_->payments.api());
  if (payment::settings::gateway.get() == "simulator") {
    payment::add_simulator_routes(router, parts_->simulator, parts_->payments.api());
  }
  order::add_routes(router, parts_->orders.api());
  review::add_routes(router, parts_->reviews.api());
  notification::add_routes(router, parts_->notifications.api());
  demo::add_media_routes(router);
}

void Platform::expose(http::Router& router) {
  parts_->sessions.expose(router);
  parts_->users.expose(router);
  parts_->inventory.expose(router);
  parts_->payments.expose(router);
  parts_->catalog.expose(router);
  parts_->search.expose(router);
  parts_->carts.expose(router);
  parts_->orders.expose(router);
  parts_->reviews.expose(router);
  parts_->notifications.expose(router);
}

std::vector<gateway::ReadinessCheck> Platform::readiness_checks() {
  std::vector<gateway::ReadinessCheck> checks;
  for (auto* pool : parts_->pools()) {
    checks.push_back({pool->name(), [pool](Context context) { return pool->ping(std::move(context)); }});
  }
  if (parts_->uses_redis()) {
    checks.push_back({"redis", [this](Context context) { return parts_->redis.ping(std::move(context)); }});
  }
  if (auto* search = parts_->search.local()) {
    checks.push_back({"search", [search](Context context) { return check_search(*search, std::move(context)); }});
  }
  // The public port is ready when everything behind it is. A service says only whether itself is: services that call
  // each other would ask for ever.
  if (parts_->placement.gateway) {
    for (const auto& [name, peer] : parts_->peers.used()) {
      checks.push_back({name, [peer = peer.get()](Context context) { return peer->check(std::move(context)); }});
    }
  }
  return checks;
}

void Platform::start() {
  auto& parts = *parts_;
  auto& background = parts.background;
  if (auto* sessions = parts.sessions.local()) sessions->follow(background, parts.users.api());
  if (auto* inventory = parts.inventory.local()) inventory->start(background);
  if (auto* payments = parts.payments.local()) payments->start(background);
  if (auto* catalog = parts.catalog.local()) catalog->start(background, parts.inventory.api(), parts.reviews.api());
  if (auto* search = parts.search.local()) search->start(background);
  if (auto* orders = parts.orders.local()) orders->start(background);
  if (auto* reviews = parts.reviews.local()) reviews->start(background);
  if (auto* users = parts.users.local()) users->start(background);
  if (auto* notifications = parts.notifications.local()) notifications->start(background);
}

void Platform::stop() {
  parts_->background.stop();
  parts_->runtime.block_on(parts_->background.drain());
  for (auto* pool : parts_->pools()) parts_->runtime.block_on(pool->close());
  parts_->runtime.block_on(parts_->redis.close());
}

}  // namespace souk
