#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "events/event.hpp"
#include "json/json.hpp"

// Reviews of products (database review_db). Documents have the members of the spec.
namespace souk::review {

BOOST_DEFINE_ENUM_CLASS(ReviewStatus, pending, approved, rejected)

struct ReviewImage {
  json::Text<1, 2000> url;
  std::optional<json::Text<0, 500>> alt;
};
BOOST_DESCRIBE_STRUCT(ReviewImage, (), (url, alt))
struct UserDetails {
  json::Text<0, 200> name;
  std::optional<json::Text<0, 2000>> avatar_url;
};
BOOST_DESCRIBE_STRUCT(UserDetails, (), (name, avatar_url))

struct Review {
  std::string review_id;
  std::string product_id;
  std::string user_id;
  std::optional<std::string> order_id;
  json::Int<1, 5> rating = 5;
  std::string title;
  std::string content;
  std::vector<ReviewImage> images;
  bool is_verified_purchase = false;
  std::int64_t helpful_count = 0;
  std::int64_t not_helpful_count = 0;
  ReviewStatus status = ReviewStatus::pending;
  std::optional<std::string> moderation_notes;
  UserDetails user_details;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> approved_at;
};
BOOST_DESCRIBE_STRUCT(Review, (),
                      (review_id, product_id, user_id, order_id, rating, title, content, images, is_verified_purchase,
                       helpful_count, not_helpful_count, status, moderation_notes, user_details, created_at, updated_at,
                       approved_at))

struct ReviewBody {
  json::Int<1, 5> rating;
  json::Text<1, 200> title;
  json::Text<1, 10000> content;
  std::optional<std::vector<ReviewImage>> images;
};
BOOST_DESCRIBE_STRUCT(ReviewBody, (), (rating, title, content, images))
struct CreateReview {
  std::string product_id;
  Uuid user_id;
  ReviewBody review;
};
BOOST_DESCRIBE_STRUCT(CreateReview, (), (product_id, user_id, review))

BOOST_DEFINE_ENUM_CLASS(ReviewSort, newest, helpful, rating_desc, rating_asc)
struct ListReviews {
  std::string product_id;
  std::optional<ReviewSort> sort;
  std::optional<json::Int<1, 5>> rating;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListReviews, (), (product_id, sort, rating, limit, cursor))
struct ReviewPage {
  std::vector<Review> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ReviewPage, (), (data, has_more, next_cursor))

// Lines of an import file: product_id, rating, title, content, user_details, and what else the document has. They
// come in approved. A line's id is made from its content where it has none, so a second run changes nothing.
struct ImportReviews {
  std::vector<std::string> lines;  // at most 1000
};
BOOST_DESCRIBE_STRUCT(ImportReviews, (), (lines))
struct ImportedLine {
  std::string review_id;
  bool changed = false;
  std::optional<std::string> problem;
};
BOOST_DESCRIBE_STRUCT(ImportedLine, (), (review_id, changed, problem))
struct ImportedReviews {
  std::vector<ImportedLine> lines;
};
BOOST_DESCRIBE_STRUCT(ImportedReviews, (), (lines))

// Events: "rating.changed" (key product_id).
struct RatingChanged {
  std::string product_id;
  double average = 0;  // of approved reviews, two decimals
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(RatingChanged, (), (product_id, average, count))

struct ListOwnReviews {
  Uuid user_id;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListOwnReviews, (), (user_id, limit, cursor))
// For administrators: of all products and statuses.
struct ListAllReviews {
  std::optional<ReviewStatus> status;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListAllReviews, (), (status, limit, cursor))
struct GetReview {
  std::string review_id;
};
BOOST_DESCRIBE_STRUCT(GetReview, (), (review_id))
struct ReviewRef {
  std::string review_id;
  Uuid user_id;  // whose it must be
  // The If-Match header: request.precondition_failed when the review has another entity tag by now.
  std::optional<std::string> if_match{};
};
BOOST_DESCRIBE_STRUCT(ReviewRef, (), (review_id, user_id, if_match))
struct ReviewChanges {
  std::optional<json::Int<1, 5>> rating;
  std::optional<json::Text<1, 200>> title;
  std::optional<json::Text<1, 10000>> content;
  std::optional<std::vector<ReviewImage>> images;
};
BOOST_DESCRIBE_STRUCT(ReviewChanges, (), (rating, title, content, images))
struct ChangeReview {
  ReviewRef ref;
  ReviewChanges changes;
};
BOOST_DESCRIBE_STRUCT(ChangeReview, (), (ref, changes))
struct Vote {
  std::string review_id;
  Uuid user_id;
  bool helpful = true;
};
BOOST_DESCRIBE_STRUCT(Vote, (), (review_id, user_id, helpful))
struct Moderate {
  std::string review_id;
  ReviewStatus status = ReviewStatus::approved;  // approved or rejected
  std::optional<std::string> notes;
};
BOOST_DESCRIBE_STRUCT(Moderate, (), (review_id, status, notes))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

class Api {
 public:
  virtual ~Api() = default;
  // Approved ones only. Others than the author and administrators see neither the order nor the notes.
  // catalog.product_not_found, request.invalid_cursor
  virtual Task<Result<ReviewPage>> list_reviews(Context context, ListReviews request) = 0;
  // review.not_found for what is not approved, but for its author and administrators.
  virtual Task<Result<Review>> get_review(Context context, GetReview request) = 0;
  // review.already_reviewed, catalog.product_not_found
  virtual Task<Result<Review>> create_review(Context context, CreateReview request) = 0;
  virtual Task<Result<ReviewPage>> list_own_reviews(Context context, ListOwnReviews request) = 0;
  virtual Task<Result<ReviewPage>> list_all_reviews(Context context, ListAllReviews request) = 0;
  // review.not_found, also for somebody else's; review.already_reviewed. A changed review is looked at anew.
  virtual Task<Result<Review>> change_review(Context context, ChangeReview request) = 0;
  // An administrator may delete anybody's.
  virtual Task<Result<Done>> delete_review(Context context, ReviewRef request) = 0;
  // review.not_found, review.own_vote
  virtual Task<Result<Review>> vote(Context context, Vote request) = 0;
  // Doing it twice is not an error. review.already_reviewed where the customer has written another one since.
  virtual Task<Result<Review>> moderate(Context context, Moderate request) = 0;
  virtual Task<Result<ImportedReviews>> import_reviews(Context context, ImportReviews request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::review
