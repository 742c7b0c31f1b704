#include "service.hpp"

#include <gtest/gtest.h>

#include <future>
#include <set>

#include "events/outbox.hpp"
#include "fakes_for_test.hpp"
#include "http/message.hpp"
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
    service.emplace(*repository, orders, users, &catalog, false);
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
  FakeCatalog catalog;
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

TEST_F(Reviews, OfAProductThatDoesNotExistAreNotFound) {
  CreateReview request{.product_id = "p2", .user_id = Uuid::v7()};
  request.review = {.rating = 4, .title = "Fine", .content = "It works."};
  EXPECT_EQ(run(service->create_review(context, request)).error().code, "catalog.product_not_found");
  EXPECT_EQ(run(service->list_reviews(context, {.product_id = "p2"})).error().code, "catalog.product_not_found");
}

TEST_F(Reviews, AreFoundByTheSlugOfTheProductToo) {
  CreateReview request{.product_id = "product-one", .user_id = Uuid::v7()};
  request.review = {.rating = 4, .title = "Fine", .content = "It works."};
  const auto review = run(service->create_review(context, request)).value();
  EXPECT_EQ(review.product_id, "p1");
  ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id})));
  EXPECT_EQ(run(service->list_reviews(context, {.product_id = "product-one"}))->data.size(), 1u);
}

TEST_F(Reviews, ThatWaitAreSeenByTheirAuthorAndAdministratorsOnly) {
  const auto author = Uuid::v7();
  const GetReview request{write_review(author).review_id};
  const auto as = [](Caller::Kind kind, Uuid id) { return testing::test_context({.kind = kind, .user_id = id}); };
  EXPECT_EQ(run(service->get_review(context, request)).error().code, "review.not_found");
  EXPECT_FALSE(run(service->get_review(as(Caller::Kind::customer, Uuid::v7()), request)));
  EXPECT_TRUE(run(service->get_review(as(Caller::Kind::customer, author), request)));
  EXPECT_TRUE(run(service->get_review(as(Caller::Kind::admin, Uuid::v7()), request)));
  EXPECT_EQ(run(service->list_all_reviews(context, {.status = ReviewStatus::pending}))->data.size(), 1u);
  EXPECT_EQ(run(service->list_all_reviews(context, {.status = ReviewStatus::rejected}))->data.size(), 0u);
  EXPECT_EQ(run(service->list_all_reviews(context, {}))->data.size(), 1u);
}

TEST_F(Reviews, DoNotTellOthersOfTheOrder) {
  orders.buyer = Uuid::v7();
  orders.order_id = Uuid::v7();
  const auto review = write_review(orders.buyer);
  ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id, .notes = "a good one"})));
  const auto shown = run(service->list_reviews(context, {.product_id = "p1"}))->data.at(0);
  EXPECT_TRUE(shown.is_verified_purchase);
  EXPECT_FALSE(shown.order_id);
  EXPECT_FALSE(shown.moderation_notes);
}

TEST_F(Reviews, WaitAgainWhenTheyAreChangedAndLeaveTheRating) {
  const auto author = Uuid::v7();
  const auto review = write_review(author);
  ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id})));
  const auto tag = http::etag_of(json::write(run(service->get_review(context, {review.review_id})).value()));
  const ReviewRef ref{.review_id = review.review_id, .user_id = author, .if_match = tag};
  const auto changed = run(service->change_review(context, {ref, {.rating = 1}}));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->status, ReviewStatus::pending);
  EXPECT_EQ(changed->rating.value, 1);
  EXPECT_EQ(changed->title, review.title);
  EXPECT_EQ(last_rating()->count, 0);
  EXPECT_EQ(run(service->change_review(context, {ref, {.rating = 2}})).error().code, "request.precondition_failed");
}

TEST_F(Reviews, ThatWereRejectedStayRejectedOnceAnotherIsThere) {
  const auto author = Uuid::v7();
  const auto first = write_review(author);
  ASSERT_TRUE(run(service->moderate(context, {.review_id = first.review_id, .status = ReviewStatus::rejected})));
  write_review(author);
  EXPECT_EQ(run(service->moderate(context, {.review_id = first.review_id})).error().code, "review.already_reviewed");
  const ReviewRef ref{.review_id = first.review_id, .user_id = author};
  EXPECT_EQ(run(service->change_review(context, {ref, {.rating = 5}})).error().code, "review.already_reviewed");
}

TEST_F(Reviews, AreDeletedByTheirAuthorOrAnAdministratorAndLeaveTheRating) {
  const auto author = Uuid::v7();
  for (const bool by_admin : {false, true}) {
    const auto review = write_review(author);
    ASSERT_TRUE(run(service->moderate(context, {.review_id = review.review_id})));
    EXPECT_EQ(last_rating()->count, 1);
    const auto who = by_admin ? Uuid::v7() : author;
    const Caller caller{.kind = by_admin ? Caller::Kind::admin : Caller::Kind::customer, .user_id = who};
    const auto as = testing::test_context(caller);
    EXPECT_TRUE(run(service->delete_review(as, {.review_id = review.review_id, .user_id = who})));
    EXPECT_EQ(last_rating()->count, 0);
  }
}

TEST_F(Reviews, AreShownAtOnceWhereTheSettingSaysSo) {
  Service at_once(*repository, orders, users, &catalog, true);
  CreateReview request{.product_id = "p1", .user_id = Uuid::v7()};
  request.review = {.rating = 2, .title = "Fine", .content = "It works."};
  EXPECT_EQ(run(at_once.create_review(context, request))->status, ReviewStatus::approved);
  EXPECT_EQ(last_rating()->average, 2);
}

TEST_F(Reviews, RatingsAreRightHoweverManyAreApprovedAtOnce) {
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(write_review(Uuid::v7(), 1 + i % 5).review_id);
  std::vector<std::future<bool>> approvals;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    approvals.push_back(std::async(std::launch::async, [&, i] {
      return run(service->moderate(context, {.review_id = ids[i]}), i % 2).has_value();
    }));
  }
  for (auto& approval : approvals) EXPECT_TRUE(approval.get());
  EXPECT_EQ(last_rating()->count, 20);
  EXPECT_EQ(last_rating()->average, 3);
}

TEST_F(Reviews, ListsAreReadFromTheirIndexes) {
  database->sql(
      "INSERT INTO reviews (document) SELECT jsonb_build_object('review_id', 'r' || i, 'product_id', 'p' || i % 50, "
      "'user_id', 'u' || i, 'rating', 1 + i % 5, 'helpful_count', i % 7, 'status', 'approved', 'created_at', "
      "'2026-01-01T00:00:00Z') FROM generate_series(1, 5000) AS i; ANALYZE reviews");
  const std::string where =
      "EXPLAIN (FORMAT JSON) SELECT document FROM reviews WHERE document->>'product_id' = 'p1' AND "
      "document->>'status' = 'approved' ORDER BY ";
  const auto uses = [&](const std::string& order, const std::string& index) {
    const auto plan = database->sql(where + order + " LIMIT 20");
    EXPECT_NE(plan.find(index), std::string::npos) << plan;
    EXPECT_EQ(plan.find("\"Sort\""), std::string::npos) << plan;
  };
  const std::string id = "document->>'review_id'";
  uses("document_time(document->>'created_at') DESC, " + id + " DESC", "reviews_of_product");
  uses("(document->>'helpful_count')::integer DESC, " + id + " DESC", "reviews_most_helpful");
  uses("(document->>'rating')::integer DESC, " + id + " DESC", "reviews_by_rating");
  uses("(document->>'rating')::integer, " + id, "reviews_by_rating");
}

}  // namespace
}  // namespace souk::review
