#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <numeric>

#include "core/batcher.hpp"
#include "core/blocking_pool.hpp"
#include "core/failpoint.hpp"
#include "core/runtime.hpp"
#include "core/task_group.hpp"

namespace souk {
namespace {

Task<int> answer(int value) { co_return value; }

Task<std::size_t> worker_of() { co_return this_worker(); }

TEST(Runtime, RunsATaskOnTheWorkerAskedFor) {
  Runtime runtime(2);
  EXPECT_EQ(runtime.block_on(answer(42)), 42);
  EXPECT_EQ(runtime.block_on(worker_of(), 0), 0u);
  EXPECT_EQ(runtime.block_on(worker_of(), 1), 1u);
  EXPECT_FALSE(on_worker());
  EXPECT_THROW(this_worker(), std::logic_error);
}

Task<> sleep_until_stopped(TaskGroup& group, std::atomic<int>& rounds) {
  while (co_await group.sleep(std::chrono::hours(1))) ++rounds;
}

Task<> drain(TaskGroup& group) {
  group.stop();
  co_await group.drain();
}

TEST(TaskGroup, StopEndsItsSleepersAndDrainWaitsForThem) {
  Runtime runtime(1);
  TaskGroup group(runtime.executor(0));
  std::atomic<int> rounds = 0;
  for (int i = 0; i < 10; ++i) group.spawn("sleeper", sleep_until_stopped(group, rounds));
  runtime.block_on(drain(group));
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(rounds, 0);
}

Task<> fail() {
  throw std::runtime_error("on purpose");
  co_return;
}

TEST(TaskGroup, AFailedTaskDoesNotEndTheOthers) {
  Runtime runtime(1);
  TaskGroup group(runtime.executor(0));
  std::atomic<int> rounds = 0;
  group.spawn("failing", fail());
  group.spawn("sleeper", sleep_until_stopped(group, rounds));
  runtime.block_on(drain(group));
  EXPECT_EQ(group.size(), 0u);
}

Task<int> run_blocking(BlockingPool& pool) {
  const auto home = this_worker();
  const auto elsewhere = co_await pool.run([] { return !on_worker(); });
  EXPECT_TRUE(elsewhere);
  EXPECT_EQ(this_worker(), home);
  co_return co_await pool.run([]() -> int { throw std::runtime_error("on purpose"); });
}

TEST(BlockingPool, ResumesTheCallerOnItsWorkerWithTheResultOrTheException) {
  Runtime runtime(2);
  BlockingPool pool(1, 10);
  EXPECT_THROW(runtime.block_on(run_blocking(pool), 1), std::runtime_error);
}

// Doubles numbers, and remembers the sizes of the batches it saw.
struct Doubler {
  std::vector<std::size_t> sizes;

  Task<std::vector<int>> operator()(std::vector<int> numbers) {
    sizes.push_back(numbers.size());
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(2));
    co_await timer.async_wait(use_task);
    for (auto& number : numbers) {
      if (number == 13) throw std::runtime_error("a guilty request");
      number *= 2;
    }
    co_return numbers;
  }
};

Task<> submit_one(Batcher<int, int>& batcher, int number, std::atomic<int>& wrong, std::atomic<int>& failed) {
  try {
    if (co_await batcher.submit(number) != number * 2) ++wrong;
  } catch (const std::runtime_error&) {
    ++failed;
  }
}

struct BatcherRun {
  int wrong;
  int failed;
  Doubler doubler;
};

BatcherRun submit_all(std::vector<int> numbers, std::size_t max_batch) {
  Runtime runtime(2);
  Doubler doubler;
  std::atomic<int> wrong = 0;
  std::atomic<int> failed = 0;
  Batcher<int, int> batcher(runtime.executor(0), {.max_batch = max_batch},
                            [&doubler](std::vector<int> batch) { return doubler(std::move(batch)); });
  TaskGroup groups[] = {TaskGroup(runtime.executor(0)), TaskGroup(runtime.executor(1))};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    groups[i % 2].spawn("submit", submit_one(batcher, numbers[i], wrong, failed));
  }
  runtime.block_on(groups[0].drain(), 0);
  runtime.block_on(groups[1].drain(), 1);
  return {wrong, failed, doubler};
}

TEST(Batcher, RequestsThatWaitTogetherAreExecutedTogetherAndEachGetsItsOwnReply) {
  std::vector<int> numbers(500);
  std::iota(numbers.begin(), numbers.end(), 100);
  const auto run = submit_all(numbers, 64);
  EXPECT_EQ(run.wrong, 0);
  EXPECT_EQ(run.failed, 0);
  EXPECT_EQ(std::accumulate(run.doubler.sizes.begin(), run.doubler.sizes.end(), std::size_t{0}), 500u);
  EXPECT_LT(run.doubler.sizes.size(), 250u);
  for (const auto size : run.doubler.sizes) EXPECT_LE(size, 64u);
}

TEST(Batcher, AnExceptionReachesEveryRequestOfItsBatchAndNoOther) {
  const auto run = submit_all({1, 2, 3, 13, 4, 5}, 1);
  EXPECT_EQ(run.failed, 1);
  EXPECT_EQ(run.wrong, 0);
}

Task<int> pass_failpoint() {
  SOUK_FAILPOINT("unittest.here");
  co_return 1;
}

TEST(Failpoint, BreaksOnlyWhereAndWhenItIsTold) {
  Runtime runtime(1);
  EXPECT_EQ(runtime.block_on(pass_failpoint()), 1);
  arm_failpoints("unittest.elsewhere:kill,unittest.here:error@2");
  EXPECT_EQ(runtime.block_on(pass_failpoint()), 1);
  EXPECT_THROW(runtime.block_on(pass_failpoint()), FailpointError);
  EXPECT_EQ(runtime.block_on(pass_failpoint()), 1);
}

TEST(Failpoint, AWrongSpecificationIsToldInASentence) {
  for (const auto* text : {"name", "name:explode", "name:delay(x)", "name:kill@x"}) {
    EXPECT_THROW(arm_failpoints(text), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace souk
