#pragma once

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "events/idempotency.hpp"
#include "events/outbox.hpp"
#include "gateways/simulator.hpp"
#include "remote.hpp"
#include "rpc/over_the_wire_for_test.hpp"
#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::payment::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::payment {

inline std::vector<pg::MigrationSet> migration_sets() {
  return {{"events", events::migrations::embedded_files()},
          {"idempotency", idempotency::migrations::embedded_files()},
          {"payment", migrations::embedded_files()}};
}

// The service and the simulator on a database of their own.
class PaymentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database_ = std::make_unique<souk::testing::TestDatabase>(migration_sets());
    connect(database_->url());
  }
  void TearDown() override { disconnect(); }

  // The simulator is another company: a broken way to our own database does not break its.
  void connect(std::string url) {
    disconnect();
    pool_ = std::make_unique<pg::Pool>(
        runtime_, pg::PoolOptions{.url = std::move(url), .name = "payment_db", .max_connections = 8});
    simulator_pool_ = std::make_unique<pg::Pool>(
        runtime_, pg::PoolOptions{.url = database_->url(), .name = "simulator", .max_connections = 4});
    simulator_ = std::make_unique<Simulator>(
        runtime_, *simulator_pool_,
        Simulator::Delays{.slow = std::chrono::milliseconds(50), .timeout = std::chrono::milliseconds(20)});
    serve({.by_name = {{"simulator", simulator_.get()}}, .standard = "simulator"});
  }
  // Makes the service anew, with these gateways.
  void serve(Gateways gateways) {
    stop();
    service_ = std::make_unique<Service>(runtime_, *pool_, std::move(gateways));
    wire_ = std::make_unique<rpc::MaybeWire<Api>>(runtime_, "payment", *service_, make_remote, expose);
  }
  void stop() {
    wire_.reset();
    service_.reset();
  }
  void disconnect() {
    if (!pool_) return;
    stop();
    simulator_.reset();
    runtime_.block_on(pool_->close());
    runtime_.block_on(simulator_pool_->close());
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

  static Charge card(Uuid order_id, std::string token, std::int64_t minor = 10'000) {
    Charge charge{.order_id = order_id, .user_id = customer(), .amount = Amount(minor), .currency = "USD"};
    charge.method = Method::card;
    charge.token = std::move(token);
    return charge;
  }
  static Charge cash(Uuid order_id) {
    auto charge = card(order_id, "");
    charge.method = Method::cod;
    charge.token.reset();
    return charge;
  }
  static Uuid customer() {
    static const auto id = Uuid::v7();
    return id;
  }
  Result<Payment> pay(Uuid order_id, std::string token, std::int64_t minor = 10'000) {
    return call(&Api::charge, card(order_id, std::move(token), minor));
  }
  Result<Payment> resolve(Uuid order_id) { return call(&Api::resolve, OrderRef{order_id}); }
  Result<Payment> cancel(Uuid order_id) { return call(&Api::cancel, OrderRef{order_id}); }
  Result<Payment> payment(Uuid order_id) { return call(&Api::get_payment, OrderRef{order_id}); }
  Result<Refund> refund(Uuid order_id, std::optional<std::int64_t> minor, std::string cause) {
    RefundPayment request{.order_id = order_id, .cause = std::move(cause)};
    if (minor) request.amount = Amount(*minor);
    return call(&Api::refund, std::move(request));
  }
  // As if the payment had begun long ago.
  void make_old(Uuid order_id, const std::string& age = "1 hour") {
    sql("UPDATE payments SET created_at = created_at - INTERVAL '" + age +
        "', check_at = LOCALTIMESTAMP "
        "WHERE order_id = '" +
        order_id.to_string() + "'");
  }
  std::int64_t resolve_due() { return runtime_.block_on(resolve_due_on(*service_)); }
  static Task<std::int64_t> resolve_due_on(Service& service) {
    co_return co_await service.resolve_due(souk::testing::test_context());
  }
  std::string sql(const std::string& statement) { return database_->sql(statement); }

  // Our books are the gateway's (docs: invariants 7, 10 and 16).
  void expect_sound() {
    EXPECT_EQ(sql("SELECT count(*) FROM payments AS p FULL JOIN (SELECT * FROM simulator.payments "
                  "WHERE status = 'succeeded') AS s ON s.key = p.order_id::text "
                  "WHERE (p.status IN ('succeeded', 'refunded') AND p.payment_gateway IS NOT NULL) "
                  "<> (s.id IS NOT NULL) OR s.amount <> p.amount * 100 OR s.refunded <> p.refunded_amount * 100"),
              "0");
    EXPECT_EQ(
        sql("SELECT count(*) FROM payments AS p WHERE refunded_amount <> COALESCE((SELECT sum(amount) FROM refunds "
            "WHERE payment_id = p.id AND status = 'succeeded'), 0) OR refunding_amount <> COALESCE((SELECT "
            "sum(amount) FROM refunds WHERE payment_id = p.id AND status = 'processing'), 0)"),
        "0");
  }
  // How often the gateway took money for the order.
  std::string charges(Uuid order_id) {
    return sql("SELECT count(*) FROM simulator.payments WHERE status = 'succeeded' AND key = '" + order_id.to_string() +
               "'");
  }

  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }

  Runtime runtime_{2};
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<pg::Pool> simulator_pool_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<rpc::MaybeWire<Api>> wire_;
  std::size_t next_worker_ = 0;
};

}  // namespace souk::payment
