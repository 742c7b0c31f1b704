#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/money.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/json.hpp"

// Carts, in Redis only: a lost Redis loses carts and nothing else.
namespace souk::cart {

// `id` is a guest cart's capability (the spec's session_id), or "me": the customer's own, taken from the caller.
struct CartRef {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(CartRef, (), (id))

struct CartItem {
  std::string item_id;
  std::string product_id;
  std::optional<std::string> variant_id;
  std::string sku;
  std::string name;
  std::optional<std::string> image_url;
  std::int64_t quantity = 1;
  Amount price;  // the catalog's now, a unit; checkout asks again
  Amount total;
  std::optional<Amount> old_price;  // what it was when put in, where that differs
  bool available = true;            // false: no longer sold
};
BOOST_DESCRIBE_STRUCT(CartItem, (),
                      (item_id, product_id, variant_id, sku, name, image_url, quantity, price, total, old_price,
                       available))

struct Cart {
  std::string id;
  std::int64_t version = 0;  // raised by every write
  std::vector<CartItem> items;
  Amount subtotal;
  std::string currency = "USD";
  std::optional<std::string> coupon_code;
  Timestamp created_at;
  Timestamp updated_at;
  Timestamp expires_at;
};
BOOST_DESCRIBE_STRUCT(Cart, (),
                      (id, version, items, subtotal, currency, coupon_code, created_at, updated_at, expires_at))

struct CreateCart {};
BOOST_DESCRIBE_STRUCT(CreateCart, (), ())

struct AddItem {
  std::string cart_id;
  std::string product_id;
  std::optional<std::string> variant_id;
  std::int64_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(AddItem, (), (cart_id, product_id, variant_id, quantity))

struct SetQuantity {
  std::string cart_id;
  std::string item_id;
  std::int64_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(SetQuantity, (), (cart_id, item_id, quantity))

struct RemoveItem {
  std::string cart_id;
  std::string item_id;
};
BOOST_DESCRIBE_STRUCT(RemoveItem, (), (cart_id, item_id))

struct SetCoupon {
  std::string cart_id;
  std::optional<std::string> coupon_code;  // empty removes it
};
BOOST_DESCRIBE_STRUCT(SetCoupon, (), (cart_id, coupon_code))

// Moves a guest cart into the customer's own, once (the guest cart is gone after it). Quantities of the same item are
// added, up to the limit of a line.
struct MergeCart {
  std::string from_cart_id;
};
BOOST_DESCRIBE_STRUCT(MergeCart, (), (from_cart_id))

// What checkout buys: the lines without prices, and the version they have.
struct CheckoutLine {
  std::string item_id;
  std::string product_id;
  std::optional<std::string> variant_id;
  std::int64_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(CheckoutLine, (), (item_id, product_id, variant_id, quantity))
struct CheckoutLines {
  std::string cart_id;  // the capability; for "me" the caller's user id
  std::int64_t version = 0;
  std::vector<CheckoutLine> lines;
  std::optional<std::string> coupon_code;
};
BOOST_DESCRIBE_STRUCT(CheckoutLines, (), (cart_id, version, lines, coupon_code))

// Takes bought lines out: the whole cart where its version is still the same, their quantities otherwise.
struct FinishCheckout {
  std::string cart_id;
  std::optional<Uuid> user_id;  // the customer's own cart
  std::int64_t version = 0;
  std::vector<CheckoutLine> lines;
};
BOOST_DESCRIBE_STRUCT(FinishCheckout, (), (cart_id, user_id, version, lines))

struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

// Refusals: cart.not_found (unknown or expired), cart.item_not_found, cart.product_unavailable, cart.too_many_items,
// cart.quantity_limit, cart.total_limit, cart.currency_mismatch, cart.invalid_coupon_code, cart.busy (too many writers
// at once; nothing was changed), auth.required ("me" without a customer), and the catalog's catalog.product_not_found,
// catalog.variant_not_found, catalog.variant_required. While Redis is gone every call throws redis::Unavailable.
class Api {
 public:
  virtual ~Api() = default;
  virtual Task<Result<Cart>> create_cart(Context context, CreateCart request) = 0;
  // Lines with the catalog's prices of now. The customer's own cart always exists, if empty.
  virtual Task<Result<Cart>> get_cart(Context context, CartRef request) = 0;
  virtual Task<Result<Done>> delete_cart(Context context, CartRef request) = 0;
  // The same product and variant raise the quantity of their line.
  virtual Task<Result<Cart>> add_item(Context context, AddItem request) = 0;
  virtual Task<Result<Cart>> set_quantity(Context context, SetQuantity request) = 0;
  virtual Task<Result<Cart>> remove_item(Context context, RemoveItem request) = 0;
  virtual Task<Result<Cart>> set_coupon(Context context, SetCoupon request) = 0;
  virtual Task<Result<Cart>> merge_cart(Context context, MergeCart request) = 0;
  // For the order service. Does not ask the catalog. cart.empty when there is no line.
  virtual Task<Result<CheckoutLines>> checkout_lines(Context context, CartRef request) = 0;
  // Doing it twice is doing it once, and a cart that is gone is no error.
  virtual Task<Result<Done>> finish_checkout(Context context, FinishCheckout request) = 0;
};

}  // namespace souk::cart
