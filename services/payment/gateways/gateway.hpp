#pragma once

#include <optional>
#include <string>

#include "core/context.hpp"
#include "core/money.hpp"
#include "core/task.hpp"
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
  std::string key;  // our idempotency key: the gateway charges once for it, however often it is asked
  Amount amount;
  std::string currency;
  Method method{};
  std::string token;
  std::optional<std::string> return_url;
};

struct GatewayRefundRequest {
  std::string key;
  std::string payment_id;  // the gateway's
  Amount amount;
  std::string currency;
};

// A company that takes money for us. All calls are bounded by the context's deadline and throw
//   Unavailable     nothing was sent, nothing happened
//   UnknownOutcome  timeout, lost connection, or an answer that tells nothing (HTTP 500): it happened or it did not;
//                   find() tells
class Gateway {
 public:
  virtual ~Gateway() = default;

  virtual Task<GatewayPayment> charge(Context context, GatewayCharge request) = 0;
  // By our key; empty when the gateway has never heard of it.
  virtual Task<std::optional<GatewayPayment>> find(Context context, std::string key) = 0;
  // Takes what is authorized.
  virtual Task<GatewayPayment> capture(Context context, std::string key) = 0;
  // Gives up what is not captured. A key that was never used is closed where the gateway can do that (a charge that
  // arrives later is refused); empty where it cannot.
  virtual Task<std::optional<GatewayPayment>> cancel(Context context, std::string key) = 0;
  virtual Task<GatewayRefund> refund(Context context, GatewayRefundRequest request) = 0;
  virtual Task<std::optional<GatewayRefund>> find_refund(Context context, std::string key) = 0;
};

}  // namespace souk::payment
