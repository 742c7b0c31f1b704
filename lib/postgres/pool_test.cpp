#include "postgres/pool.hpp"

#include <gtest/gtest.h>

#include "core/blocking_pool.hpp"
#include "postgres/retry.hpp"
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

}  // namespace
}  // namespace souk::pg
