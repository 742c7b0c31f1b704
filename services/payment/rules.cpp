#include "rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/card_number.hpp"
#include "core/random.hpp"
#include "core/seeded_bug.hpp"
#include "errors.hpp"
#include "gateways/currency.hpp"

namespace souk::payment::rules {
namespace {

// What every gateway's tokens are made of.
bool is_token(std::string_view token) {
  return token.size() <= 255 && std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
}

// NPCI's form of a virtual payment address: "name@bank".
bool is_upi_id(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at < 2 || text.size() - at < 3) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::ranges::all_of(text.substr(0, at),
                             [&](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; }) &&
         std::ranges::all_of(text.substr(at + 1), [&](char c) { return is_letter(c) || is_digit(c); });
}

bool names_a_card(const NewPaymentMethod& method) {
  return method.card_last4 || method.card_brand || method.card_exp_month || method.card_exp_year;
}

// A card is good until its month has ended everywhere on earth.
bool is_over(std::int64_t year, std::int64_t month, Timestamp now) {
  using namespace std::chrono;
  const auto last = sys_days(std::chrono::year(static_cast<int>(year)) / static_cast<int>(month) / std::chrono::last);
  return now >= last + days(1) + hours(12);
}

Result<void> check_card(const NewPaymentMethod& method, Timestamp now) {
  if (method.upi_id || method.wallet_type)
    return errors::invalid_request("type", "a card has no upi_id or wallet_type");
  if (method.card_last4 && !std::ranges::all_of(*method.card_last4, [](char c) { return c >= '0' && c <= '9'; })) {
    return errors::invalid_request("card_last4", "must be four digits");
  }
  if (method.card_exp_month.has_value() != method.card_exp_year.has_value()) {
    return errors::invalid_request("card_exp_month", "must be given together with card_exp_year");
  }
  if (method.card_exp_month && is_over(*method.card_exp_year, *method.card_exp_month, now)) {
    return errors::card_expired();
  }
  return {};
}

}  // namespace

bool may_change(PaymentStatus from, PaymentStatus to) {
  if (SOUK_SEEDED_BUG("payment.status_goes_backwards")) return true;
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
  if (request.token && has_card_number(*request.token)) return errors::card_number_refused();
  if (request.token && !is_token(*request.token)) return errors::invalid_request("token", "is no token of a gateway");
  return {};
}

Result<void> check(const NewPaymentMethod& method, Timestamp now) {
  const auto looks = [](const auto& text) { return text && has_card_number(*text); };
  if (has_card_number(method.token) || looks(method.gateway) || looks(method.card_brand) || looks(method.upi_id) ||
      looks(method.wallet_type)) {
    return errors::card_number_refused();
  }
  if (!is_token(method.token)) return errors::invalid_request("token", "is no token of a gateway");
  if (method.type == SavedType::card) return check_card(method, now);
  if (names_a_card(method)) return errors::invalid_request("type", "only a card has members that begin with card_");
  const bool upi = method.type == SavedType::upi;
  if (upi && method.wallet_type) return errors::invalid_request("wallet_type", "is only for a wallet");
  if (!upi && method.upi_id) return errors::invalid_request("upi_id", "is only for upi");
  if (upi && !(method.upi_id && is_upi_id(*method.upi_id))) {
    return errors::invalid_request("upi_id", "must be an address such as name@bank");
  }
  if (!upi && !method.wallet_type) return errors::invalid_request("wallet_type", "is required for a wallet");
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
      payment.authorized = false;
      payment.succeeded_at = now;
      break;
    case State::failed: return after_failure(std::move(payment), told.failure_reason.value_or("declined"), now);
    case State::cancelled:
      payment.status = PaymentStatus::cancelled;
      payment.authorized = false;
      break;
  }
  return payment;
}

Payment after_failure(Payment payment, std::string reason, Timestamp now) {
  payment.status = PaymentStatus::failed;
  payment.failure_reason = std::move(reason);
  payment.authorized = false;
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
