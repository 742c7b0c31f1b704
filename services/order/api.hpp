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
#include "events/event.hpp"
#include "json/json.hpp"
#include "payment/api.hpp"

// Orders and the checkout saga (database order_db).
namespace souk::order {

BOOST_DEFINE_ENUM_CLASS(OrderStatus, pending, confirmed, processing, shipped, delivered, cancelled, refunded)
BOOST_DEFINE_ENUM_CLASS(PaymentStatus, pending, paid, failed, refunded)
BOOST_DEFINE_ENUM_CLASS(CheckoutStatus, processing, requires_action, completed, declined, cancelled, failed)

struct Address {
  json::Text<1, 200> full_name;
  json::Text<4, 20> phone;
  json::Text<1, 255> address_line1;
  std::optional<json::Text<0, 255>> address_line2;
  json::Text<1, 100> city;
  std::optional<json::Text<0, 100>> state;
  std::optional<json::Text<0, 20>> postal_code;
  json::Text<2, 2> country;  // ISO 3166-1 alpha-2
};
BOOST_DESCRIBE_STRUCT(Address, (), (full_name, phone, address_line1, address_line2, city, state, postal_code, country))

struct OrderAddress {
  Uuid id;
  std::string full_name;
  std::string phone;
  std::string address_line1;
  std::optional<std::string> address_line2;
  std::string city;
  std::string state;
  std::string postal_code;
  std::string country;
};
BOOST_DESCRIBE_STRUCT(OrderAddress, (),
                      (id, full_name, phone, address_line1, address_line2, city, state, postal_code, country))

struct OrderItem {
  Uuid id;
  std::string product_id;
  std::string product_name;
  std::string product_sku;
  std::optional<std::string> variant_id;
  std::optional<std::string> size;
  std::optional<std::string> color;
  std::int64_t quantity = 1;
  Amount unit_price;
  Amount total_price;
  Amount discount;
};
BOOST_DESCRIBE_STRUCT(OrderItem, (),
                      (id, product_id, product_name, product_sku, variant_id, size, color, quantity, unit_price,
                       total_price, discount))

struct StatusChange {
  OrderStatus status{};
  std::optional<std::string> notes;
  std::optional<std::string> created_by;
  Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(StatusChange, (), (status, notes, created_by, created_at))

struct ShippedItem {
  Uuid order_item_id;
  std::int64_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(ShippedItem, (), (order_item_id, quantity))

// A parcel: some or all of an order's items. `number` counts an order's parcels from 1.
struct Shipment {
  Uuid id;
  std::int64_t number = 1;
  std::string carrier;
  std::string tracking_number;
  std::vector<ShippedItem> items;
  Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Shipment, (), (id, number, carrier, tracking_number, items, created_at))

struct Order {
  Uuid id;
  std::string order_number;
  Uuid user_id;
  std::optional<std::string> email;
  OrderStatus status{};
  Amount subtotal;
  Amount tax;
  Amount shipping_cost;
  Amount discount;
  Amount total;
  std::string currency;
  std::optional<payment::Method> payment_method;
  PaymentStatus payment_status{};
  std::string shipping_method;
  std::vector<OrderItem> items;
  OrderAddress shipping_address;
  OrderAddress billing_address;
  std::vector<StatusChange> status_history;
  std::vector<Shipment> shipments;
  std::optional<std::string> tracking_number;  // of the latest parcel
  std::optional<std::string> notes;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> confirmed_at;
  std::optional<Timestamp> shipped_at;  // of the last part
  std::optional<Timestamp> delivered_at;
  std::optional<Timestamp> cancelled_at;
  // A guest's key to the order: HMAC of its id, given in the replies to its owner only.
  std::optional<std::string> access_token;
};
BOOST_DESCRIBE_STRUCT(Order, (),
                      (id, order_number, user_id, email, status, subtotal, tax, shipping_cost, discount, total,
                       currency, payment_method, payment_status, shipping_method, items, shipping_address,
                       billing_address, status_history, shipments, tracking_number, notes, created_at, updated_at,
                       confirmed_at, shipped_at, delivered_at, cancelled_at, access_token))

struct Quote {
  std::string cart_id;
  std::optional<Address> shipping_address;
  std::optional<json::Text<1, 50>> shipping_method;
  std::optional<json::Text<3, 255>> email;  // for limits a customer; absent: the caller's
};
BOOST_DESCRIBE_STRUCT(Quote, (), (cart_id, shipping_address, shipping_method, email))

// What a coupon or promotion takes off the goods in all, and off a line.
struct QuotedDiscount {
  Uuid id;                          // the coupon's or promotion's
  std::optional<std::string> code;  // a coupon's
  std::optional<std::string> name;
  Amount amount;
  bool free_shipping = false;
};
BOOST_DESCRIBE_STRUCT(QuotedDiscount, (), (id, code, name, amount, free_shipping))
struct LineDiscount {
  Uuid id;
  Amount amount;
};
BOOST_DESCRIBE_STRUCT(LineDiscount, (), (id, amount))

struct QuotedItem {
  std::string item_id;
  std::string product_id;
  std::optional<std::string> variant_id;
  std::string name;
  std::int64_t quantity = 1;
  Amount unit_price;
  Amount total_price;
  Amount discount;
  std::vector<LineDiscount> discounts;  // the parts of `discount`
};
BOOST_DESCRIBE_STRUCT(QuotedItem, (),
                      (item_id, product_id, variant_id, name, quantity, unit_price, total_price, discount, discounts))
struct ShippingOption {
  std::string id;
  std::string name;
  Amount cost;
};
BOOST_DESCRIBE_STRUCT(ShippingOption, (), (id, name, cost))
struct QuoteResult {
  std::vector<QuotedItem> items;
  Amount subtotal;
  Amount discount;
  Amount shipping_cost;
  Amount tax;
  Amount total;
  std::string currency;
  std::string shipping_method;
  std::vector<ShippingOption> shipping_options;
  std::optional<std::string> coupon_code;  // of the cart's coupon, where it is among the discounts
  std::vector<QuotedDiscount> discounts;   // in the order in which they were applied
};
BOOST_DESCRIBE_STRUCT(QuoteResult, (),
                      (items, subtotal, discount, shipping_cost, tax, total, currency, shipping_method,
                       shipping_options, coupon_code, discounts))

struct PaymentChoice {
  payment::Method method{};
  std::optional<json::Text<1, 50>> gateway;
  std::optional<json::Text<1, 255>> token;
  std::optional<Uuid> payment_method_id;
};
BOOST_DESCRIBE_STRUCT(PaymentChoice, (), (method, gateway, token, payment_method_id))

// The body of POST /v1/carts/{id}/checkout.
struct CheckoutBody {
  std::optional<json::Text<3, 255>> email;  // required of guests
  std::optional<Address> shipping_address;  // this or the id of a saved one
  std::optional<Uuid> shipping_address_id;
  std::optional<Address> billing_address;  // absent: the shipping address
  json::Text<1, 50> shipping_method;
  PaymentChoice payment;
  std::optional<json::Text<0, 2000>> notes;
  std::optional<Amount> expected_total;  // cart.price_changed when it differs
};
BOOST_DESCRIBE_STRUCT(CheckoutBody, (),
                      (email, shipping_address, shipping_address_id, billing_address, shipping_method, payment, notes,
                       expected_total))

struct StartCheckout {
  std::string cart_id;  // capability, or "me"
  std::string idempotency_key;
  CheckoutBody body;
};
BOOST_DESCRIBE_STRUCT(StartCheckout, (), (cart_id, idempotency_key, body))

struct Checkout {
  Uuid id;  // the order's id
  CheckoutStatus status{};
  std::optional<payment::NextAction> next_action;
  std::optional<std::string> failure_code;  // payment.declined, …
  std::optional<std::string> failure_detail;
  std::optional<std::string> access_token;
};
BOOST_DESCRIBE_STRUCT(Checkout, (), (id, status, next_action, failure_code, failure_detail, access_token))

// Exactly one of the two: 201 with the order, 202 with the checkout.
struct CheckoutResult {
  std::optional<Order> order;
  std::optional<Checkout> checkout;
};
BOOST_DESCRIBE_STRUCT(CheckoutResult, (), (order, checkout))

struct OrderRef {
  Uuid order_id;
  std::optional<std::string> access_token;  // a guest's
};
BOOST_DESCRIBE_STRUCT(OrderRef, (), (order_id, access_token))

struct ListOrders {
  Uuid user_id;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListOrders, (), (user_id, limit, cursor))
struct OrderPage {
  std::vector<Order> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(OrderPage, (), (data, has_more, next_cursor))

// An administrator's list: what is given must hold, all of it.
struct SearchOrders {
  std::optional<OrderStatus> status;
  std::optional<PaymentStatus> payment_status;
  std::optional<json::Text<1, 255>> email;  // in any case
  std::optional<json::Text<1, 50>> order_number;
  std::optional<Timestamp> created_from;  // this moment or later
  std::optional<Timestamp> created_to;    // before this moment
  std::optional<Amount> min_total;
  std::optional<Amount> max_total;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(SearchOrders, (),
                      (status, payment_status, email, order_number, created_from, created_to, min_total, max_total,
                       limit, cursor))

struct ParcelItem {
  Uuid order_item_id;
  json::Int<1, 1'000'000> quantity;
};
BOOST_DESCRIBE_STRUCT(ParcelItem, (), (order_item_id, quantity))

struct Parcel {
  json::Text<1, 100> carrier;
  json::Text<1, 100> tracking_number;
  std::optional<std::vector<ParcelItem>> items;  // absent: everything that has not been shipped
  std::optional<json::Text<0, 2000>> notes;      // into the history, where the order is shipped with it
};
BOOST_DESCRIBE_STRUCT(Parcel, (), (carrier, tracking_number, items, notes))

struct ShipOrder {
  Uuid order_id;
  std::string idempotency_key;
  Parcel parcel;
};
BOOST_DESCRIBE_STRUCT(ShipOrder, (), (order_id, idempotency_key, parcel))

// Goods that come back: asked for by the customer, approved or rejected, then received, which gives the money back.
BOOST_DEFINE_ENUM_CLASS(ReturnStatus, requested, approved, rejected, received, refunded)

struct ReturnedItem {
  Uuid order_item_id;
  std::int64_t quantity = 1;
  std::optional<bool> restock;  // once received: whether it went back into the stock
  // Once received, its part of the item's values; the parts of all returns of an item add up to the whole.
  std::optional<Amount> refund;  // goods − discount + tax
  std::optional<Amount> discount;
  std::optional<Amount> tax;
};
BOOST_DESCRIBE_STRUCT(ReturnedItem, (), (order_item_id, quantity, restock, refund, discount, tax))

struct Return {
  Uuid id;
  Uuid order_id;
  ReturnStatus status{};
  std::string reason;
  std::optional<std::string> notes;  // of the administrator who decided
  std::vector<ReturnedItem> items;
  bool refunds_shipping = false;
  std::optional<Amount> refund;  // once received: what is given back; once refunded: what was
  std::string currency;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> received_at;
  std::optional<Timestamp> refunded_at;
};
BOOST_DESCRIBE_STRUCT(Return, (),
                      (id, order_id, status, reason, notes, items, refunds_shipping, refund, currency, created_at,
                       updated_at, received_at, refunded_at))

struct ReturnBody {
  std::vector<ParcelItem> items;
  json::Text<1, 2000> reason;
};
BOOST_DESCRIBE_STRUCT(ReturnBody, (), (items, reason))
struct RequestReturn {
  OrderRef order;
  std::string idempotency_key;
  ReturnBody body;
};
BOOST_DESCRIBE_STRUCT(RequestReturn, (), (order, idempotency_key, body))

struct ReturnRef {
  Uuid return_id;
};
BOOST_DESCRIBE_STRUCT(ReturnRef, (), (return_id))
struct DecideReturn {
  Uuid return_id;
  bool approve = false;
  std::optional<json::Text<0, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(DecideReturn, (), (return_id, approve, notes))

struct ReceivedItem {
  Uuid order_item_id;
  bool restock = true;
};
BOOST_DESCRIBE_STRUCT(ReceivedItem, (), (order_item_id, restock))
struct Receipt {
  std::optional<std::vector<ReceivedItem>> items;  // who is not named goes back into the stock
  std::optional<bool> refund_shipping;             // once an order
};
BOOST_DESCRIBE_STRUCT(Receipt, (), (items, refund_shipping))
struct ReceiveReturn {
  Uuid return_id;
  Receipt receipt;
};
BOOST_DESCRIBE_STRUCT(ReceiveReturn, (), (return_id, receipt))

struct OrderReturns {
  std::vector<Return> data;  // oldest first
};
BOOST_DESCRIBE_STRUCT(OrderReturns, (), (data))
struct ListReturns {
  std::optional<ReturnStatus> status;
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListReturns, (), (status, limit, cursor))
struct ReturnPage {
  std::vector<Return> data;  // newest first
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(ReturnPage, (), (data, has_more, next_cursor))

// For verified reviews.
struct HasPurchased {
  Uuid user_id;
  std::string product_id;
};
BOOST_DESCRIBE_STRUCT(HasPurchased, (), (user_id, product_id))
struct Purchased {
  std::optional<Uuid> order_id;
};
BOOST_DESCRIBE_STRUCT(Purchased, (), (order_id))

// buy_x_get_y: of each buy_quantity + get_quantity pieces, get_quantity are cheaper by basis_points, the cheapest ones.
BOOST_DEFINE_ENUM_CLASS(CouponKind, percent, fixed, free_shipping, buy_x_get_y)

// What takes something off an order: a coupon where it has a code; a promotion, which every cart gets that it fits,
// where it has none.
struct Coupon {
  Uuid id;
  std::optional<std::string> code;
  std::optional<std::string> name;
  CouponKind kind{};
  std::optional<std::int64_t> basis_points;  // of the goods, or of the pieces that are got; 1000 is 10 %
  std::optional<Amount> amount;
  std::optional<std::string> currency;  // only carts in it
  Amount minimum_order;                 // of the goods that it is for
  std::optional<std::int64_t> buy_quantity;
  std::optional<std::int64_t> get_quantity;
  std::optional<std::int64_t> max_times;  // of one order
  // It is for what is in any of these; both empty: for everything.
  std::vector<std::string> product_ids;
  std::vector<std::string> category_ids;
  bool is_combinable = false;  // with others that are too
  std::int64_t priority = 0;   // the higher is applied first
  std::optional<Timestamp> valid_from;
  std::optional<Timestamp> valid_until;
  bool is_active = true;
  std::optional<std::int64_t> max_uses;
  std::optional<std::int64_t> max_uses_per_customer;
  std::int64_t uses = 0;  // orders that were made with it, and checkouts under way
  Timestamp created_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Coupon, (),
                      (id, code, name, kind, basis_points, amount, currency, minimum_order, buy_quantity, get_quantity,
                       max_times, product_ids, category_ids, is_combinable, priority, valid_from, valid_until,
                       is_active, max_uses, max_uses_per_customer, uses, created_at, updated_at))

using ScopeIds = std::vector<json::Text<1, 200>>;  // at most 100

struct NewCoupon {
  // Letters, digits, hyphens, underscores, in any case. Required of a coupon; a promotion has a name instead.
  std::optional<json::Text<1, 50>> code;
  std::optional<json::Text<1, 100>> name;
  CouponKind kind{};
  std::optional<json::Int<1, 10'000>> basis_points;  // of percent and buy_x_get_y, there 10,000 when absent
  std::optional<Amount> amount;                      // of fixed
  std::optional<json::Text<3, 3>> currency;          // required with an amount or a minimum
  std::optional<Amount> minimum_order;
  std::optional<json::Int<1, 1000>> buy_quantity;  // of buy_x_get_y
  std::optional<json::Int<1, 1000>> get_quantity;  // of buy_x_get_y
  std::optional<json::Int<1, 1'000'000>> max_times;
  std::optional<ScopeIds> product_ids;
  std::optional<ScopeIds> category_ids;
  std::optional<bool> is_combinable;
  std::optional<json::Int<-1000, 1000>> priority;
  std::optional<Timestamp> valid_from;
  std::optional<Timestamp> valid_until;
  std::optional<json::Int<1, 1'000'000'000>> max_uses;
  std::optional<json::Int<1, 1'000'000>> max_uses_per_customer;
};
BOOST_DESCRIBE_STRUCT(NewCoupon, (),
                      (code, name, kind, basis_points, amount, currency, minimum_order, buy_quantity, get_quantity,
                       max_times, product_ids, category_ids, is_combinable, priority, valid_from, valid_until, max_uses,
                       max_uses_per_customer))

struct CouponRef {
  Uuid coupon_id;
  bool is_promotion = false;
};
BOOST_DESCRIBE_STRUCT(CouponRef, (), (coupon_id, is_promotion))

// What is given is changed. What a coupon takes off stays as it was told to customers: for that there is a new code.
struct CouponChanges {
  std::optional<bool> is_active;  // false archives it
  std::optional<Timestamp> valid_until;
  std::optional<json::Int<1, 1'000'000'000>> max_uses;
  std::optional<json::Int<1, 1'000'000>> max_uses_per_customer;
};
BOOST_DESCRIBE_STRUCT(CouponChanges, (), (is_active, valid_until, max_uses, max_uses_per_customer))
struct PatchCoupon {
  Uuid coupon_id;
  CouponChanges changes;
  bool is_promotion = false;
};
BOOST_DESCRIBE_STRUCT(PatchCoupon, (), (coupon_id, changes, is_promotion))

struct ListCoupons {
  json::Int<1, 100> limit = 20;
  std::optional<json::Text<1, 50>> cursor;  // the last page's next_cursor
  bool promotions = false;                  // those instead of the coupons
};
BOOST_DESCRIBE_STRUCT(ListCoupons, (), (limit, cursor, promotions))
struct CouponPage {
  std::vector<Coupon> data;  // by code; promotions oldest first
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(CouponPage, (), (data, has_more, next_cursor))

// Money that was captured since then and that no order accounts for: souk reconcile.
struct CheckCaptures {
  Timestamp since;
  bool repair = false;  // false: nothing is given back
};
BOOST_DESCRIBE_STRUCT(CheckCaptures, (), (since, repair))

struct OrphanedCapture {
  payment::DifferenceState state{};
  Uuid order_id;
  std::string payment_number;
  Amount left;  // what was not given back before
  std::string currency;
  std::optional<OrderStatus> order_status;  // absent: there is no order
  std::string advice;
};
BOOST_DESCRIBE_STRUCT(OrphanedCapture, (), (state, order_id, payment_number, left, currency, order_status, advice))

struct CapturesChecked {
  std::int64_t payments = 0;  // that were looked at
  std::int64_t repaired = 0;
  std::int64_t remaining = 0;
  std::vector<OrphanedCapture> orphaned;  // the first 1000
};
BOOST_DESCRIBE_STRUCT(CapturesChecked, (), (payments, repaired, remaining, orphaned))

// Events: "order.confirmed", "order.shipped", … (one a status change; key order id; payload OrderEvent), and
// "order.returned" for each return that was received.
struct OrderEvent {
  Uuid order_id;
  std::string order_number;
  Uuid user_id;
  std::optional<std::string> email;
  OrderStatus status{};
  Amount total;
  std::string currency;
  std::optional<std::string> tracking_number;  // of the latest parcel
  std::optional<Uuid> return_id;               // of order.returned
  std::optional<Amount> refund;                // what it gives back
};
BOOST_DESCRIBE_STRUCT(OrderEvent, (),
                      (order_id, order_number, user_id, email, status, total, currency, tracking_number, return_id,
                       refund))

class Api {
 public:
  virtual ~Api() = default;

  // Totals for a cart, an address and a shipping method; nothing is kept.
  virtual Task<Result<QuoteResult>> quote(Context context, Quote request) = 0;
  // Buys a cart. Idempotent by the caller's (or cart's) idempotency key: the same reply again, declines too.
  // cart.empty, cart.not_found, cart.price_changed, cart.product_unavailable, inventory.insufficient_stock,
  // payment.declined (402), checkout.in_progress (409), idempotency.body_mismatch (422), checkout.email_required.
  virtual Task<Result<CheckoutResult>> checkout(Context context, StartCheckout request) = 0;
  // checkout.not_found
  virtual Task<Result<Checkout>> get_checkout(Context context, OrderRef request) = 0;
  // The customer came back, or a webhook told of the payment: goes on where it waits.
  virtual Task<Result<CheckoutResult>> resume_checkout(Context context, OrderRef request) = 0;
  // order.not_found for everybody but its owner, its token, admins and services.
  virtual Task<Result<Order>> get_order(Context context, OrderRef request) = 0;
  virtual Task<Result<OrderPage>> list_orders(Context context, ListOrders request) = 0;
  // Newest first, of all customers: for administrators and services. order.not_found for others, request.invalid_cursor
  virtual Task<Result<OrderPage>> search_orders(Context context, SearchOrders request) = 0;
  // Cancels an order of which no part has shipped. Cancelling twice is not an error. order.already_shipped
  virtual Task<Result<Order>> cancel_order(Context context, OrderRef request) = 0;
  // The next three are an administrator's or a service's; order.not_found for others, order.illegal_status.
  // confirmed -> processing: packing has begun. Twice is once.
  virtual Task<Result<Order>> start_processing(Context context, OrderRef request) = 0;
  // One parcel, once by its idempotency key. The first part makes the order `processing`, the last `shipped`.
  // order.nothing_left_to_ship (409) where another parcel has the items, order.unknown_item (422),
  // order.checkout_unfinished (409) for the moment until its stock is booked. Money that is only held is captured
  // before the first parcel: order.capture_failed (409), order.capture_unanswered (503, repeat it).
  virtual Task<Result<Order>> ship_order(Context context, ShipOrder request) = 0;
  // shipped -> delivered; cash on delivery is settled first. Twice is once. order.not_paid (409), and as ship_order.
  virtual Task<Result<Order>> deliver_order(Context context, OrderRef request) = 0;
  // Asks to send items back of an order that has been shipped in full; once by its idempotency key. Its owner, its
  // token, admins. order.not_found, return.not_shipped (409), return.too_many (409), order.not_paid (409),
  // order.unknown_item (422)
  virtual Task<Result<Return>> request_return(Context context, RequestReturn request) = 0;
  // order.not_found as for get_order
  virtual Task<Result<OrderReturns>> list_order_returns(Context context, OrderRef request) = 0;
  // The next four are an administrator's: return.not_found for others. request.invalid_cursor
  virtual Task<Result<ReturnPage>> list_returns(Context context, ListReturns request) = 0;
  virtual Task<Result<Return>> get_return(Context context, ReturnRef request) = 0;
  // requested -> approved, requested or approved -> rejected. Twice is once. return.illegal_status (409)
  virtual Task<Result<Return>> decide_return(Context context, DecideReturn request) = 0;
  // approved -> received: restock and refund follow by themselves, then it is `refunded`. Twice is once.
  // return.illegal_status, return.shipping_refunded (409), order.unknown_item (422)
  virtual Task<Result<Return>> receive_return(Context context, ReceiveReturn request) = 0;
  virtual Task<Result<Purchased>> has_purchased(Context context, HasPurchased request) = 0;
  // For administrators: coupons and, where there is no code, promotions. A code that differs from another only in case
  // is the same: coupon.code_taken. At most 100 promotions are active: promotion.too_many
  virtual Task<Result<Coupon>> create_coupon(Context context, NewCoupon request) = 0;
  // coupon.not_found
  virtual Task<Result<Coupon>> get_coupon(Context context, CouponRef request) = 0;
  virtual Task<Result<CouponPage>> list_coupons(Context context, ListCoupons request) = 0;
  // coupon.not_found, coupon.limit_below_uses, promotion.too_many
  virtual Task<Result<Coupon>> patch_coupon(Context context, PatchCoupon request) = 0;
  // Compares captured payments with orders. What was captured for a checkout that has ended without an order, or for a
  // cancelled order, is given back in full; anything else is only told. Takes as long as there is to compare.
  virtual Task<Result<CapturesChecked>> check_captures(Context context, CheckCaptures request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::order
