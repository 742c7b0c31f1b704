#include "coupon_routes.hpp"

#include "errors.hpp"

namespace souk::order {

using http::Method, http::NoBody, http::NoQuery, http::Request;

struct CouponQuery {
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 50>> cursor;
};
BOOST_DESCRIBE_STRUCT(CouponQuery, (), (limit, cursor))

namespace {

// The same handlers for both: a promotion is a coupon that has no code.
struct Kind {
  bool is_promotion = false;
  Refusal not_found() const { return errors::coupon_not_found(is_promotion); }
};

Task<Result<Coupon>> create(Api& orders, Request request, NewCoupon body, Kind kind) {
  if (kind.is_promotion && body.code) {
    co_return errors::invalid_fields({{"code", "conflict", "is a coupon's; a promotion has a name"}});
  }
  if (!kind.is_promotion && !body.code) co_return errors::invalid_fields({{"code", "missing", "is required"}});
  co_return co_await orders.create_coupon(request.context, std::move(body));
}

Task<Result<CouponPage>> list(Api& orders, Request request, CouponQuery query, Kind kind) {
  ListCoupons wanted{.cursor = std::move(query.cursor), .promotions = kind.is_promotion};
  if (query.limit) wanted.limit = *query.limit;
  co_return co_await orders.list_coupons(request.context, std::move(wanted));
}

Task<Result<Coupon>> get(Api& orders, Request request, Kind kind) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return kind.not_found();
  co_return co_await orders.get_coupon(request.context, {.coupon_id = *id, .is_promotion = kind.is_promotion});
}

Task<Result<Coupon>> change(Api& orders, Request request, CouponChanges body, Kind kind) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return kind.not_found();
  co_return co_await orders.patch_coupon(
      request.context, {.coupon_id = *id, .changes = std::move(body), .is_promotion = kind.is_promotion});
}

constexpr Kind coupon{.is_promotion = false};
constexpr Kind promotion{.is_promotion = true};

void add_coupon_reads(http::Router& router, Api& orders) {
  router.add<NoBody, CouponQuery, CouponPage>(Method::GET, "/v1/admin/coupons",
                                              {.operation_id = "list_coupons",
                                               .summary = "All coupons, archived ones too, by code.",
                                               .tag = "Coupons",
                                               .access = http::Access::admin},
                                              [&orders](Request request, NoBody, CouponQuery query) {
                                                return list(orders, std::move(request), std::move(query), coupon);
                                              });
  router.add<NoBody, NoQuery, Coupon>(
      Method::GET, "/v1/admin/coupons/{id}",
      {.operation_id = "get_coupon",
       .summary = "A coupon, and how often it is used: by orders, and by checkouts under way.",
       .tag = "Coupons",
       .access = http::Access::admin,
       .errors = {"coupon.not_found"}},
      [&orders](Request request, NoBody, NoQuery) { return get(orders, std::move(request), coupon); });
}

void add_coupon_writes(http::Router& router, Api& orders) {
  router.add<NewCoupon, NoQuery, Coupon>(
      Method::POST, "/v1/admin/coupons",
      {.operation_id = "create_coupon",
       .summary =
           "Makes a coupon: percent (basis_points of the goods), fixed (an amount), free_shipping or buy_x_get_y (of "
           "each "
           "buy_quantity + get_quantity pieces the cheapest get_quantity are cheaper by basis_points), for all "
           "goods or for those of product_ids and category_ids. Codes are the same in capitals and small "
           "letters; a repeated request gets 409 coupon.code_taken.",
       .tag = "Coupons",
       .access = http::Access::admin,
       .success_status = 201,
       .errors = {"409 coupon.code_taken"}},
      [&orders](Request request, NewCoupon body, NoQuery) {
        return create(orders, std::move(request), std::move(body), coupon);
      });
  router.add<CouponChanges, NoQuery, Coupon>(
      Method::PATCH, "/v1/admin/coupons/{id}",
      {.operation_id = "change_coupon",
       .summary = "Archives a coupon (is_active false) or takes it up again, and changes its end and its limits. What "
                  "it takes off stays: for that there is a new code.",
       .tag = "Coupons",
       .access = http::Access::admin,
       .errors = {"coupon.not_found", "422 coupon.limit_below_uses"}},
      [&orders](Request request, CouponChanges body, NoQuery) {
        return change(orders, std::move(request), std::move(body), coupon);
      });
}

void add_promotion_reads(http::Router& router, Api& orders) {
  router.add<NoBody, CouponQuery, CouponPage>(Method::GET, "/v1/admin/promotions",
                                              {.operation_id = "list_promotions",
                                               .summary = "All promotions, archived ones too, oldest first.",
                                               .tag = "Promotions",
                                               .access = http::Access::admin},
                                              [&orders](Request request, NoBody, CouponQuery query) {
                                                return list(orders, std::move(request), std::move(query), promotion);
                                              });
  router.add<NoBody, NoQuery, Coupon>(
      Method::GET, "/v1/admin/promotions/{id}",
      {.operation_id = "get_promotion",
       .summary = "A promotion, and how often it is used: by orders, and by checkouts under way.",
       .tag = "Promotions",
       .access = http::Access::admin,
       .errors = {"promotion.not_found"}},
      [&orders](Request request, NoBody, NoQuery) { return get(orders, std::move(request), promotion); });
}

void add_promotion_writes(http::Router& router, Api& orders) {
  router.add<NewCoupon, NoQuery, Coupon>(
      Method::POST, "/v1/admin/promotions",
      {.operation_id = "create_promotion",
       .summary = "Makes a promotion: as a coupon, but every cart gets it that it fits, without a code. Those with "
                  "is_combinable are applied together, the higher priority first; any other stands alone, and the cart "
                  "gets what is best for it. Holds in all processes within ten seconds.",
       .tag = "Promotions",
       .access = http::Access::admin,
       .success_status = 201,
       .errors = {"409 promotion.too_many"}},
      [&orders](Request request, NewCoupon body, NoQuery) {
        return create(orders, std::move(request), std::move(body), promotion);
      });
  router.add<CouponChanges, NoQuery, Coupon>(
      Method::PATCH, "/v1/admin/promotions/{id}",
      {.operation_id = "change_promotion",
       .summary = "Archives a promotion (is_active false) or takes it up again, and changes its end and its limits. "
                  "What it takes off stays.",
       .tag = "Promotions",
       .access = http::Access::admin,
       .errors = {"promotion.not_found", "409 promotion.too_many", "422 coupon.limit_below_uses"}},
      [&orders](Request request, CouponChanges body, NoQuery) {
        return change(orders, std::move(request), std::move(body), promotion);
      });
}

}  // namespace

void add_coupon_routes(http::Router& router, Api& orders) {
  add_coupon_reads(router, orders);
  add_coupon_writes(router, orders);
  add_promotion_reads(router, orders);
  add_promotion_writes(router, orders);
}

}  // namespace souk::order
