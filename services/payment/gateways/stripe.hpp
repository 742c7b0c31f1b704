#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway.hpp"
#include "transport.hpp"

namespace souk::payment {

struct StripeOptions {
  std::string url = "https://api.stripe.com";
  std::string secret_key;  // "sk_live_…"; a restricted key needs PaymentIntents and Refunds, read and write
  // "whsec_…" of the webhook's endpoint; two while it is replaced, none: webhooks are refused.
  std::vector<std::string> webhook_secrets{};
  std::chrono::milliseconds timeout{10'000};
  rpc::Breaker::Options breaker = TransportOptions{}.breaker;
};

// Stripe: one PaymentIntent an order. It is created first (open), its id is stored, and then it is confirmed with the
// customer's pm_… (charge): a PaymentIntent is charged at most once, and whatever becomes of the answers, its id finds
// it. docs/payments.md says what happens when.
class Stripe final : public Gateway {
 public:
  // `client` outlives it. Throws std::invalid_argument for a URL or key that cannot be meant.
  Stripe(http::Client& client, StripeOptions options);

  bool takes(Method method) const override { return method == Method::card || method == Method::wallet; }
  bool opens() const override { return true; }
  Task<GatewayPayment> open(Context context, GatewayCharge request) override;
  Task<GatewayPayment> charge(Context context, GatewayCharge request) override;
  Task<std::optional<GatewayPayment>> find(Context context, GatewayRef payment) override;
  Task<GatewayPayment> capture(Context context, GatewayRef payment) override;
  Task<std::optional<GatewayPayment>> cancel(Context context, GatewayRef payment) override;
  Task<GatewayRefund> refund(Context context, GatewayRefundRequest request) override;
  Task<std::optional<GatewayRefund>> find_refund(Context context, GatewayRefundRequest request) override;
  Task<Result<GatewayEvent>> read_message(Context context, GatewayMessage message) override;

 private:
  struct Intent;
  using Fields = std::vector<std::pair<std::string, std::string>>;

  Task<http::ClientResponse> post(Context context, std::string path, Fields fields, std::string idempotency_key);
  Task<http::ClientResponse> get(Context context, std::string path);
  Task<Intent> retrieve(Context context, std::string id);
  // What the intent says; empty when no charge has arrived. A declined one is cancelled first, so that no late attempt
  // can charge what we call failed.
  Task<std::optional<GatewayPayment>> settled(Context context, Intent intent);
  Task<Intent> cancelled(Context context, std::string id);
  // After a refused request: the intent as it is now.
  Task<GatewayPayment> after_refusal(Context context, std::string id, http::ClientResponse response);

  Transport transport_;
  std::string authorization_;
  std::vector<std::string> webhook_secrets_;
};

}  // namespace souk::payment
