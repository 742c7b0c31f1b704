#include "events/outbox.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "core/task_group.hpp"
#include "postgres/blocking.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::events {
namespace {

using namespace std::chrono_literals;

struct Happened {
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(Happened, (), (number))

// What append() does, on a connection of its own whose transaction the test ends when it likes.
class Writer {
 public:
  explicit Writer(const testing::TestDatabase& database) : connection_(database.url()) { run("BEGIN"); }
  void run(const std::string& sql) { connection_.run(sql); }
  void append(const std::string& type, const std::string& key = "k") {
    connection_.run("INSERT INTO outbox_events (id, type, key, payload) VALUES (gen_random_uuid(), $1, $2, '{}')",
                    {type, key});
  }
  void commit() { run("COMMIT"); }

 private:
  pg::BlockingConnection connection_;
};

class OutboxTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const pg::MigrationSet sets[] = {{"events", migrations::embedded_files()}};
    database.emplace(sets);
    pool.emplace(runtime, pg::PoolOptions{.url = database->url(), .name = "outbox_test"});
    outbox.emplace(*pool);
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }

  EventPage read(std::string after, int limit = 100, int wait_ms = 0) {
    return run(outbox->read(testing::test_context(), ReadEvents{after, limit, wait_ms}));
  }
  static std::vector<std::string> types(const EventPage& page) {
    std::vector<std::string> out;
    for (const auto& event : page.events) out.push_back(event.type);
    return out;
  }
  void write_committed(const std::string& type, const std::string& key = "k") {
    Writer writer(*database);
    writer.append(type, key);
    writer.commit();
  }

  std::optional<testing::TestDatabase> database;
  std::optional<pg::Pool> pool;
  std::optional<Outbox> outbox;
};

using Types = std::vector<std::string>;

Task<> append(pg::Pool& pool, Outbox& outbox, std::string type, std::string key, int number) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await outbox.append(tx, type, key, Happened{number});
  co_await tx.commit();
  outbox.committed();
}

TEST_F(OutboxTest, EventsAreReadOnceInTheirOrder) {
  EXPECT_EQ(read("").next, "");
  for (int i = 1; i <= 5; ++i) run(append(*pool, *outbox, "thing.happened", "key", i));
  const auto first = read("", 3);
  ASSERT_EQ(first.events.size(), 3U);
  EXPECT_FALSE(first.reset);
  EXPECT_EQ(first.next, first.events[2].cursor);
  EXPECT_EQ(first.events[0].type, "thing.happened");
  EXPECT_EQ(first.events[0].key, "key");
  EXPECT_EQ(json::read_trusted<Happened>(first.events[0].payload.text).number, 1);
  EXPECT_LT(now() - first.events[0].created_at, 5s);
  EXPECT_FALSE(first.events[0].id.is_nil());
  const auto second = read(first.next, 3);
  ASSERT_EQ(second.events.size(), 2U);
  EXPECT_EQ(json::read_trusted<Happened>(second.events[1].payload.text).number, 5);
  const auto third = read(second.next, 3);
  EXPECT_TRUE(third.events.empty());
  EXPECT_EQ(third.next, second.next);
  EXPECT_FALSE(third.reset);
}

Task<> append_and_forget(pg::Pool& pool, Outbox& outbox) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await outbox.append(tx, "never", "key", Happened{0});
}

TEST_F(OutboxTest, AnEventOfARolledBackTransactionIsNeverSeenAndBlocksNothing) {
  run(append_and_forget(*pool, *outbox));
  run(append(*pool, *outbox, "real", "key", 1));
  EXPECT_EQ(types(read("", 100, 1000)), Types{"real"});
}

TEST_F(OutboxTest, AnEventThatCommitsLateIsNotSkipped) {
  Writer late(*database);
  late.append("first");
  write_committed("second");
  auto page = read("");
  EXPECT_EQ(types(page), Types{});  // "second" waits for whatever came before it
  EXPECT_EQ(page.next, "");
  late.commit();
  page = read("");
  EXPECT_EQ(types(page), (Types{"first", "second"}));
  EXPECT_EQ(types(read(page.next)), Types{});
}

TEST_F(OutboxTest, ATransactionThatHasANumberButAppendsLaterIsNotSkipped) {
  write_committed("zero");
  const auto start = read("").next;
  Writer late(*database);
  late.run("SELECT pg_current_xact_id()");
  write_committed("one");
  EXPECT_EQ(types(read(start)), Types{});
  late.append("two");
  late.commit();
  EXPECT_EQ(types(read(start)), (Types{"one", "two"}));
}

// The transaction with the lower id gets the object's lock last.
TEST_F(OutboxTest, EventsOfOneKeyKeepTheOrderOfTheirChanges) {
  database->sql("CREATE TABLE objects (id int primary key, n int); INSERT INTO objects VALUES (1, 0), (2, 0)");
  Writer first(*database);
  first.run("UPDATE objects SET n = n + 1 WHERE id = 1");
  Writer second(*database);
  second.run("UPDATE objects SET n = n + 1 WHERE id = 2");
  second.append("two.by_second", "two");
  second.commit();
  first.run("UPDATE objects SET n = n + 1 WHERE id = 2");
  first.append("two.by_first", "two");
  first.commit();
  EXPECT_EQ(types(read("")), (Types{"two.by_second", "two.by_first"}));
}

TEST_F(OutboxTest, AReaderThatWaitsIsWokenByACommitOfAnotherWorker) {
  run(append(*pool, *outbox, "zero", "key", 0));
  const auto start = read("").next;
  std::jthread writer([&] {
    std::this_thread::sleep_for(150ms);
    run(append(*pool, *outbox, "one", "key", 1), 1);
  });
  const auto began = Clock::now();
  const auto page = read(start, 100, 5000);
  EXPECT_EQ(types(page), Types{"one"});
  EXPECT_LT(Clock::now() - began, 1s);
}

TEST_F(OutboxTest, AReaderThatWaitsFindsWhatAnotherProcessCommits) {
  std::jthread writer([&] {
    std::this_thread::sleep_for(150ms);
    write_committed("one");
  });
  const auto began = Clock::now();
  EXPECT_EQ(types(read("", 100, 5000)), Types{"one"});
  EXPECT_LT(Clock::now() - began, 2s);
}

TEST_F(OutboxTest, AReaderThatWaitsGetsAnEmptyPageInTheEnd) {
  const auto began = Clock::now();
  EXPECT_EQ(types(read("", 100, 300)), Types{});
  EXPECT_GE(Clock::now() - began, 290ms);
  EXPECT_LT(Clock::now() - began, 1s);
  // The deadline of the call ends the wait as well.
  const auto context = testing::test_context().limited(200ms);
  EXPECT_EQ(types(run(outbox->read(context, ReadEvents{"", 100, 5000}))), Types{});
}

TEST_F(OutboxTest, ARestoreBeginsANewEpoch) {
  write_committed("one");
  const auto before = read("").next;
  database->sql("UPDATE event_feed SET place = 'another cluster'");
  outbox.emplace(*pool);
  const auto page = read(before);
  EXPECT_TRUE(page.reset);
  EXPECT_EQ(types(page), Types{"one"});
  EXPECT_NE(page.next, before);
  EXPECT_FALSE(read(page.next).reset);
  EXPECT_NE(database->sql("SELECT place FROM event_feed"), "another cluster");
}

TEST_F(OutboxTest, ACursorThatIsNotOfThisFeedResets) {
  write_committed("one");
  const auto cursor = read("").next;
  EXPECT_TRUE(read("nonsense").reset);
  EXPECT_TRUE(read(Uuid::v7().to_string() + ":1").reset);
  // Ahead of everything that was ever written: of a history that was lost.
  EXPECT_TRUE(read(cursor + "000").reset);
  const auto page = read("nonsense");
  EXPECT_EQ(types(page), Types{"one"});
  EXPECT_FALSE(read(page.next).reset);
}

TEST_F(OutboxTest, OldEventsArePrunedAndWhoHasNotReadThemResynchronises) {
  for (int i = 0; i < 3; ++i) write_committed("old");
  const auto behind = read("", 1).next;
  const auto level = read("").next;
  database->sql("UPDATE outbox_events SET created_at = now() - interval '8 days'");
  write_committed("young");
  EXPECT_EQ(run(outbox->prune(testing::test_context())), 3);
  EXPECT_EQ(run(outbox->prune(testing::test_context())), 0);
  const auto page = read(behind);
  EXPECT_TRUE(page.reset);
  EXPECT_EQ(types(page), Types{"young"});
  EXPECT_FALSE(read(level).reset);
  EXPECT_EQ(types(read(level)), Types{"young"});
  EXPECT_TRUE(read("").reset);  // a new consumer has not seen everything
}

// The role of a service reads the control data of the cluster without being its superuser.
TEST_F(OutboxTest, WorksForTheRoleOfAService) {
  const auto admin_url = database->url();
  const auto name = "souk_outbox_" + std::to_string(::getpid());
  const pg::DatabaseSpec spec{name, name, "secret"};
  pg::ensure_database(admin_url, spec);
  const pg::MigrationSet sets[] = {{"events", migrations::embedded_files()}};
  pg::migrate(pg::url_for(admin_url, spec), sets);
  {
    pg::Pool own(runtime, pg::PoolOptions{.url = pg::url_for(admin_url, spec), .name = "outbox_role"});
    Outbox feed(own);
    run(append(own, feed, "one", "key", 1));
    EXPECT_EQ(types(run(feed.read(testing::test_context(), ReadEvents{}))), Types{"one"});
    EXPECT_EQ(run(feed.prune(testing::test_context())), 0);
    run(own.close());
  }
  database->sql("DROP DATABASE " + name + " WITH (FORCE)");
  database->sql("DROP ROLE " + name);
}

Task<> append_many(pg::Pool& pool, Outbox& outbox, std::string key, int count) {
  for (int i = 0; i < count; ++i) {
    auto tx = co_await pool.begin(testing::test_context());
    co_await outbox.append(tx, "counted", key, Happened{i});
    if (i % 3 == 0) {  // stays open for a while
      Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(i % 7));
      co_await timer.async_wait(use_task);
    }
    if (i % 10 == 9) {  // a gap
      co_await tx.rollback();
      --i;
      count -= 1;
      continue;
    }
    co_await tx.commit();
    outbox.committed();
  }
}

TEST_F(OutboxTest, ManyWritersOfSeveralWorkersLoseNothing) {
  constexpr int writers = 16;
  std::vector<std::unique_ptr<TaskGroup>> groups;
  for (std::size_t w = 0; w < runtime.size(); ++w) groups.push_back(std::make_unique<TaskGroup>(runtime.executor(w)));
  for (int i = 0; i < writers; ++i) {
    groups[i % groups.size()]->spawn("writer", append_many(*pool, *outbox, "key " + std::to_string(i), 40));
  }
  std::map<std::string, int> next;
  std::string cursor;
  for (bool over = false; !over;) {
    const bool written = groups[0]->size() + groups[1]->size() == 0;
    const auto page = read(cursor, 7, 200);
    for (const auto& event : page.events) {
      EXPECT_EQ(json::read_trusted<Happened>(event.payload.text).number, next[event.key]++) << event.key;
    }
    cursor = page.next;
    over = written && page.events.empty();
  }
  for (std::size_t w = 0; w < groups.size(); ++w) run(groups[w]->drain(), w);
  int total = 0;
  for (const auto& [key, count] : next) total += count;
  EXPECT_EQ(std::to_string(total), database->sql("SELECT count(*) FROM outbox_events"));
  EXPECT_EQ(next.size(), writers);
}

}  // namespace
}  // namespace souk::events
