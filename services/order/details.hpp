#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/money.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "http/message.hpp"
#include "order/api.hpp"
#include "saga.hpp"

// What a checkout keeps while it runs: enough to finish it by whoever takes it over.
namespace souk::order {

// A line as it was priced at checkout.
struct BoughtLine {
  std::string item_id;  // the cart's
  std::string product_id;
  std::optional<std::string> variant_id;
  std::string sellable_id;  // the inventory's
  std::string sku;
  std::string name;
  std::optional<std::string> size;
  std::optional<std::string> color;
  std::int64_t quantity = 1;
  Amount unit_price;
  Amount total;
  Amount discount;
  std::optional<Amount> tax;  // absent in checkouts of an older version
};
BOOST_DESCRIBE_STRUCT(BoughtLine, (),
                      (item_id, product_id, variant_id, sellable_id, sku, name, size, color, quantity, unit_price,
                       total, discount, tax))

// What a coupon or promotion took off the goods.
struct TakenDiscount {
  Uuid coupon_id;
  bool is_promotion = false;
  Amount amount;
};
BOOST_DESCRIBE_STRUCT(TakenDiscount, (), (coupon_id, is_promotion, amount))

// Written once, with the intent.
struct Details {
  std::string order_number;
  Uuid user_id;
  bool is_guest = false;
  std::optional<std::string> email;
  std::string created_by;
  std::string cart_id;
  std::optional<Uuid> cart_user_id;  // the customer's own cart
  std::int64_t cart_version = 0;
  std::vector<BoughtLine> lines;
  Address shipping_address;
  Address billing_address;
  std::string shipping_method;
  payment::Method payment_method{};
  std::optional<std::string> gateway;
  std::optional<Uuid> payment_method_id;
  Amount subtotal;
  Amount discount;
  Amount shipping_cost;
  Amount tax;
  Amount total;
  std::string currency;
  std::optional<std::string> notes;
  std::vector<TakenDiscount> discounts;
  std::optional<std::string> coupon_email;  // in small letters: whose uses of the discounts these are
};
BOOST_DESCRIBE_STRUCT(Details, (),
                      (order_number, user_id, is_guest, email, created_by, cart_id, cart_user_id, cart_version, lines,
                       shipping_address, billing_address, shipping_method, payment_method, gateway, payment_method_id,
                       subtotal, discount, shipping_cost, tax, total, currency, notes, discounts, coupon_email))

// A refusal as it is stored: the reply of the idempotency key.
struct StoredRefusal {
  int status = 0;
  std::string code;
  std::string detail;
  std::vector<FieldError> errors;
};
BOOST_DESCRIBE_STRUCT(StoredRefusal, (), (status, code, detail, errors))
StoredRefusal to_stored(const Error& error);
Error to_error(StoredRefusal refusal);

// A checkout as its row tells it.
struct Checkpoint {
  Uuid id;  // the order's
  saga::Phase phase = saga::Phase::running;
  std::int64_t step_version = 1;
  std::chrono::seconds age{};
  bool is_leased = false;
  Details details;
  std::optional<std::string> payment_token;
  std::optional<Error> refusal;
  std::optional<payment::NextAction> next_action;
  std::optional<PaymentStatus> payment_status;  // of the order, once it is written
  std::optional<Timestamp> confirmed_at;        // with it
};

// The order as it was when it was confirmed: what the checkout answers, and answers again.
Order confirmed_order(const Checkpoint& checkpoint);
OrderEvent event_of(const Order& order);
// Without access_token.
Checkout to_checkout(const Checkpoint& checkpoint);

}  // namespace souk::order
