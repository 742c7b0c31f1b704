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

Task<Result<Coupon>> create(Api& orders, Request request, NewCoupon body) {
  co_return co_await orders.create_coupon(request.context, std::move(body));
}

Task<Result<CouponPage>> list(Api& orders, Request request, CouponQuery query) {
  ListCoupons wanted{.cursor = std::move(query.cursor)};
  if (query.limit) wanted.limit = *query.limit;
  co_return co_await orders.list_coupons(request.context, std::move(wanted));
}

Task<Result<Coupon>> get(Api& orders, Request request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::coupon_not_found();
  co_return co_await orders.get_coupon(request.context, {.coupon_id = *id});
}

Task<Result<Coupon>> change(Api& orders, Request request, CouponChanges body) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::coupon_not_found();
  co_return co_await orders.patch_coupon(request.context, {.coupon_id = *id, .changes = std::move(body)});
}

void add_reads(http::Router& router, Api& orders) {
  router.add<NoBody, CouponQuery, CouponPage>(Method::GET, "/v1/admin/coupons",
                                              {.operation_id = "list_coupons",
                                               .summary = "All coupons, archived ones too, by code.",
                                               .tag = "Coupons",
                                               .access = http::Access::admin},
                                              [&orders](Request request, NoBody, CouponQuery query) {
                                                return list(orders, std::move(request), std::move(query));
                                              });
  router.add<NoBody, NoQuery, Coupon>(
      Method::GET, "/v1/admin/coupons/{id}",
      {.operation_id = "get_coupon",
       .summary = "A coupon, and how often it is used: by orders, and by checkouts under way.",
       .tag = "Coupons",
       .access = http::Access::admin,
       .errors = {"coupon.not_found"}},
      [&orders](Request request, NoBody, NoQuery) { return get(orders, std::move(request)); });
}

}  // namespace

void add_coupon_routes(http::Router& router, Api& orders) {
  add_reads(router, orders);
  router.add<NewCoupon, NoQuery, Coupon>(
      Method::POST, "/v1/admin/coupons",
      {.operation_id = "create_coupon",
       .summary = "Makes a coupon: percent (basis_points of the goods), fixed (an amount) or free_shipping. Codes are "
                  "the same in capitals and small letters; a repeated request gets 409 coupon.code_taken.",
       .tag = "Coupons",
       .access = http::Access::admin,
       .success_status = 201,
       .errors = {"409 coupon.code_taken"}},
      [&orders](Request request, NewCoupon body, NoQuery) {
        return create(orders, std::move(request), std::move(body));
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
        return change(orders, std::move(request), std::move(body));
      });
}

}  // namespace souk::order
