#include "service.hpp"

#include <set>

#include "errors.hpp"
#include "rules.hpp"

namespace souk::review {
namespace {

// A name as shops show it: "Ada L."
std::string shown_name(const user::User& user) {
  return user.last_name.empty() ? user.first_name : user.first_name + " " + user.last_name.substr(0, 1) + ".";
}

bool is_others(const Review& review, const Uuid& user_id) { return review.user_id != user_id.to_string(); }

}  // namespace

Task<Result<ReviewPage>> Service::list(Context context, ReviewQuery query, std::optional<std::string> cursor) {
  if (cursor) {
    query.after = rules::from_cursor(query.sort, *cursor);
    if (!query.after) co_return errors::invalid_cursor();
  }
  const auto limit = static_cast<std::size_t>(query.limit);
  const auto sort = query.sort;
  ++query.limit;  // one more tells whether there are more
  ReviewPage page;
  page.data = co_await repository_.list(std::move(context), std::move(query));
  page.has_more = page.data.size() > limit;
  if (page.has_more) {
    page.data.resize(limit);
    const auto& last = page.data.back();
    page.next_cursor = rules::to_cursor(sort, {rules::sort_key(sort, last), last.review_id});
  }
  co_return page;
}

Task<Result<ReviewPage>> Service::list_reviews(Context context, ListReviews request) {
  ReviewQuery query{.product_id = std::move(request.product_id),
                    .sort = request.sort.value_or(ReviewSort::newest),
                    .limit = request.limit};
  if (request.rating) query.rating = *request.rating;
  co_return co_await list(std::move(context), std::move(query), std::move(request.cursor));
}

Task<Result<ReviewPage>> Service::list_own_reviews(Context context, ListOwnReviews request) {
  ReviewQuery query{.user_id = request.user_id.to_string(), .limit = request.limit};
  co_return co_await list(std::move(context), std::move(query), std::move(request.cursor));
}

Task<Result<Review>> Service::create_review(Context context, CreateReview request) {
  SOUK_CO_TRY(const auto author, co_await users_.get_user(context.as_service("review"), {request.user_id}));
  SOUK_CO_TRY(const auto purchased,
              co_await orders_.has_purchased(context.as_service("review"), {request.user_id, request.product_id}));
  const auto review = rules::new_review(request, purchased.order_id, shown_name(author), now());
  auto change = co_await repository_.begin(context);
  if (!co_await change->insert(review)) co_return errors::already_reviewed();
  co_await change->commit();
  co_return review;
}

Task<Result<Review>> Service::change_review(Context context, ChangeReview request) {
  auto change = co_await repository_.begin(context);
  auto review = co_await change->lock(request.ref.review_id);
  if (!review || is_others(*review, request.ref.user_id)) co_return errors::not_found();
  const bool was_shown = review->status == ReviewStatus::approved;
  review->rating = request.review.rating;
  review->title = request.review.title;
  review->content = request.review.content;
  review->images = request.review.images.value_or(std::vector<ReviewImage>{});
  review->status = ReviewStatus::pending;
  review->updated_at = now();
  review->approved_at.reset();
  co_await change->replace(*review);
  if (was_shown) co_await change->announce_rating(review->product_id);
  co_await change->commit();
  co_return *review;
}

Task<Result<Done>> Service::delete_review(Context context, ReviewRef request) {
  auto change = co_await repository_.begin(context);
  const auto review = co_await change->lock(request.review_id);
  if (!review || is_others(*review, request.user_id)) co_return errors::not_found();
  co_await change->remove(request.review_id);
  if (review->status == ReviewStatus::approved) co_await change->announce_rating(review->product_id);
  co_await change->commit();
  co_return Done{};
}

Task<Result<Review>> Service::vote(Context context, Vote request) {
  auto change = co_await repository_.begin(context);
  auto review = co_await change->lock(request.review_id);
  if (!review || review->status != ReviewStatus::approved) co_return errors::not_found();
  if (!is_others(*review, request.user_id)) co_return errors::own_vote();
  const auto before = co_await change->set_vote(request.review_id, request.user_id, request.helpful);
  if (before) --(*before ? review->helpful_count : review->not_helpful_count);
  ++(request.helpful ? review->helpful_count : review->not_helpful_count);
  co_await change->replace(*review);
  co_await change->commit();
  co_return *review;
}

Task<Result<Review>> Service::moderate(Context context, Moderate request) {
  auto change = co_await repository_.begin(context);
  auto review = co_await change->lock(request.review_id);
  if (!review) co_return errors::not_found();
  review->status = request.status;
  review->moderation_notes = std::move(request.notes);
  review->updated_at = now();
  review->approved_at.reset();
  if (request.status == ReviewStatus::approved) review->approved_at = review->updated_at;
  co_await change->replace(*review);
  co_await change->announce_rating(review->product_id);
  co_await change->commit();
  co_return *review;
}

Task<Result<ImportedReviews>> Service::import_reviews(Context context, ImportReviews request) {
  ImportedReviews imported;
  std::vector<Review> reviews;
  for (const auto& line : request.lines) {
    auto review = rules::from_line(line);
    auto& result = imported.lines.emplace_back();
    if (!review) {
      result.problem = review.error().detail;
      continue;
    }
    result.review_id = review->review_id;
    reviews.push_back(*std::move(review));
  }
  std::map<std::string, std::string> product_of;
  for (const auto& review : reviews) product_of[review.review_id] = review.product_id;
  auto change = co_await repository_.begin(context);
  const auto inserted = co_await change->insert_missing(std::move(reviews));
  // In one order, because each announcement locks its product.
  std::set<std::string> products;
  for (const auto& id : inserted) products.insert(product_of.at(id));
  for (const auto& product : products) co_await change->announce_rating(product);
  co_await change->commit();
  const std::set<std::string> changed(inserted.begin(), inserted.end());
  for (auto& line : imported.lines) line.changed = changed.contains(line.review_id);
  co_return imported;
}

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await repository_.events(std::move(context), std::move(request));
}

}  // namespace souk::review
