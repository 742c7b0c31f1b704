#include "events/consumer.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "events/outbox.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::events {
namespace {

using namespace std::chrono_literals;

struct Happened {
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(Happened, (), (number))

constexpr pg::Statement apply{"test.apply", "INSERT INTO effects (number) VALUES ($1)"};

// One database plays the source's and the consumer's.
class ConsumerTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const pg::MigrationSet sets[] = {{"events", migrations::embedded_files()}};
    database.emplace(sets);
    database->sql("CREATE TABLE effects (number int primary key)");
    pool.emplace(runtime, pg::PoolOptions{.url = database->url(), .name = "consumer_test"});
    outbox.emplace(*pool);
    group.emplace(runtime.executor(0));
  }
  void TearDown() override {
    if (!pool) return;
    stop();
    run(pool->close());
  }
  void stop() {
    group->stop();
    run(group->drain());
  }

  void start() {
    run_consumer(*group,
                 {.name = "test.consumer",
                  .source = [this](Context context, ReadEvents request) { return source(context, request); },
                  .handle = [this](Context context, const EventPage& page) { return handle(context, page); },
                  .load_cursor = [this](Context context) { return load_cursor(*pool, context, "test.consumer"); }});
  }
  Task<Result<EventPage>> source(Context context, ReadEvents request) {
    ++reads;
    if (refusals > 0) {
      --refusals;
      co_return refuse(ErrorKind::unavailable, "source.gone", "The source is gone.");
    }
    request.limit = 2;
    co_return co_await outbox->read(context, request);
  }
  Task<> handle(Context context, const EventPage& page) {
    resets += page.reset ? 1 : 0;
    if (failures_before > 0 && failures_before--) throw std::runtime_error("cannot handle this page yet");
    auto tx = co_await pool->begin(context);
    for (const auto& event : page.events) {
      co_await tx.query(apply, json::read_trusted<Happened>(event.payload.text).number);
    }
    co_await store_cursor(tx, "test.consumer", page);
    co_await tx.commit();
    if (failures_after > 0 && failures_after--) throw pg::UnknownOutcome("the answer to COMMIT was lost");
  }
  static Task<> append(pg::Pool& pool, Outbox& outbox, int number) {
    auto tx = co_await pool.begin(testing::test_context());
    co_await outbox.append(tx, "happened", "key", Happened{number});
    co_await tx.commit();
    outbox.committed();
  }
  void write(int from, int to) {
    for (int i = from; i <= to; ++i) run(append(*pool, *outbox, i), 1);
  }
  bool effects_become(const std::string& count) {
    for (int i = 0; i < 500; ++i) {
      if (database->sql("SELECT count(*) FROM effects") == count) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  std::optional<testing::TestDatabase> database;
  std::optional<pg::Pool> pool;
  std::optional<Outbox> outbox;
  std::optional<TaskGroup> group;
  std::atomic<int> refusals = 0;
  std::atomic<int> failures_before = 0;
  std::atomic<int> failures_after = 0;
  std::atomic<int> resets = 0;
  std::atomic<int> reads = 0;
};

TEST_F(ConsumerTest, HandlesEveryEventOnceAndGoesOnWhereItStopped) {
  write(1, 5);
  start();
  EXPECT_TRUE(effects_become("5"));
  write(6, 7);
  EXPECT_TRUE(effects_become("7"));
  stop();
  write(8, 9);
  group.emplace(runtime.executor(1));
  start();
  EXPECT_TRUE(effects_become("9"));
  group->stop();
  run(group->drain(), 1);
  EXPECT_EQ(resets, 0);
}

TEST_F(ConsumerTest, AFailedPageComesAgain) {
  failures_before = 2;
  write(1, 3);
  start();
  EXPECT_TRUE(effects_become("3"));
}

// The effect was committed though the answer was lost: were the page handled again, the primary key would refuse.
TEST_F(ConsumerTest, AnUnknownOutcomeIsNotAppliedTwice) {
  failures_after = 1;
  write(1, 3);
  start();
  EXPECT_TRUE(effects_become("3"));
}

TEST_F(ConsumerTest, ASourceThatIsGoneIsAskedAgainWithPauses) {
  refusals = 3;
  write(1, 1);
  start();
  EXPECT_TRUE(effects_become("1"));
  EXPECT_LT(reads, 20);
}

TEST_F(ConsumerTest, TwoOfTheSameNameDoNotApplyAnEventTwice) {
  start();
  start();
  write(1, 20);
  EXPECT_TRUE(effects_become("20"));
}

TEST_F(ConsumerTest, StopsWithinASecondWhileItWaits) {
  start();
  std::this_thread::sleep_for(50ms);
  const auto began = Clock::now();
  stop();
  EXPECT_LT(Clock::now() - began, 1s);
}

TEST_F(ConsumerTest, IsToldThatTheFeedBeganAnew) {
  write(1, 2);
  start();
  EXPECT_TRUE(effects_become("2"));
  database->sql("TRUNCATE effects");
  database->sql("UPDATE event_feed SET epoch = gen_random_uuid()");
  EXPECT_TRUE(effects_become("2"));
  EXPECT_EQ(resets, 1);
}

}  // namespace
}  // namespace souk::events
