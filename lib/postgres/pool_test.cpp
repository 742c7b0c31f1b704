#include "postgres/pool.hpp"

#include <gtest/gtest.h>

#include "core/blocking_pool.hpp"
#include "core/task_group.hpp"
#include "postgres/retry.hpp"
#include "telemetry/metrics.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::pg {
namespace {

using namespace std::chrono_literals;

constexpr Statement insert_item{"test.insert", "INSERT INTO items (id, name) VALUES ($1, $2)"};
constexpr Statement count_items{"test.count", "SELECT count(*) FROM items"};

constexpr EmbeddedFile files[] = {{"0001_items.sql", R"sql(
    CREATE TABLE items (id INT PRIMARY KEY, name TEXT NOT NULL UNIQUE, stock INT NOT NULL DEFAULT 0,
                        CONSTRAINT items_stock_check CHECK (stock >= 0));
    CREATE TABLE children (item_id INT, CONSTRAINT children_item_fk FOREIGN KEY (item_id) REFERENCES items (id)
                           DEFERRABLE INITIALLY DEFERRED);
)sql"}};
constexpr MigrationSet sets[] = {{"test", files}};

class PoolTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(sets);
    open_pool({});
  }
  void TearDown() override {
    if (pool) run(pool->close());
    pool.reset();
  }
  void open_pool(PoolOptions options) {
    if (pool) run(pool->close());
    options.url = database->url();
    options.name = "pool_test";
    pool.emplace(runtime, options);
  }
  std::int64_t count() { return run(pool->query(testing::test_context(), count_items)).front().get<std::int64_t>(0); }

  std::optional<testing::TestDatabase> database;
  std::optional<Pool> pool;
};

Task<> insert_and_commit(Pool& pool, int id) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, id, "name " + std::to_string(id));
  co_await tx.query(count_items);
  co_await tx.commit();
}

TEST_F(PoolTest, ACommittedTransactionIsKept) {
  run(insert_and_commit(*pool, 1));
  EXPECT_EQ(count(), 1);
}

Task<> insert_and_forget(Pool& pool, int id) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, id, "forgotten");
}

TEST_F(PoolTest, ATransactionWithoutCommitIsRolledBackWhenItDies) {
  open_pool({.max_connections = 1});
  run(insert_and_forget(*pool, 1));
  EXPECT_EQ(count(), 0);
  // The same connection goes on.
  run(insert_and_commit(*pool, 1));
  EXPECT_EQ(count(), 1);
}

Task<> insert_twice(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1, "a");
  co_await tx.query(insert_item, 1, "b");
}

TEST_F(PoolTest, ARefusalNamesTheConstraint) {
  try {
    run(insert_twice(*pool));
    FAIL() << "inserted twice";
  } catch (const Error& error) {
    EXPECT_TRUE(error.is_unique_violation("items_pkey"));
    EXPECT_FALSE(error.is_unique_violation("items_name_key"));
    EXPECT_FALSE(error.is_transient());
  }
  const Statement negative{"test.negative", "INSERT INTO items VALUES (2, 'x', -1)"};
  try {
    run(pool->query(testing::test_context(), negative));
    FAIL() << "negative stock";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "23514");
    EXPECT_EQ(error.constraint(), "items_stock_check");
  }
  EXPECT_EQ(count(), 0);
}

Task<> commit_after_swallowed_error(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1, "a");
  try {
    co_await tx.query(insert_item, 1, "b");
  } catch (const Error&) {
    // as careless code does
  }
  co_await tx.commit();
}

TEST_F(PoolTest, AFailedTransactionCannotBeCommitted) {
  try {
    run(commit_after_swallowed_error(*pool));
    FAIL() << "COMMIT of a failed transaction is a ROLLBACK and must not look like success";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "25P02");
  }
  EXPECT_EQ(count(), 0);
}

Task<> insert_orphan_and_commit(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1, "a");
  co_await tx.query(Statement{"test.orphan", "INSERT INTO children VALUES (99)"});
  co_await tx.commit();
}

TEST_F(PoolTest, AConstraintThatIsCheckedAtCommitRefusesTheTransaction) {
  open_pool({.max_connections = 1});
  try {
    run(insert_orphan_and_commit(*pool));
    FAIL() << "committed";
  } catch (const Error& error) {
    EXPECT_EQ(error.constraint(), "children_item_fk");
  }
  EXPECT_EQ(count(), 0);
  // Without BEGIN the refusal comes after the statement's own success.
  try {
    run(pool->query(testing::test_context(), Statement{"test.orphan", "INSERT INTO children VALUES (99)"}));
    FAIL() << "committed";
  } catch (const Error& error) {
    EXPECT_EQ(error.constraint(), "children_item_fk");
  }
  EXPECT_EQ(database->sql("SELECT count(*) FROM children"), "0");
  run(insert_and_commit(*pool, 1));
}

Task<> begin_only(Pool& pool, bool commit) {
  auto tx = co_await pool.begin(testing::test_context());
  if (commit) {
    co_await tx.commit();
  } else {
    co_await tx.rollback();
  }
}

TEST_F(PoolTest, AnEmptyTransactionIsNothing) {
  open_pool({.max_connections = 1});
  run(begin_only(*pool, true));
  run(begin_only(*pool, false));
  EXPECT_EQ(count(), 0);
}

Task<> use_after_commit(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1, "a");
  co_await tx.commit();
  co_await tx.query(insert_item, 2, "b");
}

TEST_F(PoolTest, ATransactionCannotBeUsedAfterItsEnd) {
  EXPECT_THROW(run(use_after_commit(*pool)), std::logic_error);
  EXPECT_EQ(count(), 1);
}

Task<> end_by_statement(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(insert_item, 1, "a");
  co_await tx.query(Statement{"test.sneaky", "ROLLBACK"});
  co_await tx.query(insert_item, 2, "b");
}

TEST_F(PoolTest, AStatementMustNotEndTheTransactionAroundIt) {
  EXPECT_THROW(run(end_by_statement(*pool)), std::logic_error);
  EXPECT_EQ(count(), 0);
}

TEST_F(PoolTest, ATransactionThatAStatementOpenedIsNotGivenToTheNextCaller) {
  open_pool({.max_connections = 1});
  run(pool->query(testing::test_context(), Statement{"test.begin", "BEGIN"}));
  run(pool->query(testing::test_context(), insert_item, 1, "a"));
  EXPECT_EQ(database->sql("SELECT count(*) FROM items"), "1");
}

Task<std::string> isolation(Pool& pool) {
  auto tx = co_await pool.begin(testing::test_context());
  const auto rows = co_await tx.query(Statement{"test.isolation", "SELECT current_setting('transaction_isolation')"});
  co_return rows.front().get<std::string>(0);
}

TEST_F(PoolTest, TransactionsAreReadCommittedAndSyntaxErrorsArePlainErrors) {
  EXPECT_EQ(run(isolation(*pool)), "read committed");
  try {
    run(pool->query(testing::test_context(), Statement{"test.syntax", "SELEC 1"}));
    FAIL() << "not SQL";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "42601");
    EXPECT_NE(std::string(error.what()).find("test.syntax"), std::string::npos);
  }
}

TEST_F(PoolTest, StatementsAreToldApartByTheirText) {
  open_pool({.max_connections = 1});
  for (int i = 0; i < 1200; ++i) {  // more than a connection keeps prepared
    const auto sql = "SELECT " + std::to_string(i);
    EXPECT_EQ(run(pool->query(testing::test_context(), Statement{"test.same_name", sql})).front().get<int>(0), i);
  }
}

TEST_F(PoolTest, AStatementIsPreparedAnewAfterItsTableChanged) {
  open_pool({.max_connections = 1});
  const Statement all{"test.all", "SELECT * FROM items"};
  run(pool->query(testing::test_context(), all));
  database->sql("ALTER TABLE items ADD COLUMN more int");
  try {
    run(pool->query(testing::test_context(), all));
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "0A000");
  }
  EXPECT_EQ(run(pool->query(testing::test_context(), all)).size(), 0U);
}

Task<> hold(Pool& pool, Duration duration) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(count_items);
  Timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(use_task);
  co_await tx.commit();
}

TEST_F(PoolTest, ACallerWaitsForAConnectionUntilItsDeadline) {
  open_pool({.max_connections = 1});
  TaskGroup group(runtime.executor(0));
  group.spawn("holder", hold(*pool, 400ms));
  std::this_thread::sleep_for(100ms);
  const auto began = Clock::now();
  EXPECT_THROW(run(pool->query(testing::test_context().limited(100ms), count_items)), Unavailable);
  EXPECT_LT(Clock::now() - began, 250ms);
  EXPECT_EQ(count(), 0);
  EXPECT_LT(Clock::now() - began, 2s);
  run(group.drain());
}

Task<> note_order(Pool& pool, int number, std::vector<int>& order) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(count_items);
  order.push_back(number);
}

TEST_F(PoolTest, WaitingCallersTakeTheirTurnsAndTooManyAreRefused) {
  open_pool({.max_connections = 2, .max_waiting = 6});  // one and three on each worker
  std::vector<int> order;
  TaskGroup group(runtime.executor(0));
  group.spawn("holder", hold(*pool, 200ms));
  std::this_thread::sleep_for(100ms);
  for (int i = 0; i < 3; ++i) group.spawn("waiter", note_order(*pool, i, order));
  std::this_thread::sleep_for(20ms);
  EXPECT_THROW(run(pool->query(testing::test_context(), count_items)), Overloaded);
  run(group.drain());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(PoolTest, OpensNoMoreConnectionsThanAllowed) {
  open_pool({.max_connections = 3});
  std::vector<std::unique_ptr<TaskGroup>> groups;
  for (std::size_t w = 0; w < runtime.size(); ++w) {
    groups.push_back(std::make_unique<TaskGroup>(runtime.executor(w)));
    for (int i = 0; i < 10; ++i) groups[w]->spawn("holder", hold(*pool, 30ms));
  }
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(database->sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'souk' "
                          "AND datname = current_database() AND backend_type = 'client backend' "
                          "AND pid <> pg_backend_pid()"),
            "3");
  for (std::size_t w = 0; w < runtime.size(); ++w) run(groups[w]->drain(), w);
}

TEST_F(PoolTest, ClosingWaitsForTransactionsUnderWayAndRefusesNewOnes) {
  TaskGroup group(runtime.executor(1));
  group.spawn("holder", hold(*pool, 200ms));
  std::this_thread::sleep_for(100ms);
  const auto began = Clock::now();
  run(pool->close());
  EXPECT_GT(Clock::now() - began, 50ms);
  EXPECT_THROW(run(pool->query(testing::test_context(), count_items)), Unavailable);
  run(group.drain(), 1);
}

TEST_F(PoolTest, ExportsItsMetrics) {
  run(insert_and_commit(*pool, 1));
  const auto text = metrics::serialize();
  for (const char* wanted : {"souk_pg_pool_connections{database=\"pool_test\",state=\"idle\"}",
                             "souk_pg_pool_connections{database=\"pool_test\",state=\"busy\"} 0",
                             "souk_pg_statement_seconds_count{database=\"pool_test\",statement=\"test.insert\"}",
                             "souk_pg_pool_wait_seconds_count{database=\"pool_test\"}"}) {
    EXPECT_NE(text.find(wanted), std::string::npos) << wanted;
  }
}

// Takes from one row and gives to another, now and then with an error or without a commit.
Task<> transfer(Pool& pool, int seed, int rounds) {
  const Statement take{"test.take", "UPDATE items SET stock = stock - $2 WHERE id = $1"};
  const Statement give{"test.give", "UPDATE items SET stock = stock + $2 WHERE id = $1"};
  for (int i = 0; i < rounds; ++i) {
    const int from = (seed + i) % 7;
    const int to = (seed + 3 * i + 1) % 7;
    try {
      auto tx = co_await pool.begin(testing::test_context());
      co_await tx.query(from < to ? take : give, std::min(from, to), 1);
      co_await tx.query(from < to ? give : take, std::max(from, to), 1);
      if (i % 5 == 0) continue;
      if (i % 7 == 0) co_await tx.query(insert_item, 99, "taken");
      co_await tx.commit();
    } catch (const Error& error) {
      EXPECT_TRUE(error.is_unique_violation("items_pkey") || error.constraint() == "items_stock_check") << error.what();
    }
  }
}

TEST_F(PoolTest, ManyCoroutinesOnManyWorkersLoseNothing) {
  open_pool({.max_connections = 6});
  database->sql("INSERT INTO items SELECT i, 'item ' || i, 10 FROM generate_series(0, 6) i");
  database->sql("INSERT INTO items VALUES (99, 'taken')");
  std::vector<std::unique_ptr<TaskGroup>> groups;
  for (std::size_t w = 0; w < runtime.size(); ++w) {
    groups.push_back(std::make_unique<TaskGroup>(runtime.executor(w)));
    for (int i = 0; i < 100; ++i) groups[w]->spawn("transfer", transfer(*pool, static_cast<int>(w) * 100 + i, 20));
  }
  for (std::size_t w = 0; w < runtime.size(); ++w) run(groups[w]->drain(), w);
  EXPECT_EQ(database->sql("SELECT sum(stock) FROM items"), "70");
  EXPECT_EQ(database->sql("SELECT count(*) FROM items"), "8");
}

Task<> lock_two_once(Pool& pool, int first, int second, int& attempts) {
  const Statement touch{"test.touch", "UPDATE items SET stock = stock + 1 WHERE id = $1"};
  ++attempts;
  auto tx = co_await pool.begin(testing::test_context());
  co_await tx.query(touch, first);
  Timer timer(co_await asio::this_coro::executor, 100ms);
  co_await timer.async_wait(use_task);
  co_await tx.query(touch, second);
  co_await tx.commit();
}

Task<> lock_two(Pool& pool, int first, int second, int& attempts) {
  co_await retry_transient(testing::test_context(), [&] { return lock_two_once(pool, first, second, attempts); });
}

TEST_F(PoolTest, ADeadlockIsRetried) {
  database->sql("INSERT INTO items VALUES (1, 'a'), (2, 'b')");
  int attempts = 0;
  TaskGroup group(runtime.executor(0));
  group.spawn("one", lock_two(*pool, 1, 2, attempts));
  group.spawn("two", lock_two(*pool, 2, 1, attempts));
  run(group.drain());
  EXPECT_EQ(database->sql("SELECT sum(stock) FROM items"), "4");
  EXPECT_GE(attempts, 3);
}

Task<int> fail_always(std::string sqlstate, int& attempts) {
  ++attempts;
  throw Error(sqlstate, "", "no");
  co_return 0;
}

Task<int> retry_failing(std::string sqlstate, Duration limit, int& attempts) {
  co_return co_await retry_transient(testing::test_context().limited(limit),
                                     [&] { return fail_always(sqlstate, attempts); });
}

TEST_F(PoolTest, OnlyTransientErrorsAreRetriedAndNotForEver) {
  int attempts = 0;
  EXPECT_THROW(run(retry_failing("40001", 5s, attempts)), Error);
  EXPECT_EQ(attempts, 3);
  attempts = 0;
  EXPECT_THROW(run(retry_failing("23505", 5s, attempts)), Error);
  EXPECT_EQ(attempts, 1);
  attempts = 0;
  EXPECT_THROW(run(retry_failing("40P01", 0s, attempts)), Error);
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace souk::pg
