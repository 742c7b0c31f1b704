#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "core/time.hpp"
#include "gateway.hpp"

// Stripe's webhooks: the signature, and what a message is about. Pure.
namespace souk::payment::stripe {

// How far the time in a signature may be from ours, so that nobody sends an old message again.
inline constexpr std::chrono::minutes tolerance{5};

// Whether the header "t=1700000000,v1=<hex>,v1=…" has an HMAC-SHA256 of "<t>.<body>" by one of the secrets (while a
// secret is replaced there are two), and its time is near `now`.
bool is_signed(std::string_view header, std::string_view body, const std::vector<std::string>& secrets, Timestamp now);

// The event in a body that is signed. payment.message_refused for what is none.
Result<GatewayEvent> read_event(std::string_view body);

}  // namespace souk::payment::stripe
