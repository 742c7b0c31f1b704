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

struct AllReviewsQuery {
  std::optional<ReviewStatus> status;
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 300>> cursor;
};
BOOST_DESCRIBE_STRUCT(AllReviewsQuery, (), (status, limit, cursor))

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

// The caller's review that the path names.
ReviewRef ref_of(const Request& request) {
  ReviewRef ref{.review_id = request.parameter("id"), .user_id = caller_id(request)};
  if (const auto value = request.header("If-Match"); !value.empty()) ref.if_match = std::string(value);
  return ref;
}

Task<Result<Review>> change(Api& reviews, Request request, ReviewChanges body) {
  co_return co_await reviews.change_review(request.context, {.ref = ref_of(request), .changes = std::move(body)});
}

Task<Result<ReviewPage>> list_all(Api& reviews, Request request, AllReviewsQuery query) {
  co_return co_await reviews.list_all_reviews(
      request.context, {.status = query.status, .limit = query.limit.value_or(20), .cursor = std::move(query.cursor)});
}

Task<Result<void>> remove(Api& reviews, Request request) {
  SOUK_CO_CHECK(co_await reviews.delete_review(request.context, ref_of(request)));
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
       .summary = status == ReviewStatus::approved ? "Shows a review, and counts its rating."
                                                   : "Hides a review; its author may write another.",
       .tag = "Reviews",
       .access = Access::admin,
       .errors = {"404 review.not_found", "409 review.already_reviewed"}},
      [&reviews, status](Request request, ModerationBody body, NoQuery) {
        return moderate(reviews, std::move(request), std::move(body), status);
      });
}

void add_product_routes(http::Router& router, Api& reviews) {
  router.add<NoBody, ListQuery, ReviewPage>(
      Method::GET, "/v1/products/{id}/reviews",
      {.operation_id = "list_product_reviews",
       .summary = "Approved reviews of a product: the newest, the most helpful, or by rating.",
       .tag = "Reviews",
       .errors = {"404 catalog.product_not_found", "400 request.invalid_cursor"}},
      [&reviews](Request request, NoBody, ListQuery query) {
        return list(reviews, std::move(request), std::move(query));
      });
  router.add<ReviewBody, NoQuery, Review>(
      Method::POST, "/v1/products/{id}/reviews",
      {.operation_id = "create_review",
       .summary =
           "Reviews a product, once. It is shown when it is approved, and marked as that of a buyer when you have "
           "bought the product.",
       .tag = "Reviews",
       .access = Access::customer,
       .success_status = 201,
       .errors = {"404 catalog.product_not_found", "409 review.already_reviewed"}},
      [&reviews](Request request, ReviewBody body, NoQuery) {
        return create(reviews, std::move(request), std::move(body));
      });
}

void add_own_routes(http::Router& router, Api& reviews) {
  router.add<NoBody, PageQuery, ReviewPage>(Method::GET, "/v1/me/reviews",
                                            {.operation_id = "list_own_reviews",
                                             .summary = "Your reviews of any status, newest first.",
                                             .tag = "Reviews",
                                             .access = Access::customer,
                                             .errors = {"400 request.invalid_cursor"}},
                                            [&reviews](Request request, NoBody, PageQuery query) {
                                              return list_own(reviews, std::move(request), std::move(query));
                                            });
  router.add<ReviewChanges, NoQuery, Review>(
      Method::PATCH, "/v1/reviews/{id}",
      {.operation_id = "change_review",
       .summary = "Changes the given fields of your review. It is looked at anew before it is shown.",
       .tag = "Reviews",
       .access = Access::customer,
       .errors = {"404 review.not_found", "409 review.already_reviewed", "412 request.precondition_failed"}},
      [&reviews](Request request, ReviewChanges body, NoQuery) {
        return change(reviews, std::move(request), std::move(body));
      });
  router.add<NoBody, NoQuery, void>(
      Method::DELETE, "/v1/reviews/{id}",
      {.operation_id = "delete_review",
       .summary = "Deletes your review; as an administrator, any.",
       .tag = "Reviews",
       .access = Access::customer,
       .success_status = 204,
       .errors = {"404 review.not_found", "412 request.precondition_failed"}},
      [&reviews](Request request, NoBody, NoQuery) { return remove(reviews, std::move(request)); });
}

void add_open_routes(http::Router& router, Api& reviews) {
  router.add<NoBody, NoQuery, Review>(Method::GET, "/v1/reviews/{id}",
                                      {.operation_id = "get_review",
                                       .summary = "One review.",
                                       .tag = "Reviews",
                                       .errors = {"404 review.not_found"},
                                       .conditional = true},
                                      [&reviews](Request request, NoBody, NoQuery) {
                                        return reviews.get_review(request.context,
                                                                  {.review_id = request.parameter("id")});
                                      });
  router.add<VoteBody, NoQuery, Review>(
      Method::PUT, "/v1/reviews/{id}/vote",
      {.operation_id = "vote_review",
       .summary = "Says whether a review is helpful; your last vote counts.",
       .tag = "Reviews",
       .access = Access::customer,
       .errors = {"404 review.not_found", "422 review.own_vote"}},
      [&reviews](Request request, VoteBody body, NoQuery) { return vote(reviews, std::move(request), body); });
}

}  // namespace

void add_routes(http::Router& router, Api& reviews) {
  add_product_routes(router, reviews);
  add_own_routes(router, reviews);
  add_open_routes(router, reviews);
  router.add<NoBody, AllReviewsQuery, ReviewPage>(
      Method::GET, "/v1/admin/reviews",
      {.operation_id = "list_all_reviews",
       .summary = "Reviews of all products, newest first; those that wait with status=pending.",
       .tag = "Reviews",
       .access = Access::admin,
       .errors = {"400 request.invalid_cursor"}},
      [&reviews](Request request, NoBody, AllReviewsQuery query) {
        return list_all(reviews, std::move(request), std::move(query));
      });
  add_moderation(router, reviews, "approve", ReviewStatus::approved);
  add_moderation(router, reviews, "reject", ReviewStatus::rejected);
}

}  // namespace souk::review
