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

// Payments and refunds (database payment_db), and the gateways behind them.
namespace souk::payment {

BOOST_DEFINE_ENUM_CLASS(PaymentStatus, pending, processing, succeeded, failed, cancelled, refunded)
BOOST_DEFINE_ENUM_CLASS(Method, card, upi, wallet, cod)
BOOST_DEFINE_ENUM_CLASS(SavedType, card, upi, wallet)
BOOST_DEFINE_ENUM_CLASS(RefundStatus, pending, processing, succeeded, failed)
BOOST_DEFINE_ENUM_CLASS(NextActionType, redirect, upi_approval, three_d_secure)

// What the customer must do before the payment can go on.
struct NextAction {
  NextActionType type{};
  std::optional<std::string> url;
};
BOOST_DESCRIBE_STRUCT(NextAction, (), (type, url))

struct Payment {
  Uuid id;
  std::string payment_number;
  Uuid order_id;
  Uuid user_id;
  Amount amount;
  std::string currency;
  PaymentStatus status = PaymentStatus::pending;
  Method payment_method{};
  std::optional<std::string> payment_gateway;
  std::optional<std::string> gateway_payment_id;
  std::optional<std::string> failure_reason;
  std::optional<NextAction> next_action;  // the customer must act
  bool authorized = false;                // `processing`, to be captured
  bool outcome_unknown = false;           // the gateway did not answer; resolve() asks it
  Amount refunded;
  Timestamp created_at;
  std::optional<Timestamp> succeeded_at;
  std::optional<Timestamp> failed_at;
};
BOOST_DESCRIBE_STRUCT(Payment, (),
                      (id, payment_number, order_id, user_id, amount, currency, status, payment_method, payment_gateway,
                       gateway_payment_id, failure_reason, next_action, authorized, outcome_unknown, refunded,
                       created_at, succeeded_at, failed_at))

// Charges an order once: idempotent by order id. The same order with another amount is a bug (throws).
struct Charge {
  Uuid order_id;
  Uuid user_id;
  Amount amount;  // > 0
  std::string currency;
  Method method{};
  std::optional<std::string> gateway;     // default: the configured one
  std::optional<std::string> token;       // of the gateway, for this purchase
  std::optional<Uuid> payment_method_id;  // a saved one instead
  std::optional<std::string> return_url;
};
BOOST_DESCRIBE_STRUCT(Charge, (),
                      (order_id, user_id, amount, currency, method, gateway, token, payment_method_id, return_url))

struct OrderRef {
  Uuid order_id;
};
BOOST_DESCRIBE_STRUCT(OrderRef, (), (order_id))

struct Refund {
  Uuid id;
  std::string refund_number;
  Uuid payment_id;
  Uuid order_id;
  Amount amount;
  std::string currency;
  RefundStatus status = RefundStatus::pending;
  std::optional<std::string> reason;
  Timestamp created_at;
  std::optional<Timestamp> succeeded_at;
};
BOOST_DESCRIBE_STRUCT(Refund, (),
                      (id, refund_number, payment_id, order_id, amount, currency, status, reason, created_at,
                       succeeded_at))

// Idempotent by (order, cause); 1 to 100 characters.
struct RefundPayment {
  Uuid order_id;
  std::optional<Amount> amount;  // absent: all that is left
  std::string cause;             // "compensation", "cancel", "return:<id>", "admin:<key>"
  std::optional<std::string> reason;
  // A client's Idempotency-Key: with it another refund is refused (idempotency.body_mismatch).
  std::optional<std::string> idempotency_key;
};
BOOST_DESCRIBE_STRUCT(RefundPayment, (), (order_id, amount, cause, reason, idempotency_key))

struct PaymentRef {
  Uuid payment_id;
};
BOOST_DESCRIBE_STRUCT(PaymentRef, (), (payment_id))

// A payment with what was given back of it, oldest first.
struct PaymentDetails {
  Payment payment;
  std::vector<Refund> refunds;
};
BOOST_DESCRIBE_STRUCT(PaymentDetails, (), (payment, refunds))

// Newest first; what is absent does not filter.
struct ListPayments {
  std::optional<PaymentStatus> status;
  std::optional<Method> payment_method;
  std::optional<json::Text<1, 50>> payment_gateway;
  std::optional<Uuid> order_id;
  std::optional<Uuid> user_id;
  std::optional<bool> authorized;           // true: held, and to be captured
  std::optional<Timestamp> created_from;    // inclusive
  std::optional<Timestamp> created_before;  // exclusive
  std::optional<json::Int<1, 100>> limit;   // default 20
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListPayments, (),
                      (status, payment_method, payment_gateway, order_id, user_id, authorized, created_from,
                       created_before, limit, cursor))

struct PaymentPage {
  std::vector<Payment> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(PaymentPage, (), (data, has_more, next_cursor))

struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

// A saved payment method. What stands in it of a card is for people to know it by; the gateway's token, which pays,
// never leaves the service.
struct PaymentMethod {
  Uuid id;
  SavedType type{};
  bool is_default = false;
  std::string gateway;
  std::optional<std::string> card_last4;
  std::optional<std::string> card_brand;
  std::optional<std::int64_t> card_exp_month;
  std::optional<std::int64_t> card_exp_year;
  std::optional<std::string> upi_id;
  std::optional<std::string> wallet_type;
  Timestamp created_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(PaymentMethod, (),
                      (id, type, is_default, gateway, card_last4, card_brand, card_exp_month, card_exp_year, upi_id,
                       wallet_type, created_at, updated_at))

// The gateway's page or library in the browser made the token of what the customer typed there; a card's number never
// comes here.
struct NewPaymentMethod {
  SavedType type{};
  std::optional<json::Text<1, 50>> gateway;  // default: the configured one
  json::Text<1, 255> token;
  std::optional<json::Text<4, 4>> card_last4;
  std::optional<json::Text<1, 50>> card_brand;
  std::optional<json::Int<1, 12>> card_exp_month;
  std::optional<json::Int<2000, 2099>> card_exp_year;
  std::optional<json::Text<3, 255>> upi_id;      // "name@bank"; upi needs it
  std::optional<json::Text<1, 50>> wallet_type;  // "apple_pay"; a wallet needs it
  std::optional<bool> is_default;
};
BOOST_DESCRIBE_STRUCT(NewPaymentMethod, (),
                      (type, gateway, token, card_last4, card_brand, card_exp_month, card_exp_year, upi_id, wallet_type,
                       is_default))

struct AddPaymentMethod {
  Uuid user_id;
  NewPaymentMethod method;
};
BOOST_DESCRIBE_STRUCT(AddPaymentMethod, (), (user_id, method))

struct ListPaymentMethods {
  Uuid user_id;
};
BOOST_DESCRIBE_STRUCT(ListPaymentMethods, (), (user_id))

struct PaymentMethods {
  std::vector<PaymentMethod> data;  // the default first, then the newest; at most 20
};
BOOST_DESCRIBE_STRUCT(PaymentMethods, (), (data))

struct PaymentMethodRef {
  Uuid user_id;
  Uuid payment_method_id;
};
BOOST_DESCRIBE_STRUCT(PaymentMethodRef, (), (user_id, payment_method_id))

// A message of a gateway (webhook) as it came.
struct MessageHeader {
  std::string name;
  std::string value;
};
BOOST_DESCRIBE_STRUCT(MessageHeader, (), (name, value))

struct GatewayMessage {
  std::string gateway;
  std::vector<MessageHeader> headers;  // those that the gateway's signature may need
  std::string body;                    // byte for byte; UTF-8
};
BOOST_DESCRIBE_STRUCT(GatewayMessage, (), (gateway, headers, body))

// What became of a message: `unchanged` told nothing new, `ignored` is about nothing of ours, `mismatch` names another
// amount than the payment's, `late_capture` is money for a payment that had ended (given back).
BOOST_DEFINE_ENUM_CLASS(MessageOutcome, applied, unchanged, duplicate, ignored, unknown_payment, mismatch, late_capture)

struct MessageReceipt {
  MessageOutcome outcome{};
};
BOOST_DESCRIBE_STRUCT(MessageReceipt, (), (outcome))

// In what our books and a gateway's differ. "Here" is with us, "there" at the gateway.
BOOST_DEFINE_ENUM_CLASS(DifferenceKind, payment_unknown_here, payment_unknown_there, payment_status, payment_amount,
                        refund_unknown_here, refund_unknown_there, refund_status, refund_amount, no_answer)
// open: somebody must look; repairable: a run that repairs would; repaired: the books agree by now.
BOOST_DEFINE_ENUM_CLASS(DifferenceState, open, repairable, repaired)

struct Difference {
  DifferenceKind kind{};
  DifferenceState state{};
  std::string gateway;
  std::optional<Uuid> order_id;
  std::optional<std::string> number;      // of our payment or refund
  std::optional<std::string> gateway_id;  // of the gateway's
  std::optional<std::string> ours;        // "succeeded 12.50 USD"
  std::optional<std::string> theirs;
  std::string advice;  // one sentence: what was done, or is to be done
};
BOOST_DESCRIBE_STRUCT(Difference, (), (kind, state, gateway, order_id, number, gateway_id, ours, theirs, advice))

struct Reconcile {
  Timestamp since;      // payments and refunds that were begun then or later; at most 31 days ago
  bool repair = false;  // false: nothing is changed
};
BOOST_DESCRIBE_STRUCT(Reconcile, (), (since, repair))

struct Reconciliation {
  Timestamp since;
  Timestamp until;
  std::int64_t payments = 0;  // of ours and of the gateways that were compared, each once
  std::int64_t refunds = 0;
  std::int64_t repaired = 0;
  std::int64_t remaining = 0;           // open or repairable
  std::vector<Difference> differences;  // the first 1000
  std::vector<std::string> not_listed;  // gateways in use whose books cannot be listed: not compared
};
BOOST_DESCRIBE_STRUCT(Reconciliation, (),
                      (since, until, payments, refunds, repaired, remaining, differences, not_listed))

// Events: "payment.changed" (key order_id; payload Payment): result known, captured, refunded.
class Api {
 public:
  virtual ~Api() = default;

  // The payment with its status: succeeded, failed (declined: failure_reason), processing with next_action,
  // authorized or outcome_unknown; pending for cash on delivery. Durable row first, then the gateway, then the result.
  // A gateway that does not answer, or cannot be reached, leaves outcome_unknown.
  // payment.method_unavailable, payment.token_required, payment.payment_method_not_found, payment.amount_unsupported,
  // payment.card_number_refused; payment.order_closed when cancel() came before any charge.
  virtual Task<Result<Payment>> charge(Context context, Charge request) = 0;
  // What is known of the order's payment. payment.not_found
  virtual Task<Result<Payment>> get_payment(Context context, OrderRef request) = 0;
  // Asks the gateway where the outcome is unknown or the customer may have acted, stores what it says, and returns it.
  // An unanswered question leaves it as it is. payment.not_found
  virtual Task<Result<Payment>> resolve(Context context, OrderRef request) = 0;
  // Makes sure that no money is taken: cancels at the gateway what is not captured; afterwards the payment is
  // cancelled, failed, or succeeded (it was captured: refund it). An order without a payment can never be charged after
  // it.
  virtual Task<Result<Payment>> cancel(Context context, OrderRef request) = 0;
  // `processing` while the gateway has not answered: the service asks on, and a repetition asks at once. A refund that
  // failed is tried again by a repetition.
  // payment.refund_exceeds_capture, payment.not_captured, payment.not_found, payment.refund_differs,
  // idempotency.body_mismatch
  virtual Task<Result<Refund>> refund(Context context, RefundPayment request) = 0;
  // Cash on delivery was paid to the carrier. payment.not_cash, payment.not_found
  virtual Task<Result<Payment>> settle_cash(Context context, OrderRef request) = 0;
  // Takes the money that is held for an authorized payment, all of it; one that is captured already is the answer too.
  // `processing` and authorized while the gateway has not answered: the service asks on, and a repetition asks at once.
  // payment.not_found, payment.not_authorized (nothing is held, or the gateway holds it no longer)
  virtual Task<Result<Payment>> capture(Context context, PaymentRef request) = 0;
  // payment.not_found
  virtual Task<Result<PaymentDetails>> get_payment_details(Context context, PaymentRef request) = 0;
  // request.invalid for a cursor that this list has not given.
  virtual Task<Result<PaymentPage>> list_payments(Context context, ListPayments request) = 0;

  // Compares our books with those of the gateways, both ways, and repairs what is safe: no repair takes money or gives
  // any back. Takes as long as there is to compare. request.invalid for a time that is too long ago or to come.
  // Throws Unavailable when a gateway does not list its books.
  virtual Task<Result<Reconciliation>> reconcile(Context context, Reconcile request) = 0;

  // Saved payment methods, each of one user: somebody else's is not found (payment.payment_method_not_found).
  virtual Task<Result<PaymentMethods>> list_payment_methods(Context context, ListPaymentMethods request) = 0;
  // The first one becomes the default, and so does one that asks for it. The same token again is the same method; what
  // is said of it is not changed. payment.method_unavailable, payment.card_number_refused, payment.card_expired,
  // payment.too_many_payment_methods; request.invalid for members that the type does not have.
  virtual Task<Result<PaymentMethod>> add_payment_method(Context context, AddPaymentMethod request) = 0;
  virtual Task<Result<PaymentMethod>> make_default_payment_method(Context context, PaymentMethodRef request) = 0;
  // The newest of the others takes the place of a default.
  virtual Task<Result<Done>> delete_payment_method(Context context, PaymentMethodRef request) = 0;

  // A gateway's message: verified, then the gateway is asked for the payment that it is about, and what it says is
  // stored together with the message's id, so that each is applied once and their order does not matter. Throws where
  // the gateway does not answer: it sends the message again.
  // payment.message_refused (unsigned, forged, or too old), payment.no_such_gateway
  virtual Task<Result<MessageReceipt>> receive_message(Context context, GatewayMessage message) = 0;

  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::payment
