#pragma once

#include <optional>
#include <string>

#include "gateways/gateway.hpp"
#include "payment/api.hpp"
#include "repository.hpp"

// What a difference between our books and a gateway's is, and what may be done about it: pure functions.
namespace souk::payment::rules {

// What is safe: it moves no money, and done twice it is done once.
enum class Remedy {
  none,         // nothing is: somebody must look
  take_word,    // the gateway's word becomes our payment's or refund's result, as after a webhook
  write_down,   // what the gateway has taken or given back comes into our books
  give_up_hold  // what is still open at the gateway is cancelled there
};

struct Finding {
  DifferenceKind kind{};
  Remedy remedy = Remedy::none;
  std::string advice;  // for whom it may concern; with a remedy: what that does
};

// How long a payment or refund may be under way before a difference counts; the resolver looks first after 20 s.
inline constexpr double under_way_s = 20;

// Empty where both say the same, or will in a moment. At least one of the two is there.
std::optional<Finding> compare(const std::optional<KnownPayment>& ours, const std::optional<GatewayPayment>& theirs);
// `age_s` is our refund's; `theirs` and the amount are the gateway's.
struct TheirRefund {
  GatewayRefundState state{};
  Amount amount;
  std::string currency;
};
std::optional<Finding> compare(const std::optional<Refund>& ours, double age_s,
                               const std::optional<TheirRefund>& theirs);

// "succeeded 12.50 USD"
std::string describe(const Payment& payment);
std::string describe(const GatewayPayment& payment);
std::string describe(const Refund& refund);
std::string describe(const TheirRefund& refund);

}  // namespace souk::payment::rules
