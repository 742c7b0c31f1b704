#include "postgres/migrate.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "postgres/blocking.hpp"
#include "postgres/url.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::pg {
namespace {

using Names = std::vector<std::string>;

class MigrateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(std::span<const MigrationSet>());
  }
  Names apply(std::vector<EmbeddedFile> files) {
    const MigrationSet sets[] = {{"shop", files}};
    return migrate(database->url(), sets);
  }
  std::string refusal(std::vector<EmbeddedFile> files) {
    try {
      apply(std::move(files));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }

  std::optional<testing::TestDatabase> database;
};

constexpr EmbeddedFile create{"0001_create.sql", "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a);"};
constexpr EmbeddedFile extend{"0002_extend.sql", "ALTER TABLE t ADD COLUMN b int;"};

TEST_F(MigrateTest, AppliesEachFileOnceInTheOrderOfTheirNames) {
  EXPECT_EQ(apply({extend, create}), (Names{"shop/0001_create.sql", "shop/0002_extend.sql"}));
  EXPECT_EQ(apply({create, extend}), Names{});
  EXPECT_EQ(apply({create, extend, {"0003_more.sql", "-- nothing\n"}}), Names{"shop/0003_more.sql"});
  EXPECT_EQ(database->sql("SELECT count(*) FROM schema_migrations"), "3");
}

TEST_F(MigrateTest, RefusesAFileThatChangedAfterItWasApplied) {
  apply({create});
  EXPECT_NE(refusal({{"0001_create.sql", "CREATE TABLE t (a bigint);"}}).find("shop/0001_create.sql was changed"),
            std::string::npos);
}

TEST_F(MigrateTest, AFailureNamesTheFileAndLeavesNothingOfIt) {
  const auto text = refusal({create, {"0002_bad.sql", "CREATE TABLE u (a int); SELECT nonsense;"}});
  EXPECT_NE(text.find("shop/0002_bad.sql failed: column \"nonsense\" does not exist"), std::string::npos) << text;
  EXPECT_EQ(database->sql("SELECT to_regclass('u')"), "");
  EXPECT_EQ(database->sql("SELECT name FROM schema_migrations"), "shop/0001_create.sql");
}

TEST_F(MigrateTest, RefusesAFileThatCommitsByItself) {
  EXPECT_NE(refusal({{"0001_commit.sql", "CREATE TABLE t (a int); COMMIT;"}}).find("must not"), std::string::npos);
}

TEST_F(MigrateTest, TwoProcessesMayStartAtOnce) {
  std::vector<EmbeddedFile> files = {create, extend, {"0003_slow.sql", "SELECT pg_sleep(0.2)"}};
  std::vector<Names> applied(4);
  {
    std::vector<std::jthread> processes;
    for (auto& names : applied) processes.emplace_back([&] { names = apply(files); });
  }
  std::size_t total = 0;
  for (const auto& names : applied) total += names.size();
  EXPECT_EQ(total, 3U);
}

TEST_F(MigrateTest, ADatabaseThatIsNotThereIsASentence) {
  EXPECT_THROW(migrate("postgresql://postgres@/postgres?host=/nonexistent", {}), std::runtime_error);
  EXPECT_THROW(migrate("mysql://x", {}), std::invalid_argument);
}

class EnsureDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    admin_url = std::getenv("SOUK_TEST_POSTGRES_URL");
    const auto pid = std::to_string(::getpid());
    one = {"souk_one_" + pid, "souk role one " + pid, "p@ss'word:/1"};
    two = {"souk_two_" + pid, "souk_role_two_" + pid, "other"};
  }
  void TearDown() override {
    if (admin_url.empty()) return;
    BlockingConnection admin(admin_url);
    for (const auto& spec : {one, two}) {
      admin.run("DROP DATABASE IF EXISTS " + admin.quoted_name(spec.database) + " WITH (FORCE)");
      admin.run("DROP ROLE IF EXISTS " + admin.quoted_name(spec.role));
    }
  }

  std::string admin_url;
  DatabaseSpec one;
  DatabaseSpec two;
};

TEST_F(EnsureDatabaseTest, MakesARoleWithLimitsAndItsDatabase) {
  ensure_database(admin_url, one);
  ensure_database(admin_url, one);
  BlockingConnection connection(url_for(admin_url, one));
  const auto row = connection.run(
      "SELECT current_user, current_database(), current_setting('lock_timeout'), current_setting('statement_timeout'), "
      "current_setting('idle_in_transaction_session_timeout'), current_setting('timezone'), "
      "current_setting('synchronous_commit'), current_setting('client_connection_check_interval'), "
      "current_setting('server_encoding')");
  const Names expected = {one.role, one.database, "2s", "5s", "10s", "UTC", "on", "1s", "UTF8"};
  for (int i = 0; i < static_cast<int>(expected.size()); ++i) {
    EXPECT_EQ(row.front().get<std::string>(i), expected[static_cast<std::size_t>(i)]);
  }
  connection.run("CREATE TABLE t (a int)");
  EXPECT_EQ(connection.run("SELECT lower('ÄÖ')").front().get<std::string>(0), "äö");
}

TEST_F(EnsureDatabaseTest, GivesTheRoleItsOwnSettings) {
  one.settings = {{"enable_seqscan", "off"}, {"plan_cache_mode", "force_generic_plan"}};
  ensure_database(admin_url, one);
  BlockingConnection connection(url_for(admin_url, one));
  const auto row = connection.run("SELECT current_setting('enable_seqscan'), current_setting('plan_cache_mode')");
  EXPECT_EQ(row.front().get<std::string>(0), "off");
  EXPECT_EQ(row.front().get<std::string>(1), "force_generic_plan");
}

TEST_F(EnsureDatabaseTest, NoRoleEntersTheDatabaseOfAnother) {
  ensure_database(admin_url, one);
  ensure_database(admin_url, two);
  auto foreign = two;
  foreign.role = one.role;
  foreign.password = one.password;
  EXPECT_THROW(BlockingConnection(url_for(admin_url, foreign)), Unavailable);
}

TEST_F(EnsureDatabaseTest, StoresNoReadablePassword) {
  ensure_database(admin_url, one);
  BlockingConnection admin(admin_url);
  const auto stored = admin.run("SELECT rolpassword FROM pg_authid WHERE rolname = $1", {one.role});
  EXPECT_TRUE(stored.front().get<std::string>(0).starts_with("SCRAM-SHA-256$"));
}

TEST_F(EnsureDatabaseTest, MayRunInSeveralProcessesAtOnce) {
  std::vector<std::jthread> processes;
  for (int i = 0; i < 4; ++i) processes.emplace_back([this] { ensure_database(admin_url, one); });
  processes.clear();
  BlockingConnection connection(url_for(admin_url, one));
}

TEST_F(EnsureDatabaseTest, ARoleThatIsNoSuperuserMayDoIt) {
  {
    BlockingConnection admin(admin_url);
    admin.run("CREATE ROLE " + admin.quoted_name(two.role) + " LOGIN CREATEDB CREATEROLE PASSWORD 'limited'");
  }
  const auto limited_admin = url_for(admin_url, {"postgres", two.role, "limited"});
  ensure_database(limited_admin, one);
  BlockingConnection connection(url_for(admin_url, one));
  connection.run("CREATE TABLE t (a int)");
}

TEST(UrlFor, ReplacesDatabaseUserAndPasswordAndKeepsTheRest) {
  const DatabaseSpec spec{"user_db", "souk_user", "p@ss/w:ord%"};
  EXPECT_EQ(url_for("postgresql://admin:secret@db.example:5433/postgres?sslmode=require", spec),
            "postgresql://souk_user:p%40ss%2Fw%3Aord%25@db.example:5433/user_db?sslmode=require");
  EXPECT_EQ(url_for("postgresql:///postgres?host=/run/souk/pg&port=5433", spec),
            "postgresql://souk_user:p%40ss%2Fw%3Aord%25@/user_db?host=/run/souk/pg&port=5433");
  EXPECT_EQ(url_for("host=/tmp/a dbname=x", spec), "postgresql://souk_user:p%40ss%2Fw%3Aord%25@/user_db?host=/tmp/a");
  EXPECT_EQ(url_for("postgresql://a:1,b:2/x", {"d", "r", ""}), "postgresql://r@/d?host=a%2Cb&port=1%2C2");
  EXPECT_EQ(url_for("postgresql://[::1]:5/x", {"d", "r", ""}), "postgresql://r@/d?host=%3A%3A1&port=5");
  EXPECT_THROW(url_for("http://x", spec), std::invalid_argument);
  for (const char* url : {"postgresql://a:1,b:2/x?options=-c%20a%3Db", "postgresql://[::1]:5/x", "postgresql:///x"}) {
    EXPECT_EQ(parse_url(make_url(parse_url(url))), parse_url(url)) << url;
  }
}

}  // namespace
}  // namespace souk::pg
