#include "reservations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"
#include "postgres/blocking.hpp"
#include "testing/gate.hpp"

namespace souk::inventory {
namespace {

class InventoryReservations : public InventoryTest {
 protected:
  using Reserving = std::future<Result<Reservation>>;

  // While it lives no batch gets the item's lock: what is started meanwhile waits, and is executed together.
  class Locked {
   public:
    Locked(const std::string& url, const std::string& product) : connection_(url) {
      connection_.run("BEGIN");
      connection_.run("SELECT 1 FROM inventory WHERE product_id = $1 FOR UPDATE", {product});
    }

   private:
    pg::BlockingConnection connection_;
  };
  Reserving start_reserve(Uuid order_id, std::vector<ReserveLine> lines) {
    return start(&Api::reserve, reserve_request(order_id, std::move(lines)));
  }
  static Task<> stop(TaskGroup& group) {
    group.stop();
    co_await group.drain();
  }
  Uuid closing_;
  static void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }
};

TEST_F(InventoryReservations, OfThirtyTwoBuyersOneGetsTheLastItem) {
  open("a", 1);
  std::vector<Reserving> running;
  for (int i = 0; i < 32; ++i) running.push_back(start_reserve(Uuid::v7(), {{"a", 1}}));
  int granted = 0;
  for (auto& one : running) {
    const auto result = one.get();
    granted += result ? 1 : 0;
    if (!result) EXPECT_EQ(result.error().code, "inventory.insufficient_stock");
  }
  EXPECT_EQ(granted, 1);
  EXPECT_EQ(stock("a").available_quantity, 0);
  expect_sound();
}

TEST_F(InventoryReservations, LinesInAnyOrderNeitherDeadlockNorOversell) {
  for (int i = 0; i < 8; ++i) open("p" + std::to_string(i), 40);
  // A second process with batches of its own.
  Runtime other_runtime(2);
  pg::Pool other_pool(other_runtime, {.url = database_->url(), .name = "other", .max_connections = 4});
  {
    Service other(other_runtime, other_pool);
    std::mt19937 random(7);
    std::vector<Reserving> running;
    for (int i = 0; i < 300; ++i) {
      std::vector<int> products = {0, 1, 2, 3, 4, 5, 6, 7};
      std::ranges::shuffle(products, random);
      std::vector<ReserveLine> lines;
      for (int line = 0; line < 3; ++line) {
        lines.push_back({"p" + std::to_string(products[static_cast<std::size_t>(line)]), 1 + i % 2});
      }
      if (i % 2 == 0) {
        running.push_back(start_reserve(Uuid::v7(), std::move(lines)));
      } else {
        running.push_back(asio::co_spawn(
            other_runtime.executor(0),
            call_on(other, &Api::reserve, souk::testing::test_context(), reserve_request(Uuid::v7(), std::move(lines))),
            asio::use_future));
      }
    }
    for (auto& one : running) {
      const auto result = one.get();
      if (!result) EXPECT_EQ(result.error().code, "inventory.insufficient_stock");
    }
  }
  other_runtime.block_on(other_pool.close());
  EXPECT_EQ(sql("SELECT count(*) FROM inventory WHERE available_quantity < 0"), "0");
  expect_sound();
}

// Two processes, each with a batch of its own at the same moment, again and again: both want the last piece of
// something, and then all products.
TEST_F(InventoryReservations, ProcessesThatMeetNeitherDeadlockNorOversell) {
  constexpr int rounds = 5;
  Runtime other_runtime(1);
  pg::Pool other_pool(other_runtime, {.url = database_->url(), .name = "other", .max_connections = 2});
  std::vector<ReserveLine> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back({"p" + std::to_string(i), 1});
    open(all.back().product_id, 100);
  }
  for (int round = 0; round < rounds; ++round) open("last" + std::to_string(round), 1);
  {
    Service other(other_runtime, other_pool);
    const auto in_other = [&](std::vector<ReserveLine> lines) {
      return asio::co_spawn(
          other_runtime.executor(0),
          call_on(other, &Api::reserve, souk::testing::test_context(), reserve_request(Uuid::v7(), std::move(lines))),
          asio::use_future);
    };
    // Somebody holds one of the products, so that both are stopped in the middle.
    const auto meet = [&](const std::string& held, const std::vector<ReserveLine>& lines) {
      std::optional<Locked> locked(std::in_place, database_->url(), held);
      auto here = start_reserve(Uuid::v7(), lines);
      auto there = in_other(lines);
      const std::string waiting =
          "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
      for (int i = 0; i < 2000 && sql(waiting) != "2"; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      locked.reset();
      return (here.get() ? 1 : 0) + (there.get() ? 1 : 0);
    };
    for (int round = 0; round < rounds; ++round) {
      const auto last = "last" + std::to_string(round);
      EXPECT_EQ(meet(last, {{last, 1}}), 1) << "the last piece of round " << round;
      EXPECT_EQ(meet("p4", all), 2);
    }
  }
  other_runtime.block_on(other_pool.close());
  expect_sound();
  // A deadlock is repeated, so that nobody hears of it; the server has counted it once its connections are gone.
  sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'");
  EXPECT_EQ(sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
}

TEST_F(InventoryReservations, WhoWaitsTogetherIsExecutedTogether) {
  open("a", 100);
  std::vector<Reserving> running;
  {
    const Locked locked(database_->url(), "a");
    for (int i = 0; i < 40; ++i) running.push_back(start_reserve(Uuid::v7(), {{"a", 1}}));
    wait();
  }
  for (auto& one : running) EXPECT_TRUE(one.get());
  // The first one alone or with a few, the rest together.
  EXPECT_LE(std::stoi(sql("SELECT count(DISTINCT created_at) FROM stock_reservations")), 4);
  expect_sound();
}

TEST_F(InventoryReservations, APoisonedRequestFailsAlone) {
  open("a", 100);
  std::vector<Reserving> running;
  Reserving poisoned;
  {
    const Locked locked(database_->url(), "a");
    for (int i = 0; i < 30; ++i) {
      if (i == 17) poisoned = start_reserve(Uuid::v7(), {{"\xff", 1}});  // no text for PostgreSQL
      running.push_back(start_reserve(Uuid::v7(), {{"a", 1}}));
    }
    wait();
  }
  for (auto& one : running) EXPECT_TRUE(one.get());
  if (rpc::over_the_wire()) {
    EXPECT_FALSE(poisoned.get());  // JSON carries no such text
  } else {
    EXPECT_THROW(poisoned.get(), pg::Error);
  }
  EXPECT_EQ(stock("a").reserved_quantity, 30);
  expect_sound();
}

TEST_F(InventoryReservations, OneOrderReservedManyTimesAtOnceHoldsOnce) {
  open("a", 100);
  const auto order = Uuid::v7();
  Runtime other_runtime(1);
  pg::Pool other_pool(other_runtime, {.url = database_->url(), .name = "other", .max_connections = 4});
  {
    Service other(other_runtime, other_pool);
    std::vector<Reserving> running;
    for (int i = 0; i < 20; ++i) {
      running.push_back(start_reserve(order, {{"a", 2}}));
      running.push_back(asio::co_spawn(
          other_runtime.executor(0),
          call_on(other, &Api::reserve, souk::testing::test_context(), reserve_request(order, {{"a", 2}})),
          asio::use_future));
    }
    for (auto& one : running) EXPECT_TRUE(one.get());
  }
  other_runtime.block_on(other_pool.close());
  EXPECT_EQ(stock("a").reserved_quantity, 2);
  expect_sound();
}

TEST_F(InventoryReservations, AReleaseThatCrossesItsReserveLeavesNothingHeld) {
  open("a", 100);
  Runtime other_runtime(1);
  pg::Pool other_pool(other_runtime, {.url = database_->url(), .name = "other", .max_connections = 4});
  {
    Service other(other_runtime, other_pool);
    std::vector<Reserving> reserving;
    std::vector<std::future<Result<Done>>> releasing;
    for (int i = 0; i < 60; ++i) {
      const auto order = Uuid::v7();
      reserving.push_back(start_reserve(order, {{"a", 1}}));
      releasing.push_back(asio::co_spawn(other_runtime.executor(0),
                                         call_on(other, &Api::release, souk::testing::test_context(), OrderRef{order}),
                                         asio::use_future));
    }
    for (auto& one : reserving) {
      const auto result = one.get();
      if (!result) EXPECT_EQ(result.error().code, "inventory.reservation_closed");
    }
    for (auto& one : releasing) EXPECT_TRUE(one.get());
  }
  other_runtime.block_on(other_pool.close());
  EXPECT_EQ(stock("a").reserved_quantity, 0);
  expect_sound();
}

TEST_F(InventoryReservations, WhenTheAnswerToACommitIsLostItIsLookedUp) {
  open("a", 10);
  souk::testing::Gate gate(database_->url());
  connect(gate.url());
  // The answer to COMMIT is the next one after the failpoint.
  arm_failpoints("inventory.before_reserve_commit:delay(300)@1");
  std::vector<Reserving> running;
  running.push_back(start_reserve(Uuid::v7(), {{"a", 1}}));
  wait();
  gate.lose_next_reply();
  for (auto& one : running) EXPECT_TRUE(one.get());
  EXPECT_EQ(stock("a").reserved_quantity, 1);
  EXPECT_EQ(sql("SELECT count(*) FROM inventory_transactions WHERE transaction_type = 'reservation'"), "1");
  expect_sound();
}

TEST_F(InventoryReservations, WhenTheConnectionBreaksBeforeTheCommitNothingIsHalfDone) {
  open("a", 10);
  souk::testing::Gate gate(database_->url());
  connect(gate.url());
  const auto order = Uuid::v7();
  reserve(order, {{"a", 4}});
  arm_failpoints("inventory.before_complete_commit:delay(300)@1");
  auto completing = start(&Api::complete, OrderRef{order});
  wait();
  gate.cut();
  // It either is done by another attempt, or the caller is told that nothing was done.
  try {
    EXPECT_TRUE(completing.get());
  } catch (const Unavailable&) {
    EXPECT_EQ(stock("a").quantity, 10);
  }
  expect_sound();
  EXPECT_TRUE(complete(order));
  EXPECT_EQ(stock("a").quantity, 6);
  expect_sound();
}

TEST_F(InventoryReservations, WithoutTheDatabaseEverybodyIsToldSoAtOnce) {
  open("a", 10);
  souk::testing::Gate gate(database_->url());
  connect(gate.url());
  gate.shut();
  EXPECT_THROW(reserve(Uuid::v7(), {{"a", 1}}), Unavailable);
  gate.open();
  std::this_thread::sleep_for(std::chrono::seconds(1));  // the pool waits a little before it tries again
  EXPECT_TRUE(reserve(Uuid::v7(), {{"a", 1}}));
}

TEST_F(InventoryReservations, ASweeperAndAPaymentAtTheLastMomentDoNotBothWin) {
  open("a", 50);
  std::vector<Uuid> orders(50);
  for (auto& order : orders) {
    order = Uuid::v7();
    reserve(order, {{"a", 1}});
  }
  sql("UPDATE stock_reservations SET expires_at = LOCALTIMESTAMP - INTERVAL '1 second'");
  std::vector<Reserving> running;
  auto sweeping = asio::co_spawn(runtime_.executor(1), sweep_on(*service_), asio::use_future);
  for (const auto& order : orders) running.push_back(start(&Api::complete, OrderRef{order}));
  for (auto& one : running) EXPECT_TRUE(one.get());
  sweeping.get();
  EXPECT_EQ(stock("a").quantity, 0);
  EXPECT_EQ(stock("a").reserved_quantity, 0);
  expect_sound();
}

// A process that dies leaves what a failpoint's exception leaves.
TEST_F(InventoryReservations, WhereverItBreaksARepetitionDoesItOnce) {
  open("a", 1000);
  struct Step {
    std::string name;
    std::function<bool(Uuid)> perform;
  };
  const Step steps[] = {
      {"reserve", [&](Uuid order) { return reserve(order, {{"a", 2}}).has_value(); }},
      {"extend", [&](Uuid order) { return call(&Api::extend, ExtendReservation{order}).has_value(); }},
      {"complete", [&](Uuid order) { return complete(order).has_value(); }},
      {"release", [&](Uuid order) { return release(order).has_value(); }},
      {"close", [&](Uuid) { return release(closing_).has_value(); }},
      {"expire",
       [&](Uuid order) {
         let_lapse(order);
         sweep();
         return call(&Api::get_reservation, OrderRef{order})->status == ReservationStatus::expired;
       }},
      {"movement",
       [&](Uuid order) { return call(&Api::restock, StockMovement{"a", 2, order.to_string(), {}, {}}).has_value(); }},
      {"return",
       [&](Uuid order) { return call(&Api::return_stock, ReturnStock{order, {{"a", 2}}, "cancel"}).has_value(); }},
  };
  for (const auto& step : steps) {
    for (const auto* when : {"before", "after"}) {
      const auto place = "inventory." + std::string(when) + "_" + step.name + "_commit";
      SCOPED_TRACE(place);
      const auto order = Uuid::v7();
      closing_ = Uuid::v7();
      if (step.name != "reserve") reserve(order, {{"a", 2}});
      arm_failpoints(place + ":error@1");
      EXPECT_THROW(step.perform(order), std::runtime_error);
      EXPECT_TRUE(step.perform(order));
      expect_sound();
    }
  }
}

TEST_F(InventoryReservations, TheSweeperWorksInTheBackgroundUntilItIsStopped) {
  open("a", 5);
  const auto order = Uuid::v7();
  reserve(order, {{"a", 2}});
  let_lapse(order);
  TaskGroup group(runtime_.executor(0));
  service_->start(group);
  for (int i = 0; i < 100 && stock("a").reserved_quantity > 0; ++i) wait();
  EXPECT_EQ(stock("a").reserved_quantity, 0);
  runtime_.block_on(stop(group));
  expect_sound();
}

TEST_F(InventoryReservations, WhoseTimeIsOverIsNotServed) {
  open("a", 10);
  const Context late("late", "", Caller{}, Clock::now() - std::chrono::seconds(1));
  EXPECT_THROW(runtime_.block_on(call_on(*service_, &Api::reserve, late, reserve_request(Uuid::v7(), {{"a", 1}}))),
               Unavailable);
  EXPECT_EQ(stock("a").reserved_quantity, 0);
}

}  // namespace
}  // namespace souk::inventory
