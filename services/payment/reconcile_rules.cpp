#include "reconcile_rules.hpp"

#include <fmt/format.h>

#include <utility>

namespace souk::payment::rules {
namespace {

using State = GatewayState;

bool takes_money(State state) { return state == State::authorized || state == State::succeeded; }

Finding unknown_here(const GatewayPayment& theirs) {
  if (theirs.state == State::succeeded) {
    return {DifferenceKind::payment_unknown_here, Remedy::write_down,
            "it is written into our books; where the checkout has ended without an order, it is given back then"};
  }
  return {DifferenceKind::payment_unknown_here, Remedy::none,
          "money is held for a payment that we do not know: find its order, or cancel it at the gateway"};
}

Finding unknown_there(const Payment& ours) {
  return {DifferenceKind::payment_unknown_there, Remedy::none,
          ours.authorized ? "we count on money that the gateway does not hold: ask the gateway, or cancel the order"
                          : "we say paid, and the gateway has no such payment: ask the gateway"};
}

// Ours is under way: the gateway's word is taken as it always is, but for a hold that is gone.
std::optional<Finding> compare_open(const KnownPayment& known, State theirs) {
  const auto& ours = known.payment;
  if (ours.authorized && theirs == State::authorized) return std::nullopt;
  if (ours.authorized && theirs != State::succeeded) {
    return Finding{DifferenceKind::payment_status, Remedy::none,
                   "the gateway holds the money no longer: the order must be paid anew or cancelled"};
  }
  const bool same = (theirs == State::requires_action && ours.next_action) || theirs == State::processing;
  const bool under_way = !ours.authorized && known.age_s < under_way_s;
  if (same || under_way) return std::nullopt;
  return Finding{DifferenceKind::payment_status, Remedy::take_word, "the gateway's word is taken over"};
}

std::optional<Finding> compare_paid(State theirs) {
  if (theirs == State::succeeded) return std::nullopt;
  return Finding{DifferenceKind::payment_status, Remedy::none,
                 theirs == State::authorized ? "we say paid, and the gateway only holds the money: capture it there"
                                             : "we say paid, and the gateway has not taken the money: ask the gateway"};
}

// Ours has ended without money.
std::optional<Finding> compare_unpaid(State theirs) {
  if (theirs == State::succeeded) {
    return Finding{DifferenceKind::payment_status, Remedy::write_down,
                   "the late capture is written into our books; where there is no order, it is given back then"};
  }
  if (theirs == State::authorized || theirs == State::requires_action) {
    return Finding{DifferenceKind::payment_status, Remedy::give_up_hold,
                   "the payment has ended here and is closed at the gateway too"};
  }
  return std::nullopt;
}

std::string text(std::string_view status, Amount amount, std::string_view currency) {
  return currency.empty() ? std::string(status) : fmt::format("{} {} {}", status, amount.to_string(), currency);
}

}  // namespace

std::optional<Finding> compare(const std::optional<KnownPayment>& known, const std::optional<GatewayPayment>& theirs) {
  if (!known) return takes_money(theirs.value().state) ? std::optional(unknown_here(*theirs)) : std::nullopt;
  const auto& ours = known->payment;
  const bool paid = ours.status == PaymentStatus::succeeded || ours.status == PaymentStatus::refunded;
  if (!theirs) return paid || ours.authorized ? std::optional(unknown_there(ours)) : std::nullopt;
  if (takes_money(theirs->state) && (theirs->amount != ours.amount || theirs->currency != ours.currency)) {
    return Finding{DifferenceKind::payment_amount, Remedy::none,
                   "the gateway has taken another amount than the order's: correct it at the gateway"};
  }
  switch (ours.status) {
    case PaymentStatus::pending:
    case PaymentStatus::processing: return compare_open(*known, theirs->state);
    case PaymentStatus::succeeded:
    case PaymentStatus::refunded: return compare_paid(theirs->state);
    case PaymentStatus::failed:
    case PaymentStatus::cancelled: return compare_unpaid(theirs->state);
  }
  std::unreachable();
}

std::optional<Finding> compare(const std::optional<Refund>& ours, double age_s,
                               const std::optional<TheirRefund>& theirs) {
  using Theirs = GatewayRefundState;
  if (!ours) {
    if (theirs.value().state == Theirs::failed) return std::nullopt;
    if (theirs->state == Theirs::pending) {
      return Finding{DifferenceKind::refund_unknown_here, Remedy::none,
                     "a refund that was made at the gateway is under way; it is written down when it is done"};
    }
    return Finding{DifferenceKind::refund_unknown_here, Remedy::write_down,
                   "money was given back at the gateway; it is written into our books"};
  }
  if (!theirs) {
    if (ours->status != RefundStatus::succeeded) return std::nullopt;
    return Finding{DifferenceKind::refund_unknown_there, Remedy::none,
                   "we say given back, and the gateway has no such refund: ask the gateway"};
  }
  if (theirs->state != Theirs::failed && (theirs->amount != ours->amount || theirs->currency != ours->currency)) {
    return Finding{DifferenceKind::refund_amount, Remedy::none,
                   "the gateway has given back another amount: correct it at the gateway"};
  }
  switch (ours->status) {
    case RefundStatus::pending:
    case RefundStatus::processing:
      if (theirs->state == Theirs::pending || age_s < under_way_s) return std::nullopt;
      return Finding{DifferenceKind::refund_status, Remedy::take_word, "the gateway's word is taken over"};
    case RefundStatus::succeeded:
      if (theirs->state == Theirs::succeeded) return std::nullopt;
      return Finding{DifferenceKind::refund_status, Remedy::none,
                     "we say given back, and the customer has not got the money: refund it at the gateway"};
    case RefundStatus::failed:
      if (theirs->state == Theirs::failed) return std::nullopt;
      if (theirs->state == Theirs::pending) {
        return Finding{DifferenceKind::refund_status, Remedy::none,
                       "a refund that we hold for failed is under way; it is written down when it is done"};
      }
      return Finding{DifferenceKind::refund_status, Remedy::write_down,
                     "the refund has arrived after all; it is written into our books"};
  }
  std::unreachable();
}

std::string describe(const Payment& payment) {
  std::string status(json::enum_name(payment.status));
  if (payment.authorized) status = "authorized";
  if (payment.outcome_unknown) status = "unknown";
  return text(status, payment.amount, payment.currency);
}
std::string describe(const GatewayPayment& payment) {
  return text(json::enum_name(payment.state), payment.amount, payment.currency);
}
std::string describe(const Refund& refund) {
  return text(json::enum_name(refund.status), refund.amount, refund.currency);
}
std::string describe(const TheirRefund& refund) {
  return text(json::enum_name(refund.state), refund.amount, refund.currency);
}

}  // namespace souk::payment::rules
