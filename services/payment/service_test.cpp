#include "service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"
#include "rules.hpp"
#include "testing/gate.hpp"

namespace souk::payment {
namespace {

using ::testing::ElementsAre;

class PaymentService : public PaymentTest {
 protected:
  static Task<> stop(TaskGroup& group) {
    group.stop();
    co_await group.drain();
  }
  std::vector<std::string> events() {
    events::ReadEvents request;
    request.limit = 1000;
    std::vector<std::string> all;
    for (const auto& event : call(&Api::events, std::move(request)).value().events) {
      const auto payment = json::read_trusted<Payment>(event.payload.text);
      EXPECT_EQ(event.key, payment.order_id.to_string());
      all.push_back(event.type + " " + std::string(json::enum_name(payment.status)));
    }
    return all;
  }
};

TEST_F(PaymentService, AChargeThatTheGatewayTakesSucceeds) {
  const auto order = Uuid::v7();
  const auto paid = pay(order, "tok_success");
  ASSERT_TRUE(paid);
  EXPECT_EQ(paid->status, PaymentStatus::succeeded);
  EXPECT_EQ(paid->amount, Amount(10'000));
  EXPECT_FALSE(paid->outcome_unknown);
  EXPECT_EQ(paid->payment_gateway, "simulator");
  EXPECT_TRUE(paid->gateway_payment_id);
  EXPECT_TRUE(paid->succeeded_at);
  EXPECT_EQ(json::write(*payment(order)), json::write(*paid));
  EXPECT_THAT(events(), ElementsAre("payment.changed succeeded"));
  EXPECT_EQ(sql("SELECT count(*) FROM payments WHERE check_at IS NOT NULL OR position('tok_success' IN "
                "gateway_response::text) > 0"),
            "0");
  expect_sound();
}

TEST_F(PaymentService, ADeclineSaysWhy) {
  const std::pair<const char*, const char*> reasons[] = {{"tok_declined", "card_declined"},
                                                         {"tok_insufficient_funds", "insufficient_funds"},
                                                         {"tok_expired_card", "expired_card"},
                                                         {"tok_of_somebody_else", "invalid_token"}};
  for (const auto& [token, reason] : reasons) {
    const auto declined = pay(Uuid::v7(), token);
    ASSERT_TRUE(declined);
    EXPECT_EQ(declined->status, PaymentStatus::failed);
    EXPECT_EQ(declined->failure_reason, reason);
    EXPECT_TRUE(declined->failed_at);
  }
  expect_sound();
}

TEST_F(PaymentService, ARepeatedChargeIsTheSameCharge) {
  const auto order = Uuid::v7();
  const auto first = pay(order, "tok_success");
  EXPECT_EQ(json::write(*pay(order, "tok_success")), json::write(*first));
  EXPECT_EQ(json::write(*pay(order, "tok_declined")), json::write(*first));
  EXPECT_EQ(charges(order), "1");
  EXPECT_THROW(pay(order, "tok_success", 1), std::exception);
  const auto declined = Uuid::v7();
  pay(declined, "tok_declined");
  EXPECT_EQ(pay(declined, "tok_success")->status, PaymentStatus::failed);
  EXPECT_EQ(charges(declined), "0");
}

TEST_F(PaymentService, SixteenChargesOfOneOrderAtOnceTakeTheMoneyOnce) {
  for (const auto* token : {"tok_success", "tok_timeout_after_charge", "tok_slow"}) {
    const auto order = Uuid::v7();
    std::vector<std::future<Result<Payment>>> running;
    for (int i = 0; i < 16; ++i) running.push_back(start(&Api::charge, card(order, token)));
    for (auto& one : running) {
      const auto paid = one.get();
      ASSERT_TRUE(paid);
      EXPECT_TRUE(paid->status == PaymentStatus::succeeded || paid->outcome_unknown);
    }
    EXPECT_EQ(resolve(order)->status, PaymentStatus::succeeded);
    EXPECT_EQ(charges(order), "1");
  }
  expect_sound();
}

TEST_F(PaymentService, AnAnswerThatWasLostIsAskedFor) {
  for (const auto* token : {"tok_timeout_after_charge", "tok_error_after_charge"}) {
    const auto order = Uuid::v7();
    const auto charged = pay(order, token);
    ASSERT_TRUE(charged);
    EXPECT_EQ(charged->status, PaymentStatus::processing);
    EXPECT_TRUE(charged->outcome_unknown);
    EXPECT_TRUE(payment(order)->outcome_unknown);
    EXPECT_EQ(resolve(order)->status, PaymentStatus::succeeded);
    EXPECT_FALSE(payment(order)->outcome_unknown);
    EXPECT_EQ(charges(order), "1");
  }
  expect_sound();
}

TEST_F(PaymentService, AChargeThatNeverArrivedEndsWithoutMoney) {
  for (const auto* token : {"tok_timeout_before_charge", "tok_error_before_charge", "tok_unavailable"}) {
    const auto order = Uuid::v7();
    EXPECT_TRUE(pay(order, token)->outcome_unknown);
    EXPECT_TRUE(resolve(order)->outcome_unknown);  // it may still be on its way
    make_old(order);
    EXPECT_EQ(resolve(order)->status, PaymentStatus::cancelled);
    EXPECT_EQ(pay(order, "tok_success")->status, PaymentStatus::cancelled);
    EXPECT_EQ(charges(order), "0");
  }
  expect_sound();
}

TEST_F(PaymentService, ARepeatedChargeGoesOnWhereTheFirstOneWasLost) {
  const auto order = Uuid::v7();
  EXPECT_TRUE(pay(order, "tok_timeout_before_charge")->outcome_unknown);
  EXPECT_EQ(pay(order, "tok_success")->status, PaymentStatus::succeeded);
  EXPECT_EQ(charges(order), "1");
  expect_sound();
}

TEST_F(PaymentService, AFaultBeforeTheChargeIsMetOnceForAnOrder) {
  for (const auto* token : {"tok_timeout_before_charge", "tok_error_before_charge"}) {
    const auto order = Uuid::v7();
    EXPECT_TRUE(pay(order, token)->outcome_unknown);
    EXPECT_EQ(charges(order), "0");
    connect(database_->url());  // the simulator's memory outlives its process
    EXPECT_EQ(pay(order, token)->status, PaymentStatus::succeeded);
    EXPECT_EQ(charges(order), "1");
    EXPECT_TRUE(pay(Uuid::v7(), token)->outcome_unknown);  // another order meets it again
  }
  expect_sound();
}

TEST_F(PaymentService, TheResolverFindsOutByItself) {
  const auto lost = Uuid::v7();
  const auto never = Uuid::v7();
  pay(lost, "tok_timeout_after_charge");
  pay(never, "tok_timeout_before_charge");
  pay(Uuid::v7(), "tok_success");
  EXPECT_EQ(resolve_due(), 0);  // not yet
  make_old(never, "2 minutes");
  EXPECT_EQ(resolve_due(), 1);
  EXPECT_EQ(payment(never)->status, PaymentStatus::processing);  // its checkout may still charge again
  make_old(lost);
  make_old(never);
  EXPECT_EQ(resolve_due(), 2);
  EXPECT_EQ(payment(lost)->status, PaymentStatus::succeeded);
  EXPECT_EQ(payment(never)->status, PaymentStatus::cancelled);
  EXPECT_EQ(resolve_due(), 0);
  EXPECT_THAT(events(),
              ElementsAre("payment.changed succeeded", "payment.changed succeeded", "payment.changed cancelled"));
  expect_sound();
}

TEST_F(PaymentService, TheResolverWorksInTheBackgroundUntilItIsStopped) {
  const auto lost = Uuid::v7();
  pay(lost, "tok_timeout_after_charge");
  make_old(lost);
  TaskGroup group(runtime_.executor(0));
  service_->start(group);
  for (int i = 0; i < 100 && payment(lost)->outcome_unknown; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(payment(lost)->status, PaymentStatus::succeeded);
  runtime_.block_on(stop(group));
}

TEST_F(PaymentService, WhereverACancellationBreaksARepetitionEndsIt) {
  for (const auto* place : {"payment.before_close_commit", "payment.after_close_commit",
                            "payment.before_gateway_cancel", "payment.after_gateway_cancel"}) {
    SCOPED_TRACE(place);
    const auto order = Uuid::v7();
    if (std::string(place).ends_with("gateway_cancel")) pay(order, "tok_requires_action");
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(cancel(order), std::runtime_error);
    EXPECT_EQ(cancel(order)->status, PaymentStatus::cancelled);
    EXPECT_EQ(charges(order), "0");
  }
}

TEST_F(PaymentService, ACustomerMustApproveOrReject) {
  const std::pair<const char*, NextActionType> kinds[] = {{"tok_requires_action", NextActionType::redirect},
                                                          {"tok_three_d_secure", NextActionType::three_d_secure},
                                                          {"tok_upi_approval", NextActionType::upi_approval}};
  for (const auto& [token, type] : kinds) {
    for (const bool approved : {true, false}) {
      const auto order = Uuid::v7();
      const auto waiting = pay(order, token);
      ASSERT_TRUE(waiting);
      EXPECT_EQ(waiting->status, PaymentStatus::processing);
      EXPECT_FALSE(waiting->outcome_unknown);
      ASSERT_TRUE(waiting->next_action);
      EXPECT_EQ(waiting->next_action->type, type);
      EXPECT_EQ(waiting->next_action->url, "/simulator/payments/" + *waiting->gateway_payment_id);
      EXPECT_EQ(json::write(*resolve(order)), json::write(*waiting));
      EXPECT_EQ(json::write(*payment(order)), json::write(*waiting));

      sql("UPDATE simulator.payments SET status = '" + std::string(approved ? "succeeded" : "failed") +
          "', failure_reason = 'rejected' WHERE key = '" + order.to_string() + "'");
      const auto resolved = resolve(order);
      EXPECT_EQ(resolved->status, approved ? PaymentStatus::succeeded : PaymentStatus::failed);
      EXPECT_FALSE(resolved->next_action);
    }
  }
}

TEST_F(PaymentService, AnAuthorizedPaymentIsCapturedLater) {
  const auto order = Uuid::v7();
  const auto held = pay(order, "tok_authorize");
  EXPECT_EQ(held->status, PaymentStatus::processing);
  EXPECT_TRUE(held->authorized);
  EXPECT_TRUE(payment(order)->authorized);
  EXPECT_EQ(cancel(order)->status, PaymentStatus::cancelled);
  EXPECT_EQ(charges(order), "0");
}

TEST_F(PaymentService, AfterCancelNoMoneyIsTaken) {
  const auto never = Uuid::v7();
  EXPECT_EQ(cancel(never)->status, PaymentStatus::cancelled);
  EXPECT_EQ(cancel(never)->status, PaymentStatus::cancelled);
  EXPECT_EQ(code_of(pay(never, "tok_success")), "payment.order_closed");
  EXPECT_EQ(code_of(payment(never)), "payment.not_found");

  const auto waiting = Uuid::v7();
  pay(waiting, "tok_requires_action");
  EXPECT_EQ(cancel(waiting)->status, PaymentStatus::cancelled);
  EXPECT_EQ(sql("SELECT status FROM simulator.payments WHERE key = '" + waiting.to_string() + "'"), "cancelled");

  const auto unknown = Uuid::v7();
  pay(unknown, "tok_timeout_before_charge");
  EXPECT_EQ(cancel(unknown)->status, PaymentStatus::cancelled);
  EXPECT_EQ(pay(unknown, "tok_success")->status, PaymentStatus::cancelled);

  const auto charged = Uuid::v7();
  pay(charged, "tok_timeout_after_charge");
  EXPECT_EQ(cancel(charged)->status, PaymentStatus::succeeded);  // too late: refund it
  const auto declined = Uuid::v7();
  pay(declined, "tok_declined");
  EXPECT_EQ(cancel(declined)->status, PaymentStatus::failed);
  expect_sound();
}

TEST_F(PaymentService, ACancelThatCrossesItsChargeEndsInOneOfTheTwo) {
  for (int i = 0; i < 30; ++i) {
    const auto order = Uuid::v7();
    auto charging = start(&Api::charge, card(order, "tok_success"));
    auto cancelling = start(&Api::cancel, OrderRef{order});
    const auto charged = charging.get();
    const auto cancelled = cancelling.get();
    ASSERT_TRUE(cancelled);
    if (cancelled->status == PaymentStatus::succeeded) {
      EXPECT_EQ(charges(order), "1");
    } else {
      EXPECT_EQ(charges(order), "0");
      if (charged) EXPECT_EQ(charged->status, PaymentStatus::cancelled);
    }
  }
  expect_sound();
}

TEST_F(PaymentService, CashIsPaidAtDelivery) {
  const auto order = Uuid::v7();
  const auto accepted = call(&Api::charge, cash(order));
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->status, PaymentStatus::pending);
  EXPECT_FALSE(accepted->payment_gateway);
  EXPECT_FALSE(accepted->outcome_unknown);
  EXPECT_EQ(json::write(*call(&Api::charge, cash(order))), json::write(*accepted));
  EXPECT_EQ(json::write(*resolve(order)), json::write(*accepted));
  EXPECT_EQ(code_of(refund(order, std::nullopt, "cancel")), "payment.not_captured");
  EXPECT_EQ(call(&Api::settle_cash, OrderRef{order})->status, PaymentStatus::succeeded);
  EXPECT_EQ(call(&Api::settle_cash, OrderRef{order})->status, PaymentStatus::succeeded);
  EXPECT_EQ(refund(order, std::nullopt, "return:1")->status, RefundStatus::succeeded);
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);

  const auto cancelled = Uuid::v7();
  call(&Api::charge, cash(cancelled));
  EXPECT_EQ(cancel(cancelled)->status, PaymentStatus::cancelled);
  EXPECT_EQ(code_of(call(&Api::settle_cash, OrderRef{cancelled})), "payment.not_cash");
  const auto by_card = Uuid::v7();
  pay(by_card, "tok_success");
  EXPECT_EQ(code_of(call(&Api::settle_cash, OrderRef{by_card})), "payment.not_cash");
  EXPECT_EQ(code_of(call(&Api::settle_cash, OrderRef{Uuid::v7()})), "payment.not_found");
}

TEST_F(PaymentService, WhatCannotBePaidIsRefusedBeforeAnythingIsWritten) {
  auto request = card(Uuid::v7(), "tok_success");
  request.token.reset();
  EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.token_required");
  for (const auto method : {Method::upi, Method::wallet}) {
    request.method = method;
    EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.token_required");
  }
  request.token = "tok_success";
  request.gateway = "paypal";
  EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.method_unavailable");
  request.gateway.reset();
  request.payment_method_id = Uuid::v7();
  EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.payment_method_not_found");
  request.payment_method_id.reset();
  request.amount = Amount(0);
  EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.amount_unsupported");
  EXPECT_EQ(code_of(resolve(request.order_id)), "payment.not_found");
  EXPECT_EQ(sql("SELECT (SELECT count(*) FROM payments) + (SELECT count(*) FROM charged_orders)"), "0");
}

TEST_F(PaymentService, ASavedMethodIsItsOwnersOnly) {
  const auto saved = Uuid::v7();
  sql("INSERT INTO payment_methods (id, user_id, type, gateway, gateway_payment_method_id) VALUES ('" +
      saved.to_string() + "', '" + customer().to_string() + "', 'card', 'simulator', 'tok_success')");
  auto request = card(Uuid::v7(), "");
  request.token.reset();
  request.payment_method_id = saved;
  EXPECT_EQ(call(&Api::charge, request)->status, PaymentStatus::succeeded);
  request.order_id = Uuid::v7();
  request.user_id = Uuid::v7();
  EXPECT_EQ(code_of(call(&Api::charge, request)), "payment.payment_method_not_found");
}

TEST_F(PaymentService, ManyChargesAtOnceShareTheirCommits) {
  std::vector<std::future<Result<Payment>>> running;
  for (int i = 0; i < 100; ++i) running.push_back(start(&Api::charge, card(Uuid::v7(), "tok_success", 100 + i)));
  for (auto& one : running) EXPECT_EQ(one.get()->status, PaymentStatus::succeeded);
  EXPECT_LT(std::stoi(sql("SELECT count(DISTINCT xmin::text) FROM payments")), 60);
  expect_sound();
}

TEST_F(PaymentService, APoisonedChargeFailsAlone) {
  sql("ALTER TABLE payments ADD CONSTRAINT poison CHECK (amount <> 6.66)");
  std::vector<std::future<Result<Payment>>> running;
  std::vector<std::future<Result<Payment>>> poisoned;
  for (int i = 0; i < 60; ++i) {
    auto& list = i % 20 == 7 ? poisoned : running;
    list.push_back(start(&Api::charge, card(Uuid::v7(), "tok_success", i % 20 == 7 ? 666 : 100)));
  }
  for (auto& one : running) EXPECT_EQ(one.get()->status, PaymentStatus::succeeded);
  for (auto& one : poisoned) EXPECT_THROW(one.get(), std::runtime_error);
  expect_sound();
}

// A process that dies leaves what a failpoint's exception leaves.
TEST_F(PaymentService, WhereverItBreaksARepetitionTakesTheMoneyOnce) {
  for (const auto* place :
       {"payment.before_begin_commit", "payment.after_begin_commit", "payment.before_gateway",
        "payment.after_gateway_before_result", "payment.before_result_commit", "payment.after_result_commit"}) {
    SCOPED_TRACE(place);
    const auto order = Uuid::v7();
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(pay(order, "tok_success"), std::runtime_error);
    EXPECT_EQ(pay(order, "tok_success")->status, PaymentStatus::succeeded);
    EXPECT_EQ(charges(order), "1");
  }
  expect_sound();
}

TEST_F(PaymentService, WhereverItBreaksACancellationStillFindsTheTruth) {
  for (const auto* place :
       {"payment.before_begin_commit", "payment.after_begin_commit", "payment.before_gateway",
        "payment.after_gateway_before_result", "payment.before_result_commit", "payment.after_result_commit"}) {
    SCOPED_TRACE(place);
    const auto order = Uuid::v7();
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(pay(order, "tok_success"), std::runtime_error);
    const auto ended = cancel(order);
    ASSERT_TRUE(ended);
    EXPECT_EQ(charges(order), ended->status == PaymentStatus::succeeded ? "1" : "0");
    EXPECT_TRUE(ended->status == PaymentStatus::succeeded || ended->status == PaymentStatus::cancelled);
  }
  expect_sound();
}

TEST_F(PaymentService, ALostAnswerOfTheDatabaseIsLookedUp) {
  souk::testing::Gate gate(database_->url());
  connect(gate.url());
  pay(Uuid::v7(), "tok_success");  // so that it is no connection that is opened next
  for (int i = 0; i < 5; ++i) {
    const auto order = Uuid::v7();
    // The next statement is the one that begins the payment.
    gate.lose_next_reply();
    EXPECT_EQ(pay(order, "tok_success")->status, PaymentStatus::succeeded);
    EXPECT_EQ(charges(order), "1");
  }
  for (const auto* token : {"tok_success", "tok_declined"}) {
    const auto order = Uuid::v7();
    arm_failpoints("payment.before_result_commit:delay(200)@1");
    auto charging = start(&Api::charge, card(order, token));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    gate.lose_next_reply();
    EXPECT_TRUE(rules::is_final(charging.get()->status));
  }
  expect_sound();
}

}  // namespace
}  // namespace souk::payment
