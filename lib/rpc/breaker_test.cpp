#include "rpc/breaker.hpp"

#include <gtest/gtest.h>

namespace souk::rpc {
namespace {

using namespace std::chrono_literals;

// All times are the test's own: a breaker has no clock.
const Deadline start{1h};

TEST(RpcBreaker, OpensAfterFailuresInARowOnly) {
  Breaker breaker({.failures = 3});
  for (int i = 0; i < 2; ++i) breaker.failed(start);
  breaker.succeeded();
  for (int i = 0; i < 2; ++i) breaker.failed(start);
  EXPECT_TRUE(breaker.enter(start));
  breaker.failed(start);
  EXPECT_TRUE(breaker.is_open());
  EXPECT_FALSE(breaker.enter(start + 249ms));
}

TEST(RpcBreaker, LetsOneCallTryAfterThePauseAndClosesWhenItSucceeds) {
  Breaker breaker({.failures = 1, .first_pause = 1s});
  breaker.failed(start);
  EXPECT_TRUE(breaker.enter(start + 1s));
  EXPECT_FALSE(breaker.enter(start + 1s));
  breaker.succeeded();
  EXPECT_FALSE(breaker.is_open());
  EXPECT_TRUE(breaker.enter(start + 1s));
}

TEST(RpcBreaker, WaitsTwiceAsLongAfterEachFailedTryUpToALimit) {
  Breaker breaker({.failures = 1, .first_pause = 1s, .longest_pause = 3s});
  breaker.failed(start);
  auto now = start;
  for (const auto pause : {1s, 2s, 3s, 3s}) {
    EXPECT_FALSE(breaker.enter(now + pause - 1ms));
    now += pause;
    ASSERT_TRUE(breaker.enter(now));
    breaker.failed(now);
  }
}

TEST(RpcBreaker, CallsThatWereUnderWayWhenItOpenedDoNotMakeItWaitLonger) {
  Breaker breaker({.failures = 1, .first_pause = 1s});
  for (int i = 0; i < 10; ++i) breaker.failed(start);
  EXPECT_TRUE(breaker.enter(start + 1s));
}

TEST(RpcBreaker, ATryThatNeverComesBackGivesTheNextItsTurn) {
  Breaker breaker({.failures = 1, .first_pause = 1s});
  breaker.failed(start);
  EXPECT_TRUE(breaker.enter(start + 1s));
  EXPECT_FALSE(breaker.enter(start + 1500ms));
  EXPECT_TRUE(breaker.enter(start + 2s));
}

}  // namespace
}  // namespace souk::rpc
