#include "routes.hpp"

namespace souk::review {

using http::Access, http::Method, http::NoBody, http::NoQuery, http::Request;

struct ListQuery {
  std::optional<ReviewSort> sort;
  std::optional<json::Int<1, 5>> rating;
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListQuery, (), (sort, rating, limit, cursor))

struct PageQuery {
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(PageQuery, (), (limit, cursor))

struct VoteBody {
  bool helpful = true;
};
BOOST_DESCRIBE_STRUCT(VoteBody, (), (helpful))

struct ModerationBody {
  std::optional<json::Text<0, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(ModerationBody, (), (notes))

namespace {

Uuid caller_id(const Request& request) { return request.context.caller().user_id.value(); }

Task<Result<ReviewPage>> list(Api& reviews, Request request, ListQuery query) {
  co_return co_await reviews.list_reviews(request.context, {.product_id = request.parameter("id"),
                                                            .sort = query.sort,
                                                            .rating = query.rating,
                                                            .limit = query.limit.value_or(20),
                                                            .cursor = std::move(query.cursor)});
}

Task<Result<ReviewPage>> list_own(Api& reviews, Request request, PageQuery query) {
  co_return co_await reviews.list_own_reviews(
      request.context,
      {.user_id = caller_id(request), .limit = query.limit.value_or(20), .cursor = std::move(query.cursor)});
}

Task<Result<Review>> create(Api& reviews, Request request, ReviewBody body) {
  co_return co_await reviews.create_review(
      request.context,
      {.product_id = request.parameter("id"), .user_id = caller_id(request), .review = std::move(body)});
}

Task<Result<Review>> change(Api& reviews, Request request, ReviewBody body) {
  co_return co_await reviews.change_review(
      request.context,
      {.ref = {.review_id = request.parameter("id"), .user_id = caller_id(request)}, .review = std::move(body)});
}

Task<Result<void>> remove(Api& reviews, Request request) {
  SOUK_CO_CHECK(co_await reviews.delete_review(request.context,
                                               {.review_id = request.parameter("id"), .user_id = caller_id(request)}));
  co_return Result<void>{};
}

Task<Result<Review>> vote(Api& reviews, Request request, VoteBody body) {
  co_return co_await reviews.vote(
      request.context, {.review_id = request.parameter("id"), .user_id = caller_id(request), .helpful = body.helpful});
}

Task<Result<Review>> moderate(Api& reviews, Request request, ModerationBody body, ReviewStatus status) {
  Moderate moderation{.review_id = request.parameter("id"), .status = status};
  if (body.notes) moderation.notes = std::move(*body.notes);
  co_return co_await reviews.moderate(request.context, std::move(moderation));
}

void add_moderation(http::Router& router, Api& reviews, const std::string& word, ReviewStatus status) {
  router.add<ModerationBody, NoQuery, Review>(
      Method::POST, "/v1/admin/reviews/{id}/" + word,
      {.operation_id = word + "_review",
       .summary = status == ReviewStatus::approved ? "Shows a review" : "Rejects a review",
       .tag = "Reviews",
       .access = Access::admin,
       .errors = {"404 review.not_found"}},
      [&reviews, status](Request request, ModerationBody body, NoQuery) {
        return moderate(reviews, std::move(request), std::move(body), status);
      });
}

}  // namespace

void add_routes(http::Router& router, Api& reviews) {
  router.add<NoBody, ListQuery, ReviewPage>(Method::GET, "/v1/products/{id}/reviews",
                                            {.operation_id = "list_product_reviews",
                                             .summary = "Approved reviews of a product",
                                             .tag = "Reviews",
                                             .errors = {"400 request.invalid_cursor"}},
                                            [&reviews](Request request, NoBody, ListQuery query) {
                                              return list(reviews, std::move(request), std::move(query));
                                            });
  router.add<ReviewBody, NoQuery, Review>(Method::POST, "/v1/products/{id}/reviews",
                                          {.operation_id = "create_review",
                                           .summary = "Reviews a product; shown once it is approved",
                                           .tag = "Reviews",
                                           .access = Access::customer,
                                           .success_status = 201,
                                           .errors = {"409 review.already_reviewed"}},
                                          [&reviews](Request request, ReviewBody body, NoQuery) {
                                            return create(reviews, std::move(request), std::move(body));
                                          });
  router.add<NoBody, PageQuery, ReviewPage>(Method::GET, "/v1/me/reviews",
                                            {.operation_id = "list_own_reviews",
                                             .summary = "One's own reviews",
                                             .tag = "Reviews",
                                             .access = Access::customer},
                                            [&reviews](Request request, NoBody, PageQuery query) {
                                              return list_own(reviews, std::move(request), std::move(query));
                                            });
  router.add<ReviewBody, NoQuery, Review>(Method::PATCH, "/v1/reviews/{id}",
                                          {.operation_id = "change_review",
                                           .summary = "Changes one's own review; it is looked at anew",
                                           .tag = "Reviews",
                                           .access = Access::customer,
                                           .errors = {"404 review.not_found"}},
                                          [&reviews](Request request, ReviewBody body, NoQuery) {
                                            return change(reviews, std::move(request), std::move(body));
                                          });
  router.add<NoBody, NoQuery, void>(
      Method::DELETE, "/v1/reviews/{id}",
      {.operation_id = "delete_review",
       .summary = "Deletes one's own review",
       .tag = "Reviews",
       .access = Access::customer,
       .success_status = 204,
       .errors = {"404 review.not_found"}},
      [&reviews](Request request, NoBody, NoQuery) { return remove(reviews, std::move(request)); });
  router.add<VoteBody, NoQuery, Review>(
      Method::PUT, "/v1/reviews/{id}/vote",
      {.operation_id = "vote_review",
       .summary = "Says whether a review is helpful; the last vote counts",
       .tag = "Reviews",
       .access = Access::customer,
       .errors = {"404 review.not_found", "422 review.own_vote"}},
      [&reviews](Request request, VoteBody body, NoQuery) { return vote(reviews, std::move(request), body); });
  add_moderation(router, reviews, "approve", ReviewStatus::approved);
  add_moderation(router, reviews, "reject", ReviewStatus::rejected);
}

}  // namespace souk::review
