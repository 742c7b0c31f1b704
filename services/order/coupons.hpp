#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/result.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"

// Coupons: what a code takes off. That it is used no more often than it may is coupon_uses.hpp's.
namespace souk::order {

namespace coupons {

// What a coupon takes off an order.
struct Worth {
  Amount discount;  // of the goods, at most all of them
  bool free_shipping = false;
};

// `goods`: the value of the cart as it is shown, before any discount. coupon.unknown, coupon.expired, coupon.used_up,
// coupon.not_applicable, coupon.minimum_not_reached
Result<Worth> worth(const Coupon& coupon, Amount goods, std::string_view currency, Timestamp now);

// Whether a coupon can be as it is described: each wrong field is named.
Result<void> check(const NewCoupon& coupon);

}  // namespace coupons

class Coupons {
 public:
  explicit Coupons(pg::Pool& pool) : pool_(pool) {}

  // By its code in capitals.
  Task<std::optional<Coupon>> find(Context context, std::string code);

  Task<Result<Coupon>> create(Context context, NewCoupon request);
  Task<Result<Coupon>> get(Context context, Uuid id);
  Task<Result<CouponPage>> list(Context context, ListCoupons request);
  Task<Result<Coupon>> patch(Context context, PatchCoupon request);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::order
