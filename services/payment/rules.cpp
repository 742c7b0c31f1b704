#include "rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/random.hpp"
#include "errors.hpp"
#include "gateways/currency.hpp"

namespace souk::payment::rules {
namespace {

// What every gateway's tokens are made of.
bool is_token(std::string_view token) {
  return token.size() <= 255 && std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

bool may_change(PaymentStatus from, PaymentStatus to) {
  switch (from) {
    case PaymentStatus::pending:
      // Cash goes straight to succeeded when the carrier has it.
      return to == PaymentStatus::processing || to == PaymentStatus::failed || to == PaymentStatus::cancelled ||
             to == PaymentStatus::succeeded;
    case PaymentStatus::processing:
      return to == PaymentStatus::succeeded || to == PaymentStatus::failed || to == PaymentStatus::cancelled;
    case PaymentStatus::succeeded: return to == PaymentStatus::refunded;
    case PaymentStatus::failed:
    case PaymentStatus::cancelled:
    case PaymentStatus::refunded: return false;
  }
  std::unreachable();
}

bool may_change(RefundStatus from, RefundStatus to) {
  switch (from) {
    case RefundStatus::pending: return to == RefundStatus::processing;
    case RefundStatus::processing: return to == RefundStatus::succeeded || to == RefundStatus::failed;
    case RefundStatus::failed: return to == RefundStatus::processing;  // tried again
    case RefundStatus::succeeded: return false;
  }
  std::unreachable();
}

bool is_final(PaymentStatus status) { return status != PaymentStatus::pending && status != PaymentStatus::processing; }

Result<void> check(const Charge& request) {
  if (request.amount <= Amount() || request.amount.minor() > Amount::max_minor || !is_currency(request.currency)) {
    return errors::amount_unsupported();
  }
  if (request.method != Method::cod && !to_units(request.amount, request.currency)) return errors::amount_unsupported();
  if (request.token && !is_token(*request.token)) return errors::invalid_request("token", "is no token of a gateway");
  return {};
}

void check_same(const Payment& payment, const Charge& request) {
  if (payment.amount == request.amount && payment.currency == request.currency && payment.user_id == request.user_id) {
    return;
  }
  throw std::logic_error(fmt::format("order {} is charged {} {} after {} {}", request.order_id.to_string(),
                                     request.amount.to_string(), request.currency, payment.amount.to_string(),
                                     payment.currency));
}

Payment after(Payment payment, const GatewayPayment& told, Timestamp now) {
  using State = GatewayState;
  if (payment.status != PaymentStatus::processing) return payment;
  const bool takes_money = told.state == State::authorized || told.state == State::succeeded;
  if (takes_money && (told.amount != payment.amount || told.currency != payment.currency)) {
    throw std::runtime_error(fmt::format("the gateway took {} {} for payment {} of {} {}", told.amount.to_string(),
                                         told.currency, payment.payment_number, payment.amount.to_string(),
                                         payment.currency));
  }
  if (!told.id.empty()) payment.gateway_payment_id = told.id;
  payment.next_action.reset();
  payment.outcome_unknown = told.state == State::processing;
  switch (told.state) {
    case State::processing: break;
    case State::requires_action: payment.next_action = told.next_action; break;
    case State::authorized: payment.authorized = true; break;
    case State::succeeded:
      payment.status = PaymentStatus::succeeded;
      payment.succeeded_at = now;
      break;
    case State::failed: return after_failure(std::move(payment), told.failure_reason.value_or("declined"), now);
    case State::cancelled: payment.status = PaymentStatus::cancelled; break;
  }
  return payment;
}

Payment after_failure(Payment payment, std::string reason, Timestamp now) {
  payment.status = PaymentStatus::failed;
  payment.failure_reason = std::move(reason);
  payment.outcome_unknown = false;
  payment.next_action.reset();
  payment.failed_at = now;
  return payment;
}

Result<Amount> refundable(const Payment& payment, Amount refunding, std::optional<Amount> wanted) {
  if (payment.status != PaymentStatus::succeeded && payment.status != PaymentStatus::refunded) {
    return errors::not_captured();
  }
  const auto left = payment.amount - payment.refunded - refunding;
  const auto amount = wanted.value_or(left);
  if (amount <= Amount() || amount > left) return errors::refund_exceeds_capture();
  return amount;
}

std::optional<std::int64_t> next_check_s(const Payment& payment) {
  if (payment.status != PaymentStatus::processing) return std::nullopt;
  if (payment.next_action) return 60;  // the gateway calls when the customer has acted; this is for calls that get lost
  if (payment.outcome_unknown) return 5;
  return std::nullopt;  // authorized
}

std::string new_number(std::string_view prefix, Timestamp now) {
  // Crockford's base 32: no letter that is taken for a digit. 60 random bits.
  static constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::array<std::uint8_t, 12> bytes{};
  random_bytes(bytes);
  std::string number = fmt::format("{}-", prefix);
  for (const char c : to_rfc3339(now).substr(0, 10)) {
    if (c != '-') number.push_back(c);
  }
  number.push_back('-');
  for (const auto byte : bytes) number.push_back(alphabet[byte % 32]);
  return number;
}

}  // namespace souk::payment::rules
