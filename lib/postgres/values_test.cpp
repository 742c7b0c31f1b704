#include <gtest/gtest.h>

#include "postgres/reads_only.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::pg {
namespace {

BOOST_DEFINE_ENUM_CLASS(Color, red, dark_blue)

struct Item {
  int id = 0;
  std::string name;
  std::optional<Amount> price;
};
BOOST_DESCRIBE_STRUCT(Item, (), (id, name, price))

class Values : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(std::span<const MigrationSet>());
    pool.emplace(runtime, PoolOptions{.url = database->url(), .name = "values"});
  }
  void TearDown() override {
    if (pool) run(pool->close());
    pool.reset();
  }

  template <class... Args>
  Rows query(std::string_view sql, const Args&... args) {
    return run(pool->query(testing::test_context(), Statement{"test", sql}, args...));
  }
  // The value after a way to the server and back.
  template <class T>
  T round_trip(const std::string& type, const T& value) {
    const auto sql = "SELECT $1::" + type;
    return query(sql, value).front().template get<T>(0);
  }
  template <class T>
  void expect_kept(const std::string& type, const T& value) {
    EXPECT_EQ(round_trip(type, value), value) << type;
  }

  std::optional<testing::TestDatabase> database;
  std::optional<Pool> pool;
};

TEST_F(Values, KeepTheirMeaningOnTheWayToTheServerAndBack) {
  expect_kept("text", std::string("plain"));
  expect_kept("text", std::string());
  expect_kept("text", std::string("quote ' \" back\\slash, {brace} NULL \n ünïcødé 👍"));
  expect_kept("boolean", true);
  expect_kept("boolean", false);
  expect_kept("int", -2147483647 - 1);
  expect_kept("bigint", std::numeric_limits<std::int64_t>::min());
  expect_kept("bigint", std::numeric_limits<std::int64_t>::max());
  expect_kept("double precision", 0.1);
  expect_kept("double precision", -1.7976931348623157e308);
  expect_kept("double precision", std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(round_trip("double precision", std::numeric_limits<double>::quiet_NaN())));
  expect_kept("decimal(10,2)", Amount(1250));
  expect_kept("decimal(10,2)", Amount(-5));
  expect_kept("decimal(10,2)", Amount(-Amount::max_minor));
  expect_kept("uuid", Uuid::v7());
  expect_kept("timestamp", now());
  expect_kept("timestamptz", now());
  expect_kept("text", Color::dark_blue);
  expect_kept("jsonb", json::Raw{R"({"a": [1, null, "\"x\\"]})"});
}

TEST_F(Values, OfRestrictedTypesTravelLikeTheirPlainOnes) {
  const json::Text<1, 50> name("a name");
  const json::Int<1, 999> count(7);
  const auto rows = query("SELECT $1::text, $2::int, $3::int", name, count, std::optional(count));
  EXPECT_EQ((rows.front().get<json::Text<1, 50>>(0)), "a name");
  EXPECT_EQ((rows.front().get<json::Int<1, 999>>(1)), 7);
  EXPECT_EQ(rows.front().get<int>(2), 7);
}

TEST_F(Values, MayBeNull) {
  expect_kept("text", std::optional<std::string>());
  expect_kept("text", std::optional<std::string>(""));
  expect_kept("uuid", std::optional<Uuid>());
  expect_kept("decimal(10,2)", std::optional<Amount>(Amount(-1)));
  const auto rows = query("SELECT $1::int", std::nullopt);
  EXPECT_TRUE(rows.front().is_null(0));
  EXPECT_THROW(rows.front().get<int>(0), std::runtime_error);
}

TEST_F(Values, OfArraysKeepQuotesBackslashesNullsAndUnicode) {
  expect_kept("text[]", std::vector<std::string>{});
  expect_kept("text[]", std::vector<std::string>{"", "a,b", "{x}", R"(say "hi")", R"(back\slash\\)", "NULL", "null",
                                                 " padded ", "новый 👍", "line\nfeed"});
  expect_kept("int[]", std::vector<int>{1, -2, 3});
  expect_kept("bigint[]", std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::max()});
  expect_kept("boolean[]", std::vector<bool>{true, false});
  expect_kept("decimal(10,2)[]", std::vector<Amount>{Amount(-1), Amount(99)});
  expect_kept("uuid[]", std::vector<Uuid>{Uuid::v7(), Uuid::v7()});
  expect_kept("timestamp[]", std::vector<Timestamp>{now()});
  expect_kept("jsonb[]", std::vector<json::Raw>{{R"({"a": "x, \"y\" \\"})"}, {"[1, 2]"}});
  expect_kept("text[]", std::vector<std::optional<std::string>>{"a", std::nullopt, "NULL"});
  expect_kept("int[]", std::vector<std::optional<int>>{1, std::nullopt});
  EXPECT_THROW((query("SELECT ARRAY[1, NULL]").front().get<std::vector<int>>(0)), std::runtime_error);
  EXPECT_THROW((query("SELECT ARRAY[[1], [2]]").front().get<std::vector<int>>(0)), std::runtime_error);
  EXPECT_THROW((query("SELECT '[0:1]={1,2}'::int[]").front().get<std::vector<int>>(0)), std::runtime_error);
}

TEST_F(Values, ThatAreTooLargeOrOfAnotherTypeAreRefused) {
  const auto rows = query("SELECT 2147483648, 'x', 1.005, '2026-02-30', 'green', 12345678901.00");
  const Row row = rows.front();
  EXPECT_THROW(row.get<int>(0), std::runtime_error);
  EXPECT_EQ(row.get<std::int64_t>(0), 2147483648);
  EXPECT_THROW(row.get<bool>(1), std::runtime_error);
  EXPECT_THROW(row.get<Uuid>(1), std::runtime_error);
  EXPECT_THROW(row.get<Amount>(2), std::runtime_error);
  EXPECT_THROW(row.get<Timestamp>(3), std::runtime_error);
  EXPECT_THROW(row.get<Color>(4), std::runtime_error);
  EXPECT_THROW(row.get<Amount>(5), std::runtime_error);
  EXPECT_THROW(row.get<int>(6), std::runtime_error);
}

TEST_F(Values, WithANulCharacterAreRefusedInsteadOfCut) {
  try {
    query("SELECT $1::text", std::string("a\0b", 3));
    FAIL() << "the text was cut";
  } catch (const Error& error) {
    EXPECT_EQ(error.sqlstate(), "22021");
  }
  EXPECT_EQ(query("SELECT 1").size(), 1U);
}

TEST_F(Values, OfMegabytesArePassedWhole) {
  std::string text(8 << 20, 'x');
  text[5000000] = 'y';
  EXPECT_EQ(round_trip("text", text), text);
}

TEST_F(Values, OfARowBecomeADescribedStruct) {
  const auto items =
      query("SELECT * FROM (VALUES (1, 'a', 1.50), (2, 'b', NULL)) t (id, name, price) ORDER BY id").to<Item>();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].name, "a");
  EXPECT_EQ(items[0].price, Amount(150));
  EXPECT_EQ(items[1].id, 2);
  EXPECT_EQ(items[1].price, std::nullopt);
}

TEST_F(Values, OfAffectedRowsAreCounted) {
  query("CREATE TABLE t (id int)");
  EXPECT_EQ(query("INSERT INTO t SELECT generate_series(1, 5)").affected(), 5);
  EXPECT_EQ(query("UPDATE t SET id = id WHERE id > 3").affected(), 2);
  EXPECT_EQ(query("DELETE FROM t WHERE id = 99").affected(), 0);
}

TEST_F(Values, OfTimeAreInUtcWhateverTheServerPrefers) {
  database->sql("ALTER DATABASE \"" + query("SELECT current_database()").front().get<std::string>(0) +
                "\" SET timezone = 'Asia/Kolkata'");
  Pool other(runtime, PoolOptions{.url = database->url(), .name = "values"});
  const Statement noon{"noon", "SELECT '2026-03-01 12:00:00Z'::timestamptz, current_setting('timezone')"};
  const auto rows = run(other.query(testing::test_context(), noon));
  EXPECT_EQ(rows.front().get<Timestamp>(0), parse_timestamp("2026-03-01T12:00:00Z"));
  EXPECT_EQ(rows.front().get<std::string>(1), "UTC");
  run(other.close());
}

TEST(ReadsOnly, IsTrueOnlyForStatementsThatCannotChangeAnything) {
  EXPECT_TRUE(reads_only("SELECT * FROM orders"));
  EXPECT_TRUE(reads_only("\n  select 1"));
  EXPECT_TRUE(reads_only("WITH a AS (SELECT 1) SELECT * FROM a"));
  EXPECT_TRUE(reads_only("SELECT 1 FROM t FOR UPDATE"));
  EXPECT_TRUE(reads_only("SELECT 1 FROM t FOR NO KEY UPDATE SKIP LOCKED"));
  EXPECT_TRUE(reads_only("SELECT updated_at, deleted FROM t"));
  EXPECT_FALSE(reads_only("WITH a AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM a"));
  EXPECT_FALSE(reads_only("with x as (delete from t returning 1) select 1"));
  EXPECT_FALSE(reads_only("INSERT INTO t SELECT 1"));
  EXPECT_FALSE(reads_only("UPDATE t SET a = 1"));
  EXPECT_FALSE(reads_only("SELECT nextval('s')"));
  EXPECT_FALSE(reads_only("SELECT 1 INTO t2"));
  EXPECT_FALSE(reads_only(""));
  EXPECT_FALSE(reads_only("COMMIT"));
}

TEST(ParseArray, RefusesWhatIsNotAnArray) {
  for (const char* text : {"", "{", "}", "{a", "{a,}", "{,}", "{\"a}", "{a}b", "{a{b}", "a", "{\"a\"b}"}) {
    EXPECT_THROW(parse_array(text), std::runtime_error) << text;
  }
  EXPECT_TRUE(parse_array("{}").empty());
  EXPECT_EQ(parse_array("{NULL,\"NULL\",n}").at(0), std::nullopt);
}

}  // namespace
}  // namespace souk::pg
