#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <future>

#include "core/runtime.hpp"
#include "gateway/admission.hpp"
#include "gateway/load.hpp"

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using http::Priority;

// Time is what the test says it is.
class SheddingTest : public testing::Test {
 protected:
  void run(int intervals, Duration delay) {
    for (int i = 0; i < intervals * 10; ++i) {
      time += 10ms;
      shedding.note(delay, time);
    }
  }
  std::uint32_t normal() const { return shedding.share(Priority::normal); }
  std::uint32_t checkout() const { return shedding.share(Priority::checkout); }

  Shedding shedding{{.target = 50ms, .interval = 100ms, .checkout_factor = 4}};
  Deadline time{1h};
};

TEST_F(SheddingTest, ABurstIsNoReason) {
  for (int i = 0; i < 100; ++i) {
    time += 10ms;
    shedding.note(i % 5 == 0 ? 1ms : 500ms, time);  // it comes to its end within every interval
    EXPECT_EQ(normal(), 0U);
  }
}

TEST_F(SheddingTest, AWorkerThatWasStoppedIsNoReason) {
  for (int i = 0; i < 20; ++i) {
    shedding.note(i % 3 == 2 ? 1ms : 700ms, time);
    time += 700ms;
    EXPECT_EQ(normal(), 0U);
  }
}

TEST_F(SheddingTest, ADelayThatStaysTurnsBrowsingAwayAndLeavesCheckoutsAlone) {
  run(2, 100ms);
  const auto first = normal();
  EXPECT_GT(first, 0U);
  run(3, 100ms);
  EXPECT_GT(normal(), first);
  run(50, 100ms);
  EXPECT_GT(normal(), 200U);
  EXPECT_LT(normal(), 256U) << "some are let in, or nobody sees that it is over";
  EXPECT_EQ(checkout(), 0U);
}

TEST_F(SheddingTest, CheckoutsAreTurnedAwayLast) {
  run(5, 300ms);
  EXPECT_GT(checkout(), 0U);
}

TEST_F(SheddingTest, AllAreLetInAgainSoonAfterIt) {
  run(50, 1s);
  run(20, 1ms);  // two seconds
  EXPECT_EQ(normal(), 0U);
  EXPECT_EQ(checkout(), 0U);
}

class AdmissionTest : public testing::Test {
 protected:
  using Ticket = std::optional<Admission::Ticket>;

  static Admission::Limits limits(std::int64_t running, std::int64_t waiting, Duration wait = 1h) {
    return {.normal = {running, waiting},
            .checkout = {1, 0},
            .burst_wait = wait,
            .standing_wait = wait,
            .standing_after = 1h};
  }
  std::future<Ticket> enter(Admission& admission, Priority priority = Priority::normal) {
    auto promise = std::make_shared<std::promise<Ticket>>();
    auto future = promise->get_future();
    asio::co_spawn(runtime.executor(0), admission.enter(priority),
                   [promise](std::exception_ptr, Ticket ticket) { promise->set_value(std::move(ticket)); });
    settle();
    return future;
  }
  // Returns when the worker has done what was posted to it.
  void settle() {
    runtime.block_on([]() -> Task<> { co_return; }());
  }
  static bool done(std::future<Ticket>& future) { return future.wait_for(0s) == std::future_status::ready; }

  Runtime runtime{1};
};

TEST_F(AdmissionTest, PlacesAreGivenInTheOrderOfComing) {
  Admission admission(limits(1, 2));
  auto first = admission.try_enter(Priority::normal);
  ASSERT_TRUE(first);
  EXPECT_FALSE(admission.try_enter(Priority::normal));
  auto second = enter(admission);
  auto third = enter(admission);
  EXPECT_FALSE(done(second));
  first.reset();
  auto ticket = second.get();
  EXPECT_TRUE(ticket);
  settle();
  EXPECT_FALSE(done(third));
  ticket.reset();
  EXPECT_TRUE(third.get());
  EXPECT_TRUE(admission.try_enter(Priority::normal));
}

TEST_F(AdmissionTest, AFullQueueRefusesAtOnceAndLeavesTheOtherClassAlone) {
  Admission admission(limits(1, 1));
  auto first = admission.try_enter(Priority::normal);
  EXPECT_FALSE(admission.full(Priority::normal));
  auto second = enter(admission);
  EXPECT_TRUE(admission.full(Priority::normal));
  EXPECT_FALSE(enter(admission).get());
  EXPECT_FALSE(admission.full(Priority::checkout));
  EXPECT_TRUE(admission.try_enter(Priority::checkout));
  first.reset();
  EXPECT_TRUE(second.get());
}

TEST_F(AdmissionTest, NobodyOvertakesWhoWaits) {
  Admission admission(limits(1, 1));
  auto first = admission.try_enter(Priority::normal);
  auto second = enter(admission);
  first.reset();
  auto ticket = second.get();
  EXPECT_FALSE(admission.try_enter(Priority::normal));
}

TEST_F(AdmissionTest, WhoWaitsTooLongIsRefusedAndLeavesTheQueue) {
  Admission admission(limits(1, 1, 1ms));
  auto first = admission.try_enter(Priority::normal);
  EXPECT_FALSE(enter(admission).get());
  EXPECT_FALSE(admission.full(Priority::normal));
  first.reset();
  EXPECT_TRUE(admission.try_enter(Priority::normal));
}

// Many workers at once: no more than the limit run, and no place is lost.
TEST_F(AdmissionTest, NoPlaceIsLostAmongWorkers) {
  Runtime workers(3);
  Admission admission(limits(2, 1000));
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> served = 0;
  const auto customer = [](Admission& to, std::atomic<int>& now, std::atomic<int>& peak,
                           std::atomic<int>& total) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      const auto ticket = co_await to.enter(Priority::normal);
      if (!ticket) continue;
      const auto seen = now.fetch_add(1) + 1;
      auto before = peak.load();
      while (before < seen && !peak.compare_exchange_weak(before, seen)) {
      }
      co_await asio::post(co_await asio::this_coro::executor, use_task);
      now.fetch_sub(1);
      total.fetch_add(1);
    }
  };
  std::vector<std::future<void>> customers;
  for (std::size_t i = 0; i < 12; ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    customers.push_back(promise->get_future());
    asio::co_spawn(workers.executor(i % 3), customer(admission, running, most, served),
                   [promise](std::exception_ptr) { promise->set_value(); });
  }
  for (auto& each : customers) each.get();
  EXPECT_EQ(served, 12 * 200);
  EXPECT_LE(most, 2);
  EXPECT_TRUE(admission.try_enter(Priority::normal));
}

// A worker that is busy for long is seen to be late.
TEST(LoadMonitor, SeesABusyWorkerAndAFreeOne) {
  Runtime runtime(1);
  LoadMonitor monitor(runtime, {.target = 1ms, .interval = 10ms});
  const auto ask = [](LoadMonitor& of) -> Task<int> {
    int shed = 0;
    for (int i = 0; i < 256; ++i) shed += of.sheds(Priority::normal) ? 1 : 0;
    co_return shed;
  };
  EXPECT_EQ(runtime.block_on(ask(monitor)), 0);
  const auto busy = []() -> Task<> {
    const auto until = Clock::now() + 30ms;
    while (Clock::now() < until) {
    }
    co_return;
  };
  int shed = 0;
  for (int i = 0; i < 100 && shed == 0; ++i) {
    runtime.block_on(busy());
    shed = runtime.block_on(ask(monitor));
  }
  EXPECT_GT(shed, 0);
}

}  // namespace
}  // namespace souk::gateway
