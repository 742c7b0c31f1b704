#include "configured_gateways.hpp"

#include <ranges>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "gateways/stripe.hpp"
#include "settings.hpp"

namespace souk::payment {
namespace {

http::ClientOptions client_options() {
  return {.connect_timeout = settings::connect_timeout.get(), .ca_file = settings::ca_file.get()};
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(text, ',')) {
    if (!part.empty()) parts.emplace_back(part.begin(), part.end());
  }
  return parts;
}

bool captures_later() {
  const auto& when = settings::capture.get();
  if (when != "at_once" && when != "later") throw std::invalid_argument("SOUK_PAYMENT_CAPTURE is at_once or later");
  return when == "later";
}

}  // namespace

ConfiguredGateways::ConfiguredGateways(Runtime& runtime, Simulator& simulator)
    : client_(runtime, client_options()), simulator_(simulator) {
  if (!settings::stripe_key.get().empty()) {
    made_["stripe"] =
        std::make_unique<Stripe>(client_, StripeOptions{.url = settings::stripe_url.get(),
                                                        .secret_key = settings::stripe_key.get(),
                                                        .webhook_secrets = split(settings::stripe_webhook_secret.get()),
                                                        .timeout = settings::gateway_timeout.get()});
  }
}

Gateways ConfiguredGateways::gateways() const {
  Gateways gateways{.standard = settings::gateway.get(), .capture_later = captures_later()};
  for (const auto& [name, gateway] : made_) gateways.by_name[name] = gateway.get();
  if (gateways.standard == "simulator") gateways.by_name["simulator"] = &simulator_;
  return gateways;
}

}  // namespace souk::payment
