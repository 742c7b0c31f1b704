#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "fixture_for_test.hpp"
#include "gateway_rig_for_test.hpp"

// What the service makes of every gateway, through its real adapter. A new gateway is a line in the table at the end.
namespace souk::payment {
namespace {

struct Row {
  std::string name;
  std::function<std::unique_ptr<GatewayRig>(Runtime&, Simulator&, souk::testing::TestDatabase&)> make;
};

class GatewayContract : public PaymentTest, public ::testing::WithParamInterface<Row> {
 protected:
  void SetUp() override {
    PaymentTest::SetUp();
    if (IsSkipped()) return;
    rig_ = GetParam().make(runtime_, *simulator_, *database_);
    use(false);
  }
  void TearDown() override {
    stop();
    rig_.reset();
    PaymentTest::TearDown();
  }
  void use(bool capture_later) {
    serve({.by_name = {{GetParam().name, &rig_->gateway()}},
           .standard = GetParam().name,
           .capture_later = capture_later});
  }
  Charge wanted(Uuid order_id, Play play, std::int64_t minor = 10'000) {
    auto charge = card(order_id, rig_->token(play), minor);
    charge.return_url = "https://shop.example/back";
    return charge;
  }
  Payment charge(Uuid order_id, Play play) { return call(&Api::charge, wanted(order_id, play)).value(); }
  // What comes of it in the end, asking as often as the service would.
  Payment outcome(Uuid order_id) {
    for (int i = 0; i < 50; ++i) {
      const auto known = resolve(order_id).value();
      if (!known.outcome_unknown) return known;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return payment(order_id).value();
  }
  void expect_charged_once(Uuid order_id, std::int64_t units = 10'000) {
    EXPECT_EQ(rig_->charges(order_id), 1);
    EXPECT_EQ(rig_->charged(order_id), units);
  }

  std::unique_ptr<GatewayRig> rig_;
};

TEST_P(GatewayContract, AChargeIsMadeOnceHoweverOftenItIsAskedFor) {
  const auto order = Uuid::v7();
  const auto paid = charge(order, Play::success);
  EXPECT_EQ(paid.status, PaymentStatus::succeeded);
  EXPECT_EQ(paid.payment_gateway, GetParam().name);
  EXPECT_FALSE(paid.outcome_unknown);
  EXPECT_TRUE(paid.gateway_payment_id);
  EXPECT_EQ(json::write(charge(order, Play::success)), json::write(*payment(order)));
  expect_charged_once(order);
}

TEST_P(GatewayContract, ChargesOfOneOrderAtOnceAreOne) {
  const auto order = Uuid::v7();
  std::vector<std::future<Result<Payment>>> replies;
  for (int i = 0; i < 4; ++i) replies.push_back(start(&Api::charge, wanted(order, Play::success)));
  for (auto& reply : replies) ASSERT_TRUE(reply.get());
  EXPECT_EQ(outcome(order).status, PaymentStatus::succeeded);
  expect_charged_once(order);
}

TEST_P(GatewayContract, ADeclineSaysWhyAndStays) {
  const std::pair<Play, const char*> reasons[] = {
      {Play::declined, "card_declined"}, {Play::no_funds, "insufficient_funds"}, {Play::unknown, "invalid_token"}};
  for (const auto& [play, reason] : reasons) {
    const auto order = Uuid::v7();
    const auto declined = charge(order, play);
    EXPECT_EQ(declined.status, PaymentStatus::failed);
    EXPECT_EQ(declined.failure_reason, reason);
    EXPECT_EQ(charge(order, Play::success).status, PaymentStatus::failed);
    EXPECT_EQ(rig_->charges(order), 0);
  }
}

TEST_P(GatewayContract, TheCustomerApprovesOrRejects) {
  for (const bool approved : {true, false}) {
    const auto order = Uuid::v7();
    const auto waiting = charge(order, Play::customer);
    EXPECT_EQ(waiting.status, PaymentStatus::processing);
    ASSERT_TRUE(waiting.next_action);
    EXPECT_EQ(waiting.next_action->type, NextActionType::three_d_secure);
    EXPECT_TRUE(waiting.next_action->url);
    EXPECT_EQ(resolve(order).value().status, PaymentStatus::processing);
    EXPECT_EQ(rig_->charges(order), 0);
    EXPECT_TRUE(rig_->decide(waiting, approved));
    EXPECT_EQ(resolve(order).value().status, approved ? PaymentStatus::succeeded : PaymentStatus::failed);
    EXPECT_EQ(rig_->charges(order), approved ? 1 : 0);
  }
}

TEST_P(GatewayContract, AnAnswerThatIsLostAfterChargingChargesOnce) {
  for (const auto play : {Play::lost_after, Play::error_after}) {
    const auto order = Uuid::v7();
    const auto unknown = charge(order, play);
    EXPECT_EQ(unknown.status, PaymentStatus::processing);
    EXPECT_TRUE(unknown.outcome_unknown);
    EXPECT_EQ(outcome(order).status, PaymentStatus::succeeded);
    expect_charged_once(order);
  }
}

TEST_P(GatewayContract, WhoChargesAgainAfterALostAnswerFindsTheCharge) {
  for (const auto play : {Play::lost_after, Play::error_after}) {
    const auto order = Uuid::v7();
    EXPECT_TRUE(charge(order, play).outcome_unknown);
    EXPECT_EQ(charge(order, play).status, PaymentStatus::succeeded);
    expect_charged_once(order);
  }
}

TEST_P(GatewayContract, AChargeThatNeverArrivedMayBeMadeAgain) {
  const auto order = Uuid::v7();
  EXPECT_TRUE(charge(order, Play::error_before).outcome_unknown);
  EXPECT_TRUE(resolve(order).value().outcome_unknown);
  EXPECT_EQ(rig_->charges(order), 0);
  EXPECT_EQ(charge(order, Play::error_before).status, PaymentStatus::succeeded);
  expect_charged_once(order);
}

TEST_P(GatewayContract, WhatNobodyChargesAgainIsClosed) {
  const auto order = Uuid::v7();
  EXPECT_TRUE(charge(order, Play::error_before).outcome_unknown);
  make_old(order);
  EXPECT_EQ(outcome(order).status, PaymentStatus::cancelled);
  EXPECT_EQ(charge(order, Play::success).status, PaymentStatus::cancelled);
  EXPECT_EQ(rig_->charges(order), 0);
}

TEST_P(GatewayContract, ACancelledPaymentIsNeverCharged) {
  const auto waiting = Uuid::v7();
  const auto shown = charge(waiting, Play::customer);
  EXPECT_EQ(cancel(waiting).value().status, PaymentStatus::cancelled);
  EXPECT_FALSE(rig_->decide(shown, true));
  EXPECT_EQ(rig_->charges(waiting), 0);
  const auto lost = Uuid::v7();
  EXPECT_TRUE(charge(lost, Play::error_before).outcome_unknown);
  EXPECT_EQ(cancel(lost).value().status, PaymentStatus::cancelled);
  EXPECT_EQ(charge(lost, Play::success).status, PaymentStatus::cancelled);
  EXPECT_EQ(rig_->charges(lost), 0);
}

TEST_P(GatewayContract, ACancellationThatComesTooLateTellsOfTheCharge) {
  const auto order = Uuid::v7();
  EXPECT_TRUE(charge(order, Play::lost_after).outcome_unknown);
  EXPECT_EQ(cancel(order).value().status, PaymentStatus::succeeded);
  expect_charged_once(order);
}

TEST_P(GatewayContract, ChargingAndCancellingAtOnceDoOneOfBoth) {
  for (int i = 0; i < 5; ++i) {
    const auto order = Uuid::v7();
    auto charged = start(&Api::charge, wanted(order, Play::success));
    auto cancelled = start(&Api::cancel, OrderRef{order});
    (void)charged.get();
    try {
      (void)cancelled.get();
    } catch (const std::runtime_error&) {
      (void)cancel(order);  // the charge was just being made
    }
    const auto known = payment(order);
    const bool paid = known && known->status == PaymentStatus::succeeded;
    EXPECT_EQ(rig_->charges(order), paid ? 1 : 0);
  }
}

TEST_P(GatewayContract, HeldMoneyIsTakenOnce) {
  use(true);
  const auto order = Uuid::v7();
  const auto held = charge(order, Play::success);
  EXPECT_EQ(held.status, PaymentStatus::processing);
  EXPECT_TRUE(held.authorized);
  EXPECT_EQ(rig_->charges(order), 0);
  std::vector<std::future<Result<Payment>>> replies;
  for (int i = 0; i < 3; ++i) replies.push_back(start(&Api::capture, PaymentRef{held.id}));
  for (auto& reply : replies) ASSERT_TRUE(reply.get());
  EXPECT_EQ(call(&Api::capture, PaymentRef{held.id}).value().status, PaymentStatus::succeeded);
  expect_charged_once(order);
}

TEST_P(GatewayContract, ACaptureWhoseAnswerIsLostIsMadeOnce) {
  use(true);
  const auto order = Uuid::v7();
  const auto held = charge(order, Play::capture_lost);
  EXPECT_EQ(call(&Api::capture, PaymentRef{held.id}).value().status, PaymentStatus::processing);
  EXPECT_EQ(call(&Api::capture, PaymentRef{held.id}).value().status, PaymentStatus::succeeded);
  expect_charged_once(order);
}

TEST_P(GatewayContract, HeldMoneyThatIsGivenUpIsNotTaken) {
  use(true);
  const auto order = Uuid::v7();
  const auto held = charge(order, Play::success);
  EXPECT_EQ(cancel(order).value().status, PaymentStatus::cancelled);
  EXPECT_EQ(code_of(call(&Api::capture, PaymentRef{held.id})), "payment.not_authorized");
  EXPECT_EQ(rig_->charges(order), 0);
}

TEST_P(GatewayContract, RefundsGiveBackWhatWasAskedForOnce) {
  const auto order = Uuid::v7();
  charge(order, Play::success);
  EXPECT_EQ(refund(order, 2'500, "return:1").value().status, RefundStatus::succeeded);
  EXPECT_EQ(refund(order, 2'500, "return:1").value().status, RefundStatus::succeeded);
  EXPECT_EQ(rig_->refunded(order), 2'500);
  EXPECT_EQ(refund(order, std::nullopt, "cancel").value().amount, Amount(7'500));
  EXPECT_EQ(rig_->refunded(order), 10'000);
  EXPECT_EQ(payment(order).value().status, PaymentStatus::refunded);
}

TEST_P(GatewayContract, ARefundWhoseAnswerIsLostIsMadeOnce) {
  const auto order = Uuid::v7();
  charge(order, Play::refund_lost);
  EXPECT_EQ(refund(order, 4'000, "cancel").value().status, RefundStatus::processing);
  EXPECT_EQ(refund(order, 4'000, "cancel").value().status, RefundStatus::succeeded);
  EXPECT_EQ(rig_->refunded(order), 4'000);
}

TEST_P(GatewayContract, ARefundMayFailOrTakeItsTime) {
  const auto failing = Uuid::v7();
  charge(failing, Play::refund_fails);
  EXPECT_EQ(refund(failing, 4'000, "cancel").value().status, RefundStatus::failed);
  EXPECT_EQ(rig_->refunded(failing), 0);
  EXPECT_EQ(payment(failing).value().status, PaymentStatus::succeeded);
  const auto slow = Uuid::v7();
  charge(slow, Play::refund_pending);
  EXPECT_EQ(refund(slow, 4'000, "cancel").value().status, RefundStatus::processing);
  (void)rig_->refunded(slow);
  EXPECT_EQ(refund(slow, 4'000, "cancel").value().status, RefundStatus::succeeded);
  EXPECT_EQ(rig_->refunded(slow), 4'000);
}

TEST_P(GatewayContract, AmountsAreInTheCurrencysSmallestUnit) {
  const std::pair<const char*, std::int64_t> units[] = {{"EUR", 12'300}, {"JPY", 123}, {"KWD", 123'000}};
  for (const auto& [currency, amount] : units) {
    const auto order = Uuid::v7();
    auto request = wanted(order, Play::success, 12'300);
    request.currency = currency;
    EXPECT_EQ(call(&Api::charge, request).value().status, PaymentStatus::succeeded) << currency;
    EXPECT_EQ(payment(order).value().amount, Amount(12'300));
    expect_charged_once(order, amount);
    EXPECT_EQ(refund(order, std::nullopt, "cancel").value().status, RefundStatus::succeeded);
    EXPECT_EQ(rig_->refunded(order), amount);
  }
  auto fraction = wanted(Uuid::v7(), Play::success, 12'345);
  fraction.currency = "JPY";
  EXPECT_EQ(code_of(call(&Api::charge, fraction)), "payment.amount_unsupported");
}

INSTANTIATE_TEST_SUITE_P(Gateways, GatewayContract,
                         ::testing::Values(Row{"simulator",
                                               [](auto& runtime, auto& simulator, auto& database) {
                                                 return std::make_unique<SimulatorRig>(runtime, simulator, database);
                                               }},
                                           Row{"stripe", [](auto& runtime, auto&,
                                                            auto&) { return std::make_unique<StripeRig>(runtime); }}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace souk::payment
