#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cart/api.hpp"
#include "catalog/api.hpp"
#include "core/runtime.hpp"
#include "recent_carts.hpp"
#include "repository.hpp"
#include "turns.hpp"

namespace souk::cart {

class Service final : public Api {
 public:
  Service(Runtime& runtime, redis::Client& redis, catalog::Api& catalog);

  Task<Result<Cart>> create_cart(Context context, CreateCart request) override;
  Task<Result<Cart>> get_cart(Context context, CartRef request) override;
  Task<Result<Done>> delete_cart(Context context, CartRef request) override;
  Task<Result<Cart>> add_item(Context context, AddItem request) override;
  Task<Result<Cart>> set_quantity(Context context, SetQuantity request) override;
  Task<Result<Cart>> remove_item(Context context, RemoveItem request) override;
  Task<Result<Cart>> set_coupon(Context context, SetCoupon request) override;
  Task<Result<Cart>> merge_cart(Context context, MergeCart request) override;
  Task<Result<CheckoutLines>> checkout_lines(Context context, CartRef request) override;
  Task<Result<Done>> finish_checkout(Context context, FinishCheckout request) override;

 private:
  using Key = Repository::Key;
  // What a request means by a cart's id.
  struct Place {
    std::string id;  // as it is shown
    Key key;
    bool own = false;  // the customer's own: it is made when it is first written
  };
  using Change = std::function<Result<void>(StoredCart&)>;

  static Result<Place> place_of(const Context& context, const std::string& cart_id);
  // Reads (or remembers), changes and writes until nobody was in between.
  Task<Result<StoredCart>> change(Context context, Place place, Change change);
  Task<Result<Cart>> change_and_show(Context context, std::string cart_id, Change change);
  Task<Result<StoredCart>> merge(Context context, Key guest, Key own);
  Task<Result<Cart>> show(Context context, Place place, StoredCart cart);
  Task<Result<catalog::SellableItem>> sellable(Context context, catalog::ItemRef item);

  Repository repository_;
  catalog::Api& catalog_;
  Turns turns_;
  RecentCarts recent_;
};

}  // namespace souk::cart
