#include "postgres/loader.hpp"

#include <gtest/gtest.h>

#include "core/task_group.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::pg {
namespace {

struct Item {
  std::string name;
  std::optional<Amount> price;
};
BOOST_DESCRIBE_STRUCT(Item, (), (name, price))

constexpr EmbeddedFile files[] = {{"0001_items.sql",
                                   "CREATE TABLE items (id INT PRIMARY KEY, name TEXT, price DECIMAL(10,2));"
                                   "INSERT INTO items SELECT i, 'item ' || i, i FROM generate_series(1, 100) i;"}};
constexpr MigrationSet sets[] = {{"test", files}};

class LoaderTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(sets);
    pool.emplace(runtime, PoolOptions{.url = database->url(), .name = "loader_test"});
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }

  std::optional<testing::TestDatabase> database;
  std::optional<Pool> pool;
};

using Items = Loader<int, Item>;

Task<> load_some(Items& items, int first, int& wrong) {
  for (int i = 0; i < 50; ++i) {
    const int id = (first + i * 7) % 120;
    const auto item = co_await items.load(testing::test_context(), id);
    const bool exists = id >= 1 && id <= 100;
    if (item.has_value() != exists || (item && item->name != "item " + std::to_string(id))) ++wrong;
  }
}

TEST_F(LoaderTest, EveryCallerGetsItsOwnRow) {
  Items items(runtime, *pool, {"test.load", "SELECT id, name, price FROM items WHERE id = ANY ($1::int[])"});
  std::vector<std::unique_ptr<TaskGroup>> groups;
  std::vector<int> wrong(runtime.size());
  for (std::size_t w = 0; w < runtime.size(); ++w) {
    groups.push_back(std::make_unique<TaskGroup>(runtime.executor(w)));
    for (int i = 0; i < 40; ++i) groups[w]->spawn("load", load_some(items, i, wrong[w]));
  }
  for (std::size_t w = 0; w < runtime.size(); ++w) run(groups[w]->drain(), w);
  EXPECT_EQ(wrong, std::vector<int>(runtime.size()));
  EXPECT_EQ(run(items.load(testing::test_context(), 5))->price, Amount(500));
}

TEST_F(LoaderTest, AFailureReachesTheCaller) {
  Items items(runtime, *pool, {"test.load", "SELECT id, nothing FROM items WHERE id = ANY ($1::int[])"});
  EXPECT_THROW(run(items.load(testing::test_context(), 5)), Error);
}

}  // namespace
}  // namespace souk::pg
