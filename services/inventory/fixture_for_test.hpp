#pragma once

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "events/idempotency.hpp"
#include "events/outbox.hpp"
#include "remote.hpp"
#include "rpc/over_the_wire_for_test.hpp"
#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::inventory::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::inventory {

inline std::vector<pg::MigrationSet> migration_sets() {
  return {{"events", events::migrations::embedded_files()},
          {"idempotency", idempotency::migrations::embedded_files()},
          {"inventory", migrations::embedded_files()}};
}

// The service on a database of its own.
class InventoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database_ = std::make_unique<souk::testing::TestDatabase>(migration_sets());
    connect(database_->url());
  }
  void TearDown() override { disconnect(); }

  void connect(std::string url) {
    disconnect();
    pool_ = std::make_unique<pg::Pool>(
        runtime_, pg::PoolOptions{.url = std::move(url), .name = "inventory_db", .max_connections = 8});
    service_ = std::make_unique<Service>(runtime_, *pool_);
    wire_ = std::make_unique<rpc::MaybeWire<Api>>(runtime_, "inventory", *service_, make_remote, expose);
  }
  void disconnect() {
    if (!pool_) return;
    wire_.reset();
    service_.reset();
    runtime_.block_on(pool_->close());
    pool_.reset();
  }

  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request) {
    return runtime_.block_on(call_on(wire_->api(), method, souk::testing::test_context(), std::move(request)));
  }
  // Starts the call on one of the workers and does not wait for it.
  template <class Reply, class Request>
  std::future<Result<Reply>> start(Task<Result<Reply>> (Api::*method)(Context, Request), Request request) {
    const auto worker = next_worker_++ % runtime_.size();
    return asio::co_spawn(runtime_.executor(worker),
                          call_on(wire_->api(), method, souk::testing::test_context(), std::move(request)),
                          asio::use_future);
  }
  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Context context,
                                     Request request) {
    co_return co_await (api.*method)(std::move(context), std::move(request));
  }

  void open(const std::string& product_id, std::int64_t quantity) {
    const auto opened = call(
        &Api::open_stock, OpenStock{.items = {{product_id, "SKU-" + product_id, quantity}}, .reference_id = "opening"});
    ASSERT_TRUE(opened);
  }
  Stock stock(const std::string& product_id) {
    return call(&Api::get_stock, GetStock{{product_id}}).value().data.at(0);
  }
  static Reserve reserve_request(Uuid order_id, std::vector<ReserveLine> lines, std::int64_t hold_seconds = 900) {
    return {.order_id = order_id, .lines = std::move(lines), .hold_seconds = hold_seconds};
  }
  Result<Reservation> reserve(Uuid order_id, std::vector<ReserveLine> lines, std::int64_t hold_seconds = 900) {
    return call(&Api::reserve, reserve_request(order_id, std::move(lines), hold_seconds));
  }
  Result<Reservation> complete(Uuid order_id) { return call(&Api::complete, OrderRef{order_id}); }
  Result<Done> release(Uuid order_id) { return call(&Api::release, OrderRef{order_id}); }
  // Makes the order's hold end in the past.
  void let_lapse(Uuid order_id) {
    database_->sql(
        "UPDATE stock_reservations SET expires_at = LOCALTIMESTAMP - INTERVAL '1 minute' WHERE order_id = '" +
        order_id.to_string() + "'");
  }
  std::int64_t sweep() { return runtime_.block_on(sweep_on(*service_)); }
  static Task<std::int64_t> sweep_on(Service& service) {
    co_return co_await service.sweep(souk::testing::test_context());
  }
  std::string sql(const std::string& statement) { return database_->sql(statement); }

  // What must hold of stock, reservations and ledger at any time (docs: invariants 1 to 4).
  void expect_sound() {
    EXPECT_EQ(sql("SELECT count(*) FROM inventory AS i WHERE reserved_quantity <> COALESCE((SELECT sum(quantity) FROM "
                  "stock_reservations WHERE inventory_id = i.id AND status = 'active'), 0)"),
              "0");
    EXPECT_EQ(sql("SELECT count(*) FROM inventory AS i WHERE quantity <> COALESCE((SELECT sum(quantity) FROM "
                  "inventory_transactions WHERE inventory_id = i.id AND transaction_type IN "
                  "('restock', 'sale', 'adjustment')), 0)"),
              "0");
    EXPECT_EQ(
        sql("SELECT count(*) FROM inventory AS i WHERE reserved_quantity <> COALESCE((SELECT sum(t.quantity) FROM "
            "inventory_transactions AS t WHERE inventory_id = i.id AND transaction_type IN "
            "('reservation', 'release')), 0) - COALESCE((SELECT sum(quantity) FROM stock_reservations "
            "WHERE inventory_id = i.id AND status = 'completed' AND NOT EXISTS (SELECT 1 FROM "
            "inventory_transactions AS t WHERE t.inventory_id = i.id AND t.transaction_type = 'release' AND "
            "t.reference_id = order_id::text || CASE WHEN hold_number > 1 THEN '/' || hold_number ELSE '' END)), "
            "0)"),
        "0");
  }

  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }

  Runtime runtime_{2};
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<rpc::MaybeWire<Api>> wire_;
  std::size_t next_worker_ = 0;
};

}  // namespace souk::inventory
