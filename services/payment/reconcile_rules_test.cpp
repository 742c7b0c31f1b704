#include <gtest/gtest.h>

#include "reconcile_rules.hpp"

namespace souk::payment::rules {
namespace {

using State = GatewayState;

KnownPayment ours(PaymentStatus status, double age_s = 60) {
  KnownPayment known{.payment = {.amount = Amount(1000), .currency = "USD", .status = status}, .age_s = age_s};
  known.payment.outcome_unknown = status == PaymentStatus::processing;
  return known;
}
KnownPayment held() {
  auto known = ours(PaymentStatus::processing);
  known.payment.outcome_unknown = false;
  known.payment.authorized = true;
  return known;
}
GatewayPayment theirs(State state, std::int64_t minor = 1000, std::string currency = "USD") {
  return {.id = "g1", .state = state, .amount = Amount(minor), .currency = std::move(currency)};
}

// "same", or "kind remedy".
std::string verdict(const std::optional<Finding>& finding) {
  if (!finding) return "same";
  constexpr std::array remedies{"none", "take_word", "write_down", "give_up_hold"};
  return std::string(json::enum_name(finding->kind)) + " " + remedies[static_cast<std::size_t>(finding->remedy)];
}

TEST(ReconcileRules, WhatTheGatewayHasTakenAndWeDoNotKnow) {
  EXPECT_EQ(verdict(compare(std::nullopt, theirs(State::succeeded))), "payment_unknown_here write_down");
  EXPECT_EQ(verdict(compare(std::nullopt, theirs(State::authorized))), "payment_unknown_here none");
  for (const auto state : {State::processing, State::requires_action, State::failed, State::cancelled}) {
    EXPECT_EQ(verdict(compare(std::nullopt, theirs(state))), "same");
  }
}

TEST(ReconcileRules, WhatWeCountOnAndTheGatewayDoesNotKnow) {
  EXPECT_EQ(verdict(compare(ours(PaymentStatus::succeeded), std::nullopt)), "payment_unknown_there none");
  EXPECT_EQ(verdict(compare(ours(PaymentStatus::refunded), std::nullopt)), "payment_unknown_there none");
  EXPECT_EQ(verdict(compare(held(), std::nullopt)), "payment_unknown_there none");
  for (const auto status : {PaymentStatus::processing, PaymentStatus::failed, PaymentStatus::cancelled}) {
    EXPECT_EQ(verdict(compare(ours(status), std::nullopt)), "same");
  }
}

TEST(ReconcileRules, EveryPairOfStatuses) {
  const std::string took = "payment_status take_word", wrote = "payment_status write_down";
  const std::string closed = "payment_status give_up_hold", look = "payment_status none", same = "same";
  struct Row {
    KnownPayment ours;
    // processing, requires_action, authorized, succeeded, failed, cancelled
    std::array<std::string, 6> verdicts;
  };
  const std::array rows{
      Row{ours(PaymentStatus::processing), {same, took, took, took, took, took}},
      Row{held(), {look, look, same, took, took, look}},
      Row{ours(PaymentStatus::succeeded), {look, look, look, same, look, look}},
      Row{ours(PaymentStatus::refunded), {look, look, look, same, look, look}},
      Row{ours(PaymentStatus::failed), {same, closed, closed, wrote, same, same}},
      Row{ours(PaymentStatus::cancelled), {same, closed, closed, wrote, same, same}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(describe(row.ours.payment));
    for (std::size_t i = 0; i < 6; ++i) {
      const auto state = static_cast<State>(i);
      // A hold that is gone is never taken for the end of the payment: the order counts on it.
      const bool hold_gone = row.ours.payment.authorized && (state == State::failed || state == State::cancelled);
      EXPECT_EQ(verdict(compare(row.ours, theirs(state))), hold_gone ? look : row.verdicts[i])
          << json::enum_name(state);
    }
  }
}

TEST(ReconcileRules, WhatIsUnderWayForAMomentIsNoDifference) {
  EXPECT_EQ(verdict(compare(ours(PaymentStatus::processing, 5), theirs(State::succeeded))), "same");
  EXPECT_EQ(verdict(compare(ours(PaymentStatus::processing, 21), theirs(State::succeeded))),
            "payment_status take_word");
  auto waiting = ours(PaymentStatus::processing);
  waiting.payment.outcome_unknown = false;
  waiting.payment.next_action = NextAction{.type = NextActionType::redirect, .url = "https://bank.example"};
  EXPECT_EQ(verdict(compare(waiting, theirs(State::requires_action))), "same");
}

TEST(ReconcileRules, AnotherAmountIsNeverRepaired) {
  for (const auto status : {PaymentStatus::processing, PaymentStatus::succeeded, PaymentStatus::failed}) {
    EXPECT_EQ(verdict(compare(ours(status), theirs(State::succeeded, 999))), "payment_amount none");
    EXPECT_EQ(verdict(compare(ours(status), theirs(State::succeeded, 1000, "EUR"))), "payment_amount none");
  }
  EXPECT_EQ(verdict(compare(ours(PaymentStatus::failed), theirs(State::failed, 999))), "same");
}

TEST(ReconcileRules, Refunds) {
  using Theirs = GatewayRefundState;
  const auto booked = [](RefundStatus status) {
    return Refund{.amount = Amount(300), .currency = "USD", .status = status};
  };
  const auto there = [](Theirs state, std::int64_t minor = 300) { return TheirRefund{state, Amount(minor), "USD"}; };
  EXPECT_EQ(verdict(compare(std::nullopt, 0, there(Theirs::succeeded))), "refund_unknown_here write_down");
  EXPECT_EQ(verdict(compare(std::nullopt, 0, there(Theirs::pending))), "refund_unknown_here none");
  EXPECT_EQ(verdict(compare(std::nullopt, 0, there(Theirs::failed))), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::succeeded), 60, std::nullopt)), "refund_unknown_there none");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::processing), 60, std::nullopt)), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::succeeded), 60, there(Theirs::succeeded))), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::succeeded), 60, there(Theirs::failed))), "refund_status none");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::succeeded), 60, there(Theirs::pending))), "refund_status none");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::succeeded), 60, there(Theirs::succeeded, 299))), "refund_amount none");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::processing), 60, there(Theirs::succeeded))),
            "refund_status take_word");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::processing), 60, there(Theirs::failed))), "refund_status take_word");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::processing), 5, there(Theirs::succeeded))), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::processing), 60, there(Theirs::pending))), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::failed), 60, there(Theirs::succeeded))), "refund_status write_down");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::failed), 60, there(Theirs::failed))), "same");
  EXPECT_EQ(verdict(compare(booked(RefundStatus::failed), 60, there(Theirs::pending))), "refund_status none");
}

}  // namespace
}  // namespace souk::payment::rules
