// What callers see when the database, or the way to it, breaks.

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <future>

#include "core/task_group.hpp"
#include "postgres/pool.hpp"
#include "postgres/url.hpp"
#include "testing/engines.hpp"
#include "testing/gate.hpp"
#include "testing/run.hpp"

namespace souk::pg {
namespace {

using namespace std::chrono_literals;

constexpr Statement insert_item{"test.insert", "INSERT INTO items (id) VALUES ($1)"};
constexpr Statement insert_slowly{"test.insert_slowly",
                                  "INSERT INTO items (id) SELECT $1::int FROM (SELECT pg_sleep($2::float8)) t"};
constexpr Statement read_items{"test.read", "SELECT id FROM items"};
constexpr Statement read_slowly{"test.read_slowly", "SELECT pg_sleep($1::float8)"};
constexpr Statement read_pid{"test.pid", "SELECT pg_backend_pid()"};

constexpr EmbeddedFile files[] = {{"0001_items.sql", "CREATE TABLE items (id INT PRIMARY KEY);"}};
constexpr MigrationSet sets[] = {{"test", files}};

class FailureTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(sets);
    gate.emplace(database->url());
    pool.emplace(runtime, PoolOptions{.url = gate->url(), .name = "failure_test", .max_connections = 4});
    run(pool->ping(testing::test_context()));
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }

  static Context limited(Duration limit) { return testing::test_context().limited(limit); }
  template <class... Args>
  Rows query(const Statement& statement, const Args&... args) {
    return run(pool->query(testing::test_context(), statement, args...));
  }
  std::string count() { return database->sql("SELECT count(*) FROM items"); }
  // Ends the backends of the pool, once one of them runs something.
  void terminate_busy_backend() {
    for (int i = 0; i < 500; ++i) {
      if (database->sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'souk' "
                        "AND datname = current_database() AND wait_event = 'PgSleep'") != "0") {
        return;
      }
      std::this_thread::sleep_for(2ms);
    }
    ADD_FAILURE() << "no backend was busy";
  }
  // Calls `function` with the future of the task under way.
  template <class T, class Function>
  T run_while(Task<T> task, Function function) {
    auto future = std::async(std::launch::async, [&] { return run(std::move(task)); });
    function();
    return future.get();
  }

  std::optional<testing::TestDatabase> database;
  std::optional<testing::Gate> gate;
  std::optional<Pool> pool;
};

Task<> insert_and_commit(Pool& pool, Context context, int id) {
  auto tx = co_await pool.begin(context);
  co_await tx.query(insert_item, id);
  co_await tx.commit();
}

// Stops between the insert and the commit for `meanwhile`, which another thread may use.
Task<> insert_pause_commit(Pool& pool, Context context, int id, std::function<void()> meanwhile) {
  auto tx = co_await pool.begin(context);
  co_await tx.query(insert_item, id);
  meanwhile();
  co_await tx.commit();
}

Task<> insert_sleep(Pool& pool, Context context) {
  auto tx = co_await pool.begin(context);
  co_await tx.query(insert_item, 1);
  co_await tx.query(read_slowly, 5.0);
  co_await tx.commit();
}

TEST_F(FailureTest, ATerminatedBackendInATransactionIsUnavailableAndNothingHappened) {
  EXPECT_THROW(run_while(insert_sleep(*pool, testing::test_context()), [&] { terminate_busy_backend(); }), Unavailable);
  EXPECT_EQ(count(), "0");
  run(insert_and_commit(*pool, testing::test_context(), 1));
  EXPECT_EQ(count(), "1");
}

TEST_F(FailureTest, ATerminatedBackendInASingleWriteIsAnUnknownOutcome) {
  EXPECT_THROW(
      run_while(pool->query(testing::test_context(), insert_slowly, 1, 5.0), [&] { terminate_busy_backend(); }),
      UnknownOutcome);
  query(insert_item, 1);
}

TEST_F(FailureTest, ATerminatedBackendInASingleReadIsUnavailable) {
  EXPECT_THROW(run_while(pool->query(testing::test_context(), read_slowly, 5.0), [&] { terminate_busy_backend(); }),
               Unavailable);
  query(read_items);
}

TEST_F(FailureTest, ABackendTerminatedWhileIdleIsReplacedUnnoticed) {
  const auto before = query(read_pid).front().get<int>(0);
  database->sql("SELECT pg_terminate_backend(" + std::to_string(before) + ")");
  std::this_thread::sleep_for(50ms);
  EXPECT_NE(query(read_pid).front().get<int>(0), before);
  gate->cut();
  query(insert_item, 1);
  EXPECT_EQ(count(), "1");
}

TEST_F(FailureTest, AConnectionCutAfterCommitReachedTheServerIsAnUnknownOutcomeThatHappened) {
  auto lose = [&] { gate->lose_next_reply(); };
  EXPECT_THROW(run(insert_pause_commit(*pool, testing::test_context(), 1, lose)), UnknownOutcome);
  EXPECT_EQ(count(), "1");
  EXPECT_EQ(query(read_items).size(), 1U);
}

TEST_F(FailureTest, AConnectionCutBeforeCommitReachedTheServerIsAnUnknownOutcomeThatDidNotHappen) {
  auto lose = [&] { gate->lose_next_request(); };
  EXPECT_THROW(run(insert_pause_commit(*pool, testing::test_context(), 1, lose)), UnknownOutcome);
  EXPECT_EQ(query(read_items).size(), 0U);
}

TEST_F(FailureTest, ASingleWriteWhoseReplyIsLostIsAnUnknownOutcome) {
  query(insert_item, 1);
  gate->lose_next_reply();
  EXPECT_THROW(query(insert_item, 2), UnknownOutcome);
  query(read_items);  // on a new connection
  gate->lose_next_request();
  EXPECT_THROW(query(insert_item, 3), UnknownOutcome);
  EXPECT_EQ(count(), "2");
}

TEST_F(FailureTest, ASingleReadWhoseReplyIsLostIsUnavailable) {
  gate->lose_next_reply();
  EXPECT_THROW(query(read_items), Unavailable);
  query(read_items);
}

Task<> insert_cut_insert(Pool& pool, testing::Gate& gate) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1);
  gate.lose_next_reply();
  co_await tx.query(insert_item, 2);
  co_await tx.commit();
}

TEST_F(FailureTest, ACutInATransactionIsUnavailable) {
  EXPECT_THROW(run(insert_cut_insert(*pool, *gate)), Unavailable);
  EXPECT_EQ(count(), "0");
}

TEST_F(FailureTest, TheDeadlineEndsAStatementAndItsConnection) {
  const auto began = Clock::now();
  EXPECT_THROW(run(pool->query(limited(150ms), read_slowly, 5.0)), Unavailable);
  EXPECT_LT(Clock::now() - began, 1s);
  EXPECT_THROW(run(pool->query(limited(150ms), insert_slowly, 1, 5.0)), UnknownOutcome);
  EXPECT_THROW(run(insert_sleep(*pool, limited(150ms))), Unavailable);
  query(read_items);
}

TEST_F(FailureTest, TheDeadlineEndsACommitWithAnUnknownOutcome) {
  auto freeze = [&] { gate->freeze(); };
  EXPECT_THROW(run(insert_pause_commit(*pool, limited(150ms), 1, freeze)), UnknownOutcome);
  gate->open();
  query(read_items);
}

TEST_F(FailureTest, WithoutTimeLeftNothingIsSent) {
  const Context late("late", "", Caller{}, Clock::now() - 1s);
  EXPECT_THROW(run(pool->query(late, insert_item, 1)), Unavailable);
  auto wait = [] { std::this_thread::sleep_for(150ms); };
  EXPECT_THROW(run(insert_pause_commit(*pool, limited(100ms), 1, wait)), Unavailable);
  EXPECT_EQ(query(read_items).size(), 0U);
  EXPECT_EQ(count(), "0");
}

TEST_F(FailureTest, AStatementThatTakesTooLongForTheServerIsUnavailableAndTheConnectionGoesOn) {
  database->sql(
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 100', current_database()); END $$");
  gate->cut();
  const auto pid = query(read_pid).front().get<int>(0);
  try {
    query(read_slowly, 5.0);
    FAIL() << "not cancelled";
  } catch (const ServerBusy& busy) {
    EXPECT_EQ(busy.sqlstate(), "57014");
  }
  EXPECT_EQ(query(read_pid).front().get<int>(0), pid);
  EXPECT_THROW(run(insert_sleep(*pool, testing::test_context())), Unavailable);
  EXPECT_EQ(count(), "0");
}

TEST_F(FailureTest, AServerThatTakesNoWritesIsUnavailableAndLookedForAnew) {
  const Statement demote{"test.demote", "SET default_transaction_read_only = on"};
  const auto pid = query(read_pid).front().get<int>(0);
  query(demote);
  EXPECT_THROW(query(insert_item, 1), Unavailable);
  EXPECT_NE(query(read_pid).front().get<int>(0), pid);
  query(insert_item, 1);
}

TEST_F(FailureTest, AServerThatDoesNotAnswerNewConnectionsIsUnavailableInTime) {
  gate->cut();
  gate->freeze();
  const auto began = Clock::now();
  EXPECT_THROW(run(pool->query(limited(200ms), read_items)), Unavailable);
  EXPECT_LT(Clock::now() - began, 1s);
  gate->open();
  query(read_items);
}

TEST_F(FailureTest, ADeadDatabaseIsNotAskedAllTheTimeAndIsUsedAgainSoonAfterItIsBack) {
  gate->shut();
  const int before = gate->accepted();
  const auto began = Clock::now();
  int refused = 0;
  while (Clock::now() - began < 600ms) {
    try {
      query(read_items);
    } catch (const Unavailable&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);                   // nobody waited
  EXPECT_LT(gate->accepted() - before, 15);  // 20, 40, 80, … ms apart
  gate->open();
  const auto opened = Clock::now();
  for (bool back = false; !back && Clock::now() - opened < 5s;) {
    try {
      query(read_items);
      back = true;
    } catch (const Unavailable&) {
      std::this_thread::sleep_for(5ms);
    }
  }
  EXPECT_LT(Clock::now() - opened, 1s);
}

TEST_F(FailureTest, AnUnknownDatabaseOrHostIsUnavailable) {
  for (const char* url : {"postgresql://nobody@/none?host=/nonexistent", "postgresql://nobody@127.0.0.1:1/none",
                          "postgresql://nobody@name.invalid/none"}) {
    Pool other(runtime, PoolOptions{.url = url, .name = "none"});
    EXPECT_THROW(run(other.ping(testing::test_context())), Unavailable) << url;
    run(other.close());
  }
}

TEST_F(FailureTest, AHostMayBeANameWithSeveralAddresses) {
  auto keywords = parse_url(database->url());
  // Where the server listens on a socket only, the refusal must at least name the address that the name stands for.
  keywords["host"] = "localhost";
  Pool other(runtime, PoolOptions{.url = make_url(keywords), .name = "by_name"});
  try {
    run(other.ping(testing::test_context()));
  } catch (const Unavailable& failure) {
    EXPECT_NE(std::string(failure.what()).find("127.0.0.1"), std::string::npos) << failure.what();
  }
  run(other.close());
}

TEST_F(FailureTest, ACancelledStatementClosesItsConnection) {
  const auto pid = query(read_pid).front().get<int>(0);
  asio::cancellation_signal signal;
  std::promise<std::exception_ptr> ended;
  asio::co_spawn(runtime.executor(0), pool->query(testing::test_context(), read_slowly, 5.0),
                 asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr e, Rows) { ended.set_value(e); }));
  std::this_thread::sleep_for(100ms);
  asio::post(runtime.executor(0), [&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_THROW(std::rethrow_exception(ended.get_future().get()), std::exception);
  EXPECT_NE(query(read_pid).front().get<int>(0), pid);
}

TEST_F(FailureTest, ARuntimeMayEndInTheMiddleOfStatements) {
  auto own = std::make_unique<Runtime>(2);
  auto other =
      std::make_unique<Pool>(*own, PoolOptions{.url = database->url(), .name = "ending", .max_connections = 2});
  auto group = std::make_unique<TaskGroup>(own->executor(0));
  for (int i = 0; i < 4; ++i) group->spawn("sleeper", insert_sleep(*other, testing::test_context()));
  std::this_thread::sleep_for(100ms);
  group.reset();
  other.reset();
  own.reset();
  EXPECT_EQ(count(), "0");
}

}  // namespace
}  // namespace souk::pg
