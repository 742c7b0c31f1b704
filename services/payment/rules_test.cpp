#include "rules.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "gateways/currency.hpp"

namespace souk::payment {
namespace {

using Status = PaymentStatus;

constexpr Timestamp some_time{std::chrono::hours(500'000)};

Payment payment(Status status = Status::processing, std::int64_t minor = 5000) {
  Payment payment{.id = Uuid::v7(), .payment_number = "PAY-1", .order_id = Uuid::v7(), .amount = Amount(minor)};
  payment.currency = "USD";
  payment.status = status;
  payment.outcome_unknown = status == Status::processing;
  return payment;
}

GatewayPayment told(GatewayState state, std::int64_t minor = 5000) {
  return {.id = "gw_1", .state = state, .amount = Amount(minor), .currency = "USD"};
}

TEST(PaymentRules, APaymentGoesOnlyFromAStatusToWhatMayFollowIt) {
  using Pair = std::pair<Status, Status>;
  const std::set<Pair> allowed = {
      {Status::pending, Status::processing},   {Status::pending, Status::succeeded},
      {Status::pending, Status::failed},       {Status::pending, Status::cancelled},
      {Status::processing, Status::succeeded}, {Status::processing, Status::failed},
      {Status::processing, Status::cancelled}, {Status::succeeded, Status::refunded},
  };
  const Status all[] = {Status::pending, Status::processing, Status::succeeded,
                        Status::failed,  Status::cancelled,  Status::refunded};
  for (const auto from : all) {
    for (const auto to : all) {
      EXPECT_EQ(rules::may_change(from, to), allowed.contains({from, to}))
          << json::enum_name(from) << " to " << json::enum_name(to);
    }
  }
}

TEST(PaymentRules, ARefundGoesOnlyFromAStatusToWhatMayFollowIt) {
  using Pair = std::pair<RefundStatus, RefundStatus>;
  const std::set<Pair> allowed = {{RefundStatus::pending, RefundStatus::processing},
                                  {RefundStatus::processing, RefundStatus::succeeded},
                                  {RefundStatus::processing, RefundStatus::failed},
                                  {RefundStatus::failed, RefundStatus::processing}};
  const RefundStatus all[] = {RefundStatus::pending, RefundStatus::processing, RefundStatus::succeeded,
                              RefundStatus::failed};
  for (const auto from : all) {
    for (const auto to : all) EXPECT_EQ(rules::may_change(from, to), allowed.contains({from, to}));
  }
}

TEST(PaymentRules, WhatTheGatewayTellsDecides) {
  struct Case {
    GatewayState state;
    Status becomes;
    bool unknown;
    bool authorized;
  };
  const Case cases[] = {
      {GatewayState::processing, Status::processing, true, false},
      {GatewayState::requires_action, Status::processing, false, false},
      {GatewayState::authorized, Status::processing, false, true},
      {GatewayState::succeeded, Status::succeeded, false, false},
      {GatewayState::failed, Status::failed, false, false},
      {GatewayState::cancelled, Status::cancelled, false, false},
  };
  for (const auto& c : cases) {
    const auto next = rules::after(payment(), told(c.state), some_time);
    EXPECT_EQ(next.status, c.becomes) << json::enum_name(c.state);
    EXPECT_EQ(next.outcome_unknown, c.unknown);
    EXPECT_EQ(next.authorized, c.authorized);
    EXPECT_EQ(next.gateway_payment_id, "gw_1");
    EXPECT_EQ(next.succeeded_at.has_value(), c.becomes == Status::succeeded);
    EXPECT_EQ(next.failed_at.has_value(), c.becomes == Status::failed);
  }
}

TEST(PaymentRules, WhatHasEndedStaysAsItIs) {
  for (const auto status : {Status::pending, Status::succeeded, Status::failed, Status::cancelled, Status::refunded}) {
    const auto before = payment(status);
    for (const auto state : {GatewayState::succeeded, GatewayState::failed, GatewayState::cancelled}) {
      EXPECT_EQ(json::write(rules::after(before, told(state), some_time)), json::write(before));
    }
  }
}

TEST(PaymentRules, AGatewayThatTookAnotherAmountIsNotBelieved) {
  EXPECT_THROW(rules::after(payment(), told(GatewayState::succeeded, 5001), some_time), std::runtime_error);
  EXPECT_THROW(rules::after(payment(), told(GatewayState::authorized, 1), some_time), std::runtime_error);
  auto other = told(GatewayState::succeeded);
  other.currency = "EUR";
  EXPECT_THROW(rules::after(payment(), other, some_time), std::runtime_error);
  EXPECT_EQ(rules::after(payment(), told(GatewayState::cancelled, 0), some_time).status, Status::cancelled);
}

TEST(PaymentRules, RefundsNeverExceedWhatWasPaid) {
  const auto refundable = [](Status status, std::int64_t refunded, std::int64_t refunding,
                             std::optional<std::int64_t> wanted) -> std::string {
    auto paid = payment(status);
    paid.refunded = Amount(refunded);
    const auto amount =
        rules::refundable(paid, Amount(refunding), wanted ? std::optional(Amount(*wanted)) : std::nullopt);
    return amount ? amount->to_string() : amount.error().code;
  };
  EXPECT_EQ(refundable(Status::succeeded, 0, 0, std::nullopt), "50.00");
  EXPECT_EQ(refundable(Status::succeeded, 1000, 500, std::nullopt), "35.00");
  EXPECT_EQ(refundable(Status::succeeded, 1000, 500, 3500), "35.00");
  EXPECT_EQ(refundable(Status::succeeded, 1000, 500, 3501), "payment.refund_exceeds_capture");
  EXPECT_EQ(refundable(Status::succeeded, 4000, 1000, std::nullopt), "payment.refund_exceeds_capture");
  EXPECT_EQ(refundable(Status::succeeded, 0, 0, 0), "payment.refund_exceeds_capture");
  EXPECT_EQ(refundable(Status::succeeded, 0, 0, -1), "payment.refund_exceeds_capture");
  EXPECT_EQ(refundable(Status::refunded, 5000, 0, 1), "payment.refund_exceeds_capture");
  for (const auto status : {Status::pending, Status::processing, Status::failed, Status::cancelled}) {
    EXPECT_EQ(refundable(status, 0, 0, 1), "payment.not_captured");
  }
}

TEST(PaymentRules, AChargeMustFitItsCurrency) {
  const auto refused = [](std::int64_t minor, std::string currency, Method method = Method::card,
                          std::string token = "tok") {
    Charge charge{.amount = Amount(minor), .currency = std::move(currency)};
    charge.method = method;
    charge.token = std::move(token);
    const auto checked = rules::check(charge);
    return checked ? "" : checked.error().code;
  };
  EXPECT_EQ(refused(1, "USD"), "");
  EXPECT_EQ(refused(Amount::max_minor, "USD"), "");
  EXPECT_EQ(refused(Amount::max_minor + 1, "USD"), "payment.amount_unsupported");
  EXPECT_EQ(refused(0, "USD"), "payment.amount_unsupported");
  EXPECT_EQ(refused(-1, "USD"), "payment.amount_unsupported");
  EXPECT_EQ(refused(100, "JPY"), "");
  EXPECT_EQ(refused(150, "JPY"), "payment.amount_unsupported");
  EXPECT_EQ(refused(150, "JPY", Method::cod), "");
  for (const auto* wrong : {"", "US", "usd", "U$D", "USDT"}) {
    EXPECT_EQ(refused(100, wrong), "payment.amount_unsupported") << wrong;
  }
  EXPECT_EQ(refused(100, "USD", Method::card, "a b"), "request.invalid");
  EXPECT_EQ(refused(100, "USD", Method::card, "\xff"), "request.invalid");
  EXPECT_EQ(refused(100, "USD", Method::card, std::string(256, 'x')), "request.invalid");
}

TEST(PaymentRules, UnitsOfACurrencyAreItsOwn) {
  EXPECT_EQ(to_units(Amount(1234), "USD"), 1234);
  EXPECT_EQ(to_units(Amount(1200), "JPY"), 12);
  EXPECT_EQ(to_units(Amount(1234), "JPY"), std::nullopt);
  EXPECT_EQ(to_units(Amount(1234), "KWD"), 12340);
  for (const auto* currency : {"USD", "JPY", "KWD"}) {
    EXPECT_EQ(from_units(*to_units(Amount(9'999'999'900), currency), currency), Amount(9'999'999'900));
  }
  EXPECT_THROW(from_units(5, "KWD"), std::runtime_error);
}

TEST(PaymentRules, TwoAmountsForOneOrderAreABug) {
  const auto paid = payment();
  Charge charge{.order_id = paid.order_id, .user_id = paid.user_id, .amount = paid.amount, .currency = "USD"};
  EXPECT_NO_THROW(rules::check_same(paid, charge));
  charge.amount = Amount(5001);
  EXPECT_THROW(rules::check_same(paid, charge), std::logic_error);
  charge.amount = paid.amount;
  charge.currency = "EUR";
  EXPECT_THROW(rules::check_same(paid, charge), std::logic_error);
}

TEST(PaymentRules, TheGatewayIsAskedWhereSomethingMayHaveHappened) {
  EXPECT_EQ(rules::next_check_s(payment(Status::succeeded)), std::nullopt);
  EXPECT_EQ(rules::next_check_s(payment(Status::processing)), 5);
  auto waiting = payment();
  waiting.outcome_unknown = false;
  waiting.next_action = NextAction{.type = NextActionType::redirect};
  EXPECT_EQ(rules::next_check_s(waiting), 60);
  waiting.next_action.reset();
  waiting.authorized = true;
  EXPECT_EQ(rules::next_check_s(waiting), std::nullopt);
}

NewPaymentMethod saved_card() {
  return {.type = SavedType::card, .token = "pm_1", .card_last4 = "4242", .card_exp_month = 2, .card_exp_year = 2028};
}

std::string refused(const NewPaymentMethod& method, std::string_view when = "2027-01-15T08:00:00Z") {
  const auto checked = rules::check(method, *parse_timestamp(when));
  return checked ? "" : checked.error().code;
}

TEST(PaymentRules, ACardIsGoodUntilItsMonthHasEndedEverywhere) {
  EXPECT_EQ(refused(saved_card(), "2028-02-29T23:59:59Z"), "");
  EXPECT_EQ(refused(saved_card(), "2028-03-01T11:59:59Z"), "");
  EXPECT_EQ(refused(saved_card(), "2028-03-01T12:00:00Z"), "payment.card_expired");
  auto half = saved_card();
  half.card_exp_year.reset();
  EXPECT_EQ(refused(half), "request.invalid");
}

TEST(PaymentRules, ASavedMethodHasTheMembersOfItsType) {
  const NewPaymentMethod upi{.type = SavedType::upi, .token = "t", .upi_id = "ada.l-1@okbank"};
  const NewPaymentMethod wallet{.type = SavedType::wallet, .token = "t", .wallet_type = "apple_pay"};
  for (const auto& method : {saved_card(), upi, wallet}) EXPECT_EQ(refused(method), "");
  for (auto wrong : {saved_card(), wallet}) {
    wrong.upi_id = "ada@bank";
    EXPECT_EQ(refused(wrong), "request.invalid");
  }
  for (auto wrong : {saved_card(), upi}) {
    wrong.wallet_type = "apple_pay";
    EXPECT_EQ(refused(wrong), "request.invalid");
  }
  for (auto wrong : {upi, wallet}) {
    wrong.card_last4 = "4242";
    EXPECT_EQ(refused(wrong), "request.invalid");
  }
  for (auto wrong : {saved_card(), upi, wallet}) {
    wrong.token = "two words";
    EXPECT_EQ(refused(wrong), "request.invalid");
  }
  for (const auto* id : {"ada", "@bank", "a@bank", "ada@", "ada@b", "ada@b ank", "ada l@bank", "ada@bank@bank"}) {
    EXPECT_EQ(refused({.type = SavedType::upi, .token = "t", .upi_id = id}), "request.invalid") << id;
  }
  EXPECT_EQ(refused({.type = SavedType::upi, .token = "t"}), "request.invalid");
  EXPECT_EQ(refused({.type = SavedType::wallet, .token = "t"}), "request.invalid");
  auto letters = saved_card();
  letters.card_last4 = "42x2";
  EXPECT_EQ(refused(letters), "request.invalid");
}

TEST(PaymentRules, NumbersAreReadableAndDiffer) {
  std::set<std::string> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(rules::new_number("PAY", some_time));
  EXPECT_EQ(numbers.size(), 1000U);
  EXPECT_EQ(numbers.begin()->substr(0, 13), "PAY-20270115-");
  EXPECT_EQ(numbers.begin()->size(), 25U);
}

}  // namespace
}  // namespace souk::payment
