#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "order/api.hpp"

// What coupons and promotions take off a cart. Pure and exact; the cost does not depend on quantities.
//
// Which of them, stated once: those that may be combined are applied one after the other, the higher priority first and
// of the same the older one, each to what the ones before left. Any other stands alone. Of the combination, each that
// stands alone, and none at all, the cart gets what makes goods and shipping cheapest; the same for the coupon's sake
// with the coupon.
namespace souk::order::discounts {

// A line of the cart.
struct Piece {
  Amount unit_price;
  std::int64_t quantity = 1;
  std::string_view product_id;
  std::string_view category_id;
};

// What one coupon takes off.
struct Worth {
  std::vector<Amount> lines;  // of each line, at most what is left of it
  Amount discount;            // their sum
  bool free_shipping = false;
};

// `left`: what the discounts before it left of each line. coupon.unknown, coupon.expired, coupon.used_up,
// coupon.not_applicable, coupon.minimum_not_reached (which counts the goods as they are shown).
Result<Worth> worth(const Coupon& coupon, const std::vector<Piece>& pieces, const std::vector<Amount>& left,
                    std::string_view currency, Timestamp now);

// The value of each line as it is shown.
std::vector<Amount> values_of(const std::vector<Piece>& pieces);

struct Applied {
  Coupon coupon;
  Worth worth;
};

// What a cart gets in all.
struct Choice {
  std::vector<Applied> applied;
  std::vector<Amount> lines;
  Amount discount;
  bool free_shipping = false;
};

// What shipping costs where this much is taken off the goods.
using Shipping = std::function<Amount(Amount discount)>;

// `coupon` is the cart's; its refusals are those of worth(). Of the promotions those count that hold now.
Result<Choice> choose(const std::optional<Coupon>& coupon, const std::vector<Coupon>& promotions,
                      const std::vector<Piece>& pieces, std::string_view currency, Timestamp now,
                      const Shipping& shipping);

}  // namespace souk::order::discounts
