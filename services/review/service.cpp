#include "service.hpp"

#include <set>

#include "errors.hpp"
#include "http/message.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"

namespace souk::review {
namespace {

constexpr auto housekeeping_interval = std::chrono::hours(1);

bool matches(const std::optional<std::string>& if_match, const Review& review) {
  return !if_match || http::lists_etag(*if_match, http::etag_of(json::write(review)));
}

bool is_others(const Review& review, const Uuid& user_id) { return review.user_id != user_id.to_string(); }

}  // namespace

void Service::start(TaskGroup& group) { group.spawn("review.housekeeping", keep_house(group)); }

Task<> Service::keep_house(TaskGroup& group) {
  do {
    try {
      co_await repository_.keep_house(Context::background("review", std::chrono::minutes(1)));
    } catch (const std::exception& e) {
      log::warning("review housekeeping failed and is tried again", log::kv("why", std::string_view(e.what())));
    }
  } while (co_await group.sleep(housekeeping_interval));
}

Task<Result<std::string>> Service::find_product(Context context, std::string id_or_slug) {
  if (catalog_ == nullptr) co_return id_or_slug;
  SOUK_CO_TRY(auto product, co_await catalog_->get_product(std::move(context), {.id_or_slug = std::move(id_or_slug)}));
  co_return std::move(product.product_id);
}

Task<Result<ReviewPage>> Service::list(Context context, ReviewQuery query, std::optional<std::string> cursor) {
  if (cursor) {
    query.after = rules::from_cursor(query.sort, *cursor);
    if (!query.after) co_return errors::invalid_cursor();
  }
  const auto limit = static_cast<std::size_t>(query.limit);
  const auto sort = query.sort;
  ++query.limit;  // one more tells whether there are more
  ReviewPage page;
  page.data = co_await repository_.list(context, std::move(query));
  page.has_more = page.data.size() > limit;
  if (page.has_more) {
    page.data.resize(limit);
    const auto& last = page.data.back();
    page.next_cursor = rules::to_cursor(sort, {rules::sort_key(sort, last), last.review_id});
  }
  for (auto& review : page.data) review = rules::shown_to(context.caller(), std::move(review));
  co_return page;
}

Task<Result<ReviewPage>> Service::list_reviews(Context context, ListReviews request) {
  ReviewQuery query{.product_id = std::move(request.product_id),
                    .sort = request.sort.value_or(ReviewSort::newest),
                    .limit = request.limit};
  if (request.rating) query.rating = *request.rating;
  auto page = co_await list(context, query, request.cursor);
  if (!page || !page->data.empty() || request.cursor) co_return page;
  // No reviews, no such product, or its slug.
  SOUK_CO_TRY(auto product_id, co_await find_product(context, *query.product_id));
  if (product_id == query.product_id) co_return page;
  query.product_id = std::move(product_id);
  co_return co_await list(std::move(context), std::move(query), std::nullopt);
}

Task<Result<ReviewPage>> Service::list_own_reviews(Context context, ListOwnReviews request) {
  ReviewQuery query{.user_id = request.user_id.to_string(), .limit = request.limit};
  co_return co_await list(std::move(context), std::move(query), std::move(request.cursor));
}

Task<Result<ReviewPage>> Service::list_all_reviews(Context context, ListAllReviews request) {
  ReviewQuery query{.status = request.status, .limit = request.limit};
  co_return co_await list(std::move(context), std::move(query), std::move(request.cursor));
}

Task<Result<Review>> Service::get_review(Context context, GetReview request) {
  auto review = co_await repository_.find(context, std::move(request.review_id));
  if (!review || !rules::may_see(context.caller(), *review)) co_return errors::not_found();
  co_return rules::shown_to(context.caller(), *std::move(review));
}

Task<Result<Review>> Service::create_review(Context context, CreateReview request) {
  SOUK_CO_CHECK(rules::check(request.review));
  SOUK_CO_TRY(request.product_id, co_await find_product(context, request.product_id));
  SOUK_CO_TRY(const auto author, co_await users_.get_user(context.as_service("review"), {request.user_id}));
  SOUK_CO_TRY(const auto purchased,
              co_await orders_.has_purchased(context.as_service("review"), {request.user_id, request.product_id}));
  auto review =
      rules::new_review(request, purchased.order_id, rules::shown_name(author.first_name, author.last_name), now());
  if (auto_approve_) rules::set_status(review, ReviewStatus::approved, review.created_at);
  auto change = co_await repository_.begin(context);
  if (!co_await change->insert(review)) co_return errors::already_reviewed();
  if (auto_approve_) co_await change->announce_rating(review.product_id);
  co_await change->commit();
  co_return review;
}

Task<Result<Review>> Service::change_review(Context context, ChangeReview request) {
  SOUK_CO_CHECK(rules::check(request.changes));
  auto change = co_await repository_.begin(context);
  auto review = co_await change->lock(request.ref.review_id);
  if (!review || is_others(*review, request.ref.user_id)) co_return errors::not_found();
  if (!matches(request.ref.if_match, *review)) co_return errors::precondition_failed();
  const bool was_shown = review->status == ReviewStatus::approved;
  rules::apply(*review, request.changes, now());
  if (auto_approve_) rules::set_status(*review, ReviewStatus::approved, review->updated_at);
  if (!co_await change->replace(*review)) co_return errors::already_reviewed();
  if (was_shown || auto_approve_) co_await change->announce_rating(review->product_id);
  co_await change->commit();
  co_return *review;
}

Task<Result<Done>> Service::delete_review(Context context, ReviewRef request) {
  auto change = co_await repository_.begin(context);
  const auto review = co_await change->lock(request.review_id);
  if (!review || (is_others(*review, request.user_id) && !context.caller().is_admin())) co_return errors::not_found();
  if (!matches(request.if_match, *review)) co_return errors::precondition_failed();
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
  if (!co_await change->replace(*review)) co_return errors::not_found();
  co_await change->commit();
  co_return rules::shown_to(context.caller(), *std::move(review));
}

Task<Result<Review>> Service::moderate(Context context, Moderate request) {
  auto change = co_await repository_.begin(context);
  auto review = co_await change->lock(request.review_id);
  if (!review) co_return errors::not_found();
  if (review->status == request.status && !request.notes) co_return *review;
  const bool was_shown = review->status == ReviewStatus::approved;
  const bool is_shown = request.status == ReviewStatus::approved;
  review->moderation_notes = std::move(request.notes);
  rules::set_status(*review, request.status, now());
  if (!co_await change->replace(*review)) co_return errors::already_reviewed();
  if (was_shown != is_shown) co_await change->announce_rating(review->product_id);
  co_await change->commit();
  co_return *review;
}

Task<Result<ImportedReviews>> Service::import_reviews(Context context, ImportReviews request) {
  if (request.lines.size() > rules::max_import) {
    co_return errors::invalid({{"lines", "length", "must be at most 1000"}});
  }
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
