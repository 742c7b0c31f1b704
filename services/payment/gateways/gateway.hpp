#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/money.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "json/json.hpp"
#include "payment/api.hpp"

namespace souk::payment {

BOOST_DEFINE_ENUM_CLASS(GatewayState, processing, requires_action, authorized, succeeded, failed, cancelled)
BOOST_DEFINE_ENUM_CLASS(GatewayRefundState, pending, succeeded, failed)

// What a gateway knows of one of our payments.
struct GatewayPayment {
  std::string id;  // the gateway's
  GatewayState state{};
  Amount amount;
  std::string currency;
  std::optional<NextAction> next_action;      // requires_action
  std::optional<std::string> failure_reason;  // failed: a stable word such as "insufficient_funds"
  json::Raw response;                         // as it came, for the books
};

struct GatewayRefund {
  std::string id;
  GatewayRefundState state{};
  std::optional<std::string> failure_reason;
  json::Raw response;
};

struct GatewayCharge {
  std::string key;                // our idempotency key: the gateway charges once for it, however often it is asked
  std::optional<std::string> id;  // the gateway's, where opens() says that it has one before it charges
  Amount amount;
  std::string currency;
  Method method{};
  std::string token;
  std::optional<std::string> return_url;
  bool capture_later = false;  // the money is only held; capture() takes it
};

// A payment as we know it: our key, and the gateway's id once there is one.
struct GatewayRef {
  std::string key;
  std::optional<std::string> id;
};

struct GatewayRefundRequest {
  std::string key;
  std::string payment_id;  // the gateway's
  Amount amount;
  std::string currency;
};

// What a gateway's message (webhook) tells: which payment to ask for. Its words are not believed otherwise.
struct GatewayEvent {
  std::string id;                         // the gateway's, the same however often it is sent
  std::string type;                       // "payment_intent.succeeded"
  std::optional<std::string> payment_id;  // the gateway's; empty: about nothing of ours
  std::optional<std::string> key;         // ours, where the message has it
  std::optional<Amount> amount;           // of the whole payment, where the message has it
  std::optional<std::string> currency;
};

// What a gateway's own books say, for comparing them with ours: payments and refunds that were made in [from, before),
// page by page.
struct GatewayRange {
  Timestamp from;
  Timestamp before;
  std::string cursor;  // `next` of the page before; empty: the first page
};

struct GatewayPaymentRecord {
  std::optional<std::string> key;  // ours; empty: the payment was not made through us
  Method method{};
  Timestamp created_at;
  GatewayPayment payment;
};

struct GatewayRefundRecord {
  std::optional<std::string> key;          // ours; empty: somebody gave it back at the gateway
  std::optional<std::string> payment_key;  // ours of its payment; empty: that was not made through us
  Amount amount;
  std::string currency;
  Timestamp created_at;
  GatewayRefund refund;
};

template <class Record>
struct GatewayPage {
  std::vector<Record> records;
  std::string next;  // empty: the last page
};

// A company that takes money for us. All calls are bounded by the context's deadline and throw
//   Unavailable     nothing was sent, nothing happened
//   UnknownOutcome  timeout, lost connection, or an answer that tells nothing (HTTP 500): it happened or it did not;
//                   find() tells
class Gateway {
 public:
  virtual ~Gateway() = default;

  // Whether customers can pay with this at the gateway.
  virtual bool takes(Method method) const { return method != Method::cod; }

  // True where the gateway finds payments by its own ids only. The service then stores what open() returns before it
  // charges, so that every later question can name it: no id in our books means that nothing was charged.
  virtual bool opens() const { return false; }
  // Makes the payment known at the gateway without moving money; the same for the same key. Its id, or `failed` where
  // the gateway cannot take such a payment. Only where opens() is true.
  virtual Task<GatewayPayment> open(Context context, GatewayCharge request);

  virtual Task<GatewayPayment> charge(Context context, GatewayCharge request) = 0;
  // Empty when no charge has arrived there: it may be made (again).
  virtual Task<std::optional<GatewayPayment>> find(Context context, GatewayRef payment) = 0;
  // Takes what is authorized.
  virtual Task<GatewayPayment> capture(Context context, GatewayRef payment) = 0;
  // Gives up what is not captured. A payment that was never charged is closed where the gateway can do that (a charge
  // that arrives later is refused); empty where it cannot.
  virtual Task<std::optional<GatewayPayment>> cancel(Context context, GatewayRef payment) = 0;
  // The same refund for the same key.
  virtual Task<GatewayRefund> refund(Context context, GatewayRefundRequest request) = 0;
  // Empty when the gateway has not heard of it.
  virtual Task<std::optional<GatewayRefund>> find_refund(Context context, GatewayRefundRequest request) = 0;

  // Verifies that the message is the gateway's and new, and reads it. payment.message_refused; a gateway without
  // messages refuses with payment.no_such_gateway.
  virtual Task<Result<GatewayEvent>> read_message(Context context, GatewayMessage message);

  // Whether list_payments() and list_refunds() can be called.
  virtual bool lists() const { return false; }
  // In the order of the gateway; what is made while somebody reads may be missing.
  virtual Task<GatewayPage<GatewayPaymentRecord>> list_payments(Context context, GatewayRange range);
  virtual Task<GatewayPage<GatewayRefundRecord>> list_refunds(Context context, GatewayRange range);
};

}  // namespace souk::payment
