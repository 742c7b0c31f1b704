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
};
BOOST_DESCRIBE_STRUCT(RefundPayment, (), (order_id, amount, cause, reason))

struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

// Events: "payment.changed" (key order_id; payload Payment): result known, captured, refunded.
class Api {
 public:
  virtual ~Api() = default;

  // The payment with its status: succeeded, failed (declined: failure_reason), processing with next_action,
  // authorized or outcome_unknown; pending for cash on delivery. Durable row first, then the gateway, then the result.
  // A gateway that does not answer, or cannot be reached, leaves outcome_unknown.
  // payment.method_unavailable, payment.token_required, payment.payment_method_not_found, payment.amount_unsupported;
  // payment.order_closed when cancel() came before any charge.
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
  // payment.refund_exceeds_capture, payment.not_captured, payment.not_found, payment.refund_differs
  virtual Task<Result<Refund>> refund(Context context, RefundPayment request) = 0;
  // Cash on delivery was paid to the carrier. payment.not_cash, payment.not_found
  virtual Task<Result<Payment>> settle_cash(Context context, OrderRef request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::payment
