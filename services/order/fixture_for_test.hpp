#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "core/failpoint.hpp"
#include "events/idempotency.hpp"
#include "events/outbox.hpp"
#include "fake_inventory_for_test.hpp"
#include "fake_payments_for_test.hpp"
#include "fakes_for_test.hpp"
#include "service.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::order::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::order {

inline std::vector<pg::MigrationSet> order_migrations() {
  return {{"events", events::migrations::embedded_files()},
          {"idempotency", idempotency::migrations::embedded_files()},
          {"order", order::migrations::embedded_files()}};
}

// The service on a real database, with the other services in memory: products a (10.00), b (25.50), stock 10 each.
class OrderTest : public souk::testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const auto sets = order_migrations();
    database = std::make_unique<souk::testing::TestDatabase>(sets);
    pool = std::make_unique<pg::Pool>(runtime, pg::PoolOptions{.url = pool_url(), .name = "order_db"});
    service = std::make_unique<Service>(runtime, *pool, carts, catalog, inventory, payments, users, options());
    catalog.sell("a", {.price = 1000});
    catalog.sell("b", {.price = 2550});
    inventory.stock("a", 10);
    inventory.stock("b", 10);
  }
  void TearDown() override {
    if (!service) return;
    disturbance.set_before({});
    disturbance.set_after({});
    run(service->settle());
    run(pool->close());
  }

  virtual std::string pool_url() { return database->url(); }
  virtual Options options() { return {.secret = "secret of the test", .return_url_base = "https://shop.example"}; }

  // Calls a method of the service in a coroutine of its own.
  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request, Caller caller = {}) {
    return run(call_on(*service, method, souk::testing::test_context(std::move(caller)), std::move(request)));
  }
  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Context context,
                                     Request request) {
    co_return co_await (api.*method)(std::move(context), std::move(request));
  }

  std::string cart_with(std::vector<cart::CheckoutLine> lines) {
    static std::atomic<int> count = 0;
    auto id = "cart-" + std::to_string(++count);
    carts.put(id, std::move(lines));
    return id;
  }
  std::string usual_cart() { return cart_with({{"i1", "a", std::nullopt, 2}, {"i2", "b", std::nullopt, 1}}); }

  static Address address() {
    return {.full_name = "Ada Lovelace",
            .phone = "+1 555 0100",
            .address_line1 = "1 Main Street",
            .city = "Los Angeles",
            .state = "CA",
            .postal_code = "90001",
            .country = "us"};
  }
  static CheckoutBody body(std::string token = "tok_ok") {
    return {.email = "ada@example.com",
            .shipping_address = address(),
            .shipping_method = "standard",
            .payment = {.method = payment::Method::card, .token = std::move(token)}};
  }
  static StartCheckout request(std::string cart, std::string key, CheckoutBody body) {
    return {.cart_id = std::move(cart), .idempotency_key = std::move(key), .body = std::move(body)};
  }
  Result<CheckoutResult> buy(std::string cart, std::string token = "tok_ok", std::string key = "key",
                             Caller caller = {}) {
    return call(&Api::checkout, request(std::move(cart), std::move(key), body(std::move(token))), std::move(caller));
  }
  Order bought(std::string token = "tok_ok", Caller caller = {}) {
    auto result = buy(usual_cart(), std::move(token), "key", std::move(caller));
    EXPECT_TRUE(result) << (result ? "" : result.error().code + " " + result.error().detail);
    return result.value().order.value();
  }

  static Caller customer(Uuid id, std::string email = "kim@example.com") {
    return {.kind = Caller::Kind::customer, .user_id = id, .email = std::move(email)};
  }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }
  std::string sql(const std::string& statement) { return database->sql(statement); }

  static Task<std::size_t> recover_on(Service& service) {
    const auto context = Context::background("test", std::chrono::seconds(5));
    const auto taken = co_await service.recover(context);
    co_await service.settle();
    co_return taken;
  }
  // All leases have run out: recovery goes on with everything that is open.
  std::size_t recover() {
    sql("UPDATE checkout_sagas SET lease_until = now(), next_check_at = now() WHERE finished_at IS NULL");
    sql("UPDATE cancellation_sagas SET lease_until = now(), next_check_at = now() WHERE finished_at IS NULL");
    sql("UPDATE return_sagas SET lease_until = now(), next_check_at = now() WHERE finished_at IS NULL");
    return run(recover_on(*service));
  }
  void age_checkouts(int minutes) {
    sql("UPDATE checkout_sagas SET created_at = created_at - INTERVAL '" + std::to_string(minutes) + " minutes'");
  }
  void settle() { run(settle_on(*service)); }
  static Task<> settle_on(Service& service) { co_await service.settle(); }
  std::string state() { return sql("SELECT string_agg(state, ',' ORDER BY created_at) FROM checkout_sagas"); }

  std::unique_ptr<souk::testing::TestDatabase> database;
  Disturbance disturbance;
  FakeCarts carts{disturbance};
  FakeCatalog catalog;
  FakeInventory inventory{disturbance};
  FakePayments payments{disturbance};
  FakeUsers users;
  std::unique_ptr<pg::Pool> pool;
  std::unique_ptr<Service> service;
};

}  // namespace souk::order
