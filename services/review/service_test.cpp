#include "service.hpp"

#include <gtest/gtest.h>

#include <set>

#include "events/outbox.hpp"
#include "fakes_for_test.hpp"
#include "postgres_repository.hpp"
#include "testing/engines.hpp"
#include "testing/run.hpp"

namespace souk::review {

namespace migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace {

const std::vector<pg::MigrationSet>& migration_sets() {
  static const std::vector<pg::MigrationSet> sets{{"events", events::migrations::embedded_files()},
                                                  {"review", migrations::embedded_files()}};
  return sets;
}

class Reviews : public testing::AsyncTest {
 protected:
  void SetUp() override {
    if (!testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    database.emplace(migration_sets());
    pool.emplace(runtime, pg::PoolOptions{.url = database->url(), .name = "review_db"});
    repository.emplace(*pool);
    service.emplace(*repository, orders, users);
  }
  void TearDown() override {
    if (pool) run(pool->close());
  }

  Review write_review(Uuid user_id, std::int64_t rating = 4) {
    CreateReview request{.product_id = "p1", .user_id = user_id};
    request.review = {.rating = rating, .title = "Fine", .content = "It works."};
    return run(service->create_review(context, request)).value();
  }
  std::optional<RatingChanged> last_rating() {
    const auto page = run(service->events(context, {}));
    if (page->events.empty()) return std::nullopt;
    return json::read_trusted<RatingChanged>(page->events.back().payload.text);
  }

  Context context = testing::test_context();
  std::optional<testing::TestDatabase> database;
  std::optional<pg::Pool> pool;
  std::optional<PostgresRepository> repository;
  FakeOrders orders;
  FakeUsers users;
  std::optional<Service> service;
};

TEST_F(Reviews, AreShownAndRatedOnceTheyAreApproved) {
  const auto review = write_review(Uuid::v7());
  EXPECT_EQ(review.status, ReviewStatus::pending);
  EXPECT_EQ(review.user_details.name, "Ada L.");
  EXPECT_TRUE(run(service->list_reviews(context, {.product_id = "p1"}))->data.empty());
  ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id})));
  EXPECT_EQ(run(service->list_reviews(context, {.product_id = "p1"}))->data.size(), 1u);
  const auto rating = last_rating();
  ASSERT_TRUE(rating);
  EXPECT_EQ(rating->average, 4);
  EXPECT_EQ(rating->count, 1);
}

TEST_F(Reviews, ACustomerHasOneOfAProduct) {
  const auto user_id = Uuid::v7();
  const auto first = write_review(user_id);
  CreateReview again{.product_id = "p1", .user_id = user_id};
  again.review = {.rating = 1, .title = "Again", .content = "Still."};
  EXPECT_EQ(run(service->create_review(context, again)).error().code, "review.already_reviewed");
  ASSERT_TRUE(run(service->moderate(context, {.review_id = first.review_id, .status = ReviewStatus::rejected})));
  EXPECT_TRUE(run(service->create_review(context, again)));
}

TEST_F(Reviews, ABuyersReviewIsAVerifiedPurchase) {
  orders.buyer = Uuid::v7();
  orders.order_id = Uuid::v7();
  EXPECT_EQ(write_review(orders.buyer).order_id, orders.order_id.to_string());
  EXPECT_FALSE(write_review(Uuid::v7()).is_verified_purchase);
}

TEST_F(Reviews, BelongToTheirAuthor) {
  const auto review = write_review(Uuid::v7());
  const ReviewRef others{.review_id = review.review_id, .user_id = Uuid::v7()};
  EXPECT_EQ(run(service->delete_review(context, others)).error().code, "review.not_found");
  EXPECT_EQ(run(service->change_review(context, {others, {.rating = 1, .title = "x", .content = "y"}})).error().code,
            "review.not_found");
}

TEST_F(Reviews, TheLastVoteOfACustomerCounts) {
  const auto review = write_review(Uuid::v7());
  ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id})));
  const auto voter = Uuid::v7();
  ASSERT_TRUE(run(service->vote(context, {review.review_id, voter, true})));
  ASSERT_TRUE(run(service->vote(context, {review.review_id, voter, true})));
  const auto voted = run(service->vote(context, {review.review_id, voter, false}));
  EXPECT_EQ(voted->helpful_count, 0);
  EXPECT_EQ(voted->not_helpful_count, 1);
  const auto own = run(service->vote(context, {review.review_id, *Uuid::parse(review.user_id), true}));
  EXPECT_EQ(own.error().code, "review.own_vote");
}

TEST_F(Reviews, AnImportRunTwiceChangesNothingAndABadLineIsTold) {
  ImportReviews lines{{R"({"product_id":"p1","rating":5,"title":"Good","content":"Yes","user_details":{"name":"Chi"}})",
                       R"({"product_id":"p1","rating":6})",
                       R"({"product_id":"p1","rating":2,"title":"Poor","content":"No","user_details":{"name":"Bo"}})"}};
  const auto first = run(service->import_reviews(context, lines));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->lines[0].changed);
  EXPECT_EQ(first->lines[1].problem, "rating must be from 1 to 5");
  EXPECT_EQ(last_rating()->average, 3.5);
  const auto second = run(service->import_reviews(context, lines));
  EXPECT_FALSE(second->lines[0].changed);
  EXPECT_EQ(run(service->list_reviews(context, {.product_id = "p1"}))->data.size(), 2u);
}

TEST_F(Reviews, PagesInEveryOrderShowEachReviewOnce) {
  ImportReviews lines;
  for (int i = 0; i < 25; ++i) {
    lines.lines.push_back(R"({"product_id":"p1","rating":)" + std::to_string(1 + i % 5) + R"(,"title":"t)" +
                          std::to_string(i) + "\"}");
  }
  ASSERT_TRUE(run(service->import_reviews(context, lines)));
  for (const auto sort : {ReviewSort::newest, ReviewSort::helpful, ReviewSort::rating_desc, ReviewSort::rating_asc}) {
    std::set<std::string> seen;
    std::optional<json::Text<1, 300>> cursor;
    do {
      const auto page =
          run(service->list_reviews(context, {.product_id = "p1", .sort = sort, .limit = 7, .cursor = cursor}));
      ASSERT_TRUE(page);
      for (const auto& review : page->data) EXPECT_TRUE(seen.insert(review.review_id).second);
      cursor.reset();
      if (page->next_cursor) cursor = *page->next_cursor;
    } while (cursor);
    EXPECT_EQ(seen.size(), 25u) << json::enum_name(sort);
  }
  const auto bad = run(service->list_reviews(context, {.product_id = "p1", .cursor = "bm9uc2Vuc2U"}));
  EXPECT_EQ(bad.error().code, "request.invalid_cursor");
}

}  // namespace
}  // namespace souk::review
