#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"

// Coupons and promotions as they are kept. What they take off is discounts.hpp's, that they are used no more often than
// they may coupon_uses.hpp's.
namespace souk::order {

namespace coupons {

inline constexpr std::int64_t max_promotions = 100;  // that are active

// Whether a coupon or promotion can be as it is described: each wrong field is named.
Result<void> check(const NewCoupon& coupon);

}  // namespace coupons

class Coupons {
 public:
  explicit Coupons(pg::Pool& pool) : pool_(pool) {}

  // By its code in capitals.
  Task<std::optional<Coupon>> find(Context context, std::string code);
  // The active promotions, the highest priority first, at most max_promotions.
  Task<std::vector<Coupon>> promotions(Context context);
  // Of these, those that a customer has used as often as one may. The e-mail in small letters.
  Task<std::vector<Uuid>> used_up(Context context, std::vector<Uuid> ids, std::optional<Uuid> user_id,
                                  std::optional<std::string> email);

  Task<Result<Coupon>> create(Context context, NewCoupon request);
  Task<Result<Coupon>> get(Context context, CouponRef request);
  Task<Result<CouponPage>> list(Context context, ListCoupons request);
  Task<Result<Coupon>> patch(Context context, PatchCoupon request);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::order
