#include "events/idempotency.hpp"

#include <gtest/gtest.h>

#include "core/task_group.hpp"
#include "postgres/blocking.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::idempotency {
namespace {

using namespace std::chrono_literals;

Key key_of(std::string body_hash = "hash") {
  return Key{.scope = "user:1", .operation = "checkout", .key = "key-1", .body_hash = std::move(body_hash)};
}

class IdempotencyTest : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const pg::MigrationSet sets[] = {{"idempotency", migrations::embedded_files()}};
    database.emplace(sets);
    pool.emplace(runtime, pg::PoolOptions{.url = database->url(), .name = "idempotency_test"});
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }

  std::optional<testing::TestDatabase> database;
  std::optional<pg::Pool> pool;
};

Task<Result<Claim>> claim_and_commit(pg::Pool& pool, Key key, Uuid subject) {
  auto tx = co_await pool.begin(testing::test_context());
  auto result = co_await claim(tx, key, subject);
  if (result) co_await tx.commit();
  co_return result;
}

Task<> finish_and_commit(pg::Pool& pool, Key key, StoredReply reply) {
  auto tx = co_await pool.begin(testing::test_context());
  co_await finish(tx, key, reply);
  co_await tx.commit();
}

TEST_F(IdempotencyTest, AKeyIsFreshOnceThenUnderWayThenAnswered) {
  const auto subject = Uuid::v7();
  EXPECT_EQ(run(find(*pool, testing::test_context(), key_of()))->subject, std::nullopt);
  const auto first = run(claim_and_commit(*pool, key_of(), subject));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->fresh);
  const auto second = run(claim_and_commit(*pool, key_of(), Uuid::v7()));
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->fresh);
  EXPECT_FALSE(second->reply);
  EXPECT_EQ(second->subject, subject);
  run(finish_and_commit(*pool, key_of(), {201, R"({"id":  "1"})"}));
  const auto third = run(claim_and_commit(*pool, key_of(), Uuid::v7()));
  ASSERT_TRUE(third && third->reply);
  EXPECT_FALSE(third->fresh);
  EXPECT_EQ(third->reply->status, 201);
  EXPECT_EQ(third->reply->body, R"({"id":  "1"})");  // byte for byte
  EXPECT_EQ(run(find(*pool, testing::test_context(), key_of()))->reply->status, 201);
}

TEST_F(IdempotencyTest, AnotherBodyIsRefused) {
  ASSERT_TRUE(run(claim_and_commit(*pool, key_of(), Uuid::v7())));
  const auto other = run(claim_and_commit(*pool, key_of("another"), Uuid::v7()));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::unprocessable);
  EXPECT_EQ(other.error().code, "idempotency.body_mismatch");
  EXPECT_EQ(run(find(*pool, testing::test_context(), key_of("another"))).error().code, "idempotency.body_mismatch");
}

TEST_F(IdempotencyTest, ScopesAndOperationsAreApart) {
  ASSERT_TRUE(run(claim_and_commit(*pool, key_of(), Uuid::v7())));
  auto other = key_of();
  other.scope = "user:2";
  EXPECT_TRUE(run(claim_and_commit(*pool, other, Uuid::v7()))->fresh);
  other = key_of();
  other.operation = "refund";
  EXPECT_TRUE(run(claim_and_commit(*pool, other, Uuid::v7()))->fresh);
}

Task<> claim_in(pg::Transaction& tx, std::optional<Result<Claim>>& outcome) {
  outcome = co_await claim(tx, key_of(), Uuid{});
  co_await tx.commit();
}

// Claims with the first transaction, starts the second claim, and ends the first one while the second waits.
Task<Result<Claim>> race(pg::Pool& pool, Uuid first_subject, bool first_commits, bool& second_waited) {
  TaskGroup group(co_await asio::this_coro::executor);
  auto first = co_await pool.begin(testing::test_context());
  co_await claim(first, key_of(), first_subject);
  auto second = co_await pool.begin(testing::test_context());
  std::optional<Result<Claim>> outcome;
  group.spawn("second claim", claim_in(second, outcome));
  co_await group.sleep(200ms);
  second_waited = !outcome;
  if (first_commits) {
    co_await first.commit();
  } else {
    co_await first.rollback();
  }
  co_await group.drain();
  co_return std::move(*outcome);
}

TEST_F(IdempotencyTest, OfTwoClaimsAtOnceTheSecondWaitsAndSeesTheFirst) {
  bool waited = false;
  const auto subject = Uuid::v7();
  const auto second = run(race(*pool, subject, true, waited));
  EXPECT_TRUE(waited);
  EXPECT_FALSE(second->fresh);
  EXPECT_EQ(second->subject, subject);
}

TEST_F(IdempotencyTest, OfTwoClaimsAtOnceTheSecondTakesOverWhatTheFirstGaveUp) {
  bool waited = false;
  const auto second = run(race(*pool, Uuid::v7(), false, waited));
  EXPECT_TRUE(waited);
  EXPECT_TRUE(second->fresh);
}

TEST_F(IdempotencyTest, AClaimThatWaitsTooLongIsRefusedAsUnderWay) {
  pg::BlockingConnection other(database->url());
  other.run(
      "BEGIN; INSERT INTO idempotency_keys (scope, operation, key, body_hash, subject) "
      "VALUES ('user:1', 'checkout', 'key-1', 'hash', gen_random_uuid())");
  const auto refused = run(claim_and_commit(*pool, key_of(), Uuid::v7()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(refused.error().code, "idempotency.in_progress");
  EXPECT_EQ(refused.error().retry_after_s, 1);
}

TEST_F(IdempotencyTest, AKeyIsForgottenAfter72Hours) {
  ASSERT_TRUE(run(claim_and_commit(*pool, key_of(), Uuid::v7())));
  run(finish_and_commit(*pool, key_of(), {200, "{}"}));
  database->sql("UPDATE idempotency_keys SET created_at = now() - interval '71 hours'");
  EXPECT_EQ(run(prune(*pool, testing::test_context())), 0);
  EXPECT_FALSE(run(claim_and_commit(*pool, key_of(), Uuid::v7()))->fresh);
  database->sql("UPDATE idempotency_keys SET created_at = now() - interval '73 hours'");
  EXPECT_EQ(run(find(*pool, testing::test_context(), key_of()))->reply, std::nullopt);
  const auto again = run(claim_and_commit(*pool, key_of("another body"), Uuid::v7()));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->fresh);
  EXPECT_FALSE(run(claim_and_commit(*pool, key_of("another body"), Uuid::v7()))->reply);
  database->sql("UPDATE idempotency_keys SET created_at = now() - interval '73 hours'");
  EXPECT_EQ(run(prune(*pool, testing::test_context())), 1);
}

TEST_F(IdempotencyTest, AKeyThatNobodyClaimedCannotBeFinished) {
  EXPECT_THROW(run(finish_and_commit(*pool, key_of(), {200, "{}"})), std::logic_error);
}

}  // namespace
}  // namespace souk::idempotency
