#include "turns.hpp"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <future>

#include "core/runtime.hpp"

namespace souk::cart {
namespace {

using std::chrono::milliseconds;

Task<> pause(Duration duration) {
  Timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(use_task);
}

// Returns whether it had the turn; holds it for a while.
Task<bool> work(Turns& turns, std::string name, Deadline deadline, Duration held, std::vector<int>& order, int number) {
  const auto turn = co_await turns.take(std::move(name), deadline);
  if (!turn) co_return false;
  order.push_back(number);
  co_await pause(held);
  order.push_back(number);
  co_return true;
}

TEST(CartTurns, WritersOfOneCartGoInTheOrderInWhichTheyCame) {
  Runtime runtime(1);
  Turns turns(1);
  std::vector<int> order;
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(asio::co_spawn(runtime.executor(0),
                                 work(turns, "cart", Clock::now() + std::chrono::seconds(5), milliseconds(2), order, i),
                                 asio::use_future));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(order, (std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}));
}

TEST(CartTurns, WhoCannotWaitAnyLongerLeavesTheOthersTheirTurns) {
  Runtime runtime(1);
  Turns turns(1);
  std::vector<int> order;
  const auto spawn = [&](Duration patience, int number) {
    return asio::co_spawn(runtime.executor(0),
                          work(turns, "cart", Clock::now() + patience, milliseconds(100), order, number),
                          asio::use_future);
  };
  auto first = spawn(std::chrono::seconds(5), 1);
  auto impatient = spawn(milliseconds(10), 2);
  auto last = spawn(std::chrono::seconds(5), 3);
  EXPECT_TRUE(first.get());
  EXPECT_FALSE(impatient.get());
  EXPECT_TRUE(last.get());
  EXPECT_EQ(order, (std::vector<int>{1, 1, 3, 3}));
}

}  // namespace
}  // namespace souk::cart
