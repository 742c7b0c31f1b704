#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/batcher.hpp"
#include "core/runtime.hpp"
#include "gateway.hpp"
#include "postgres/pool.hpp"

namespace souk::payment {

// A gateway for development, demonstrations and tests, with a durable ledger of its own (schema `simulator`), which is
// the judge of what was charged. What happens is chosen by the token; the README lists them.
class Simulator final : public Gateway {
 public:
  struct Delays {
    std::chrono::milliseconds slow{3000};    // tok_slow
    std::chrono::milliseconds timeout{200};  // how long a lost answer is waited for; a real gateway's limit is 10 s
  };
  // Shares nothing with the payment service but the server: give it a pool of its own.
  Simulator(Runtime& runtime, pg::Pool& pool);
  Simulator(Runtime& runtime, pg::Pool& pool, Delays delays);

  Task<GatewayPayment> charge(Context context, GatewayCharge request) override;
  Task<std::optional<GatewayPayment>> find(Context context, GatewayRef payment) override;
  Task<GatewayPayment> capture(Context context, GatewayRef payment) override;
  Task<std::optional<GatewayPayment>> cancel(Context context, GatewayRef payment) override;
  Task<GatewayRefund> refund(Context context, GatewayRefundRequest request) override;
  Task<std::optional<GatewayRefund>> find_refund(Context context, GatewayRefundRequest request) override;

  bool lists() const override { return true; }
  Task<GatewayPage<GatewayPaymentRecord>> list_payments(Context context, GatewayRange range) override;
  Task<GatewayPage<GatewayRefundRecord>> list_refunds(Context context, GatewayRange range) override;

  // What the customer sees on the gateway's own page.
  struct Hosted {
    GatewayPayment payment;
    std::string key;
    std::optional<std::string> return_url;
  };
  Task<std::optional<Hosted>> find_hosted(Context context, std::string id);
  // The customer approves or rejects a payment that waits for it; nothing where it does not wait.
  Task<std::optional<Hosted>> decide(Context context, std::string id, bool approved);

 private:
  struct Stored;
  struct NewPayment {
    std::string id;
    GatewayCharge request;
    std::int64_t units = 0;
    GatewayState state{};
    std::optional<std::string> failure_reason;
    std::optional<NextActionType> action;
    Deadline deadline;
  };

  static Task<std::vector<bool>> insert(pg::Pool& pool, std::vector<NewPayment> payments);
  // Whether the payment is new; false when the key was used before.
  Task<bool> record(Context context, NewPayment payment);
  // Whether nobody has tried this key before; remembered.
  Task<bool> first_attempt(Context context, std::string key);
  Task<std::optional<Stored>> find_stored(Context context, std::string key);
  static Stored to_stored(NewPayment payment);
  static GatewayPayment to_gateway(const Stored& stored);
  static Hosted to_hosted(const Stored& stored);

  pg::Pool& pool_;
  Delays delays_;
  Batcher<NewPayment, bool> inserts_;
};

}  // namespace souk::payment
