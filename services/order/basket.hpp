#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cart/api.hpp"
#include "catalog/api.hpp"
#include "coupons.hpp"
#include "details.hpp"
#include "discounts.hpp"
#include "pricing.hpp"
#include "rates.hpp"

namespace souk::order {

// A cart's lines with what the catalog says of them now, and what they cost in all.
struct Basket {
  cart::CheckoutLines cart;
  std::vector<catalog::SellableItem> items;  // one a line
  std::string currency;
  std::string shipping_method;
  pricing::Totals totals;
  std::shared_ptr<const Rates> rates;
  discounts::Choice discounts;  // what they take off is in the totals
};

// Where it goes, how, and to whom. Without an address there is no tax; without a method the first one that is offered;
// promotions that are limited a customer need to know who it is, and hold for one that is not known.
struct Destination {
  std::optional<Address> address;
  std::optional<std::string> shipping_method;
  std::optional<Uuid> user_id;
  std::optional<std::string> email;  // in small letters
};

class Baskets {
 public:
  Baskets(cart::Api& carts, catalog::Api& catalog, RatesCache& rates, Coupons& coupons)
      : carts_(carts), catalog_(catalog), rates_(rates), coupons_(coupons) {}

  // The one way to a price, for quotes and checkouts. cart.not_found, cart.empty, cart.product_unavailable,
  // cart.currency_mismatch, cart.total_limit, checkout.unknown_shipping_method, and discounts::worth()'s refusals of
  // the cart's coupon.
  Task<Result<Basket>> price(Context context, std::string cart_id, Destination destination);

 private:
  Task<Result<discounts::Choice>> choose(Context context, Basket& basket, Destination destination,
                                         const discounts::Shipping& shipping);

  cart::Api& carts_;
  catalog::Api& catalog_;
  RatesCache& rates_;
  Coupons& coupons_;
};

QuoteResult to_quote(const Basket& basket);
// "goods 48.00, discount 0.00, shipping 4.99, tax 3.84": for people.
std::string describe(const pricing::Totals& totals);

}  // namespace souk::order
