#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"

namespace souk::payment {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Each test makes our books and the simulator's differ, as a crash, a restored backup or a click in the gateway's
// dashboard would.
class Reconciling : public PaymentTest {
 protected:
  Reconciliation reconcile(bool repair = true) {
    return call(&Api::reconcile, Reconcile{.since = now() - std::chrono::hours(1), .repair = repair}).value();
  }
  // "kind state", each of the differences.
  static std::vector<std::string> found(const Reconciliation& result) {
    std::vector<std::string> texts;
    for (const auto& one : result.differences) {
      texts.push_back(std::string(json::enum_name(one.kind)) + " " + std::string(json::enum_name(one.state)));
    }
    return texts;
  }
  // A look alone changes nothing, a repair does, and then there is nothing to repair.
  Reconciliation expect_repaired(const std::string& kind) {
    EXPECT_THAT(found(reconcile(false)), ElementsAre(kind + " repairable"));
    auto result = reconcile();
    EXPECT_THAT(found(result), ElementsAre(kind + " repaired"));
    EXPECT_EQ(result.repaired, 1);
    EXPECT_EQ(result.remaining, 0);
    EXPECT_THAT(found(reconcile()), IsEmpty());
    return result;
  }
  // A repair leaves it as it is, and it is told again.
  void expect_told(const std::string& kind) {
    const auto before = books();
    EXPECT_THAT(found(reconcile()), ElementsAre(kind + " open"));
    EXPECT_THAT(found(reconcile()), ElementsAre(kind + " open"));
    EXPECT_EQ(reconcile().remaining, 1);
    EXPECT_EQ(books(), before);
  }
  std::string books() {
    return sql("SELECT string_agg(order_id::text || status || refunded_amount, ',' ORDER BY id) FROM payments") +
           sql("SELECT COALESCE(string_agg(id::text || status, ',' ORDER BY id), '') FROM refunds") +
           sql("SELECT string_agg(key || status || refunded, ',' ORDER BY id) FROM simulator.payments");
  }
  Uuid paid(std::string token = "tok_success") {
    const auto order = Uuid::v7();
    EXPECT_TRUE(pay(order, std::move(token)));
    return order;
  }
  void set_ours(Uuid order, const std::string& changes) {
    sql("UPDATE payments SET " + changes + " WHERE order_id = '" + order.to_string() + "'");
  }
  void set_theirs(Uuid order, const std::string& changes) {
    sql("UPDATE simulator.payments SET " + changes + " WHERE key = '" + order.to_string() + "'");
  }
  void lose_ours(Uuid order) {
    sql("DELETE FROM payments WHERE order_id = '" + order.to_string() + "'");
    sql("DELETE FROM charged_orders WHERE order_id = '" + order.to_string() + "'");
  }
  void give_back_there(Uuid order, const std::string& units, const std::string& status = "succeeded") {
    sql("INSERT INTO simulator.refunds (id, key, payment_id, amount, status) SELECT 'simre_" + Uuid::v7().to_string() +
        "', 'dashboard-" + Uuid::v7().to_string() + "', id, " + units + ", '" + status +
        "' FROM simulator.payments WHERE key = '" + order.to_string() + "'");
    set_theirs(order, "refunded = refunded + " + units);
  }
  std::string events_of(Uuid order) {
    return sql("SELECT count(*) FROM outbox_events WHERE key = '" + order.to_string() + "'");
  }
};

TEST_F(Reconciling, BooksThatAgreeAreLeftAlone) {
  const auto given = paid();
  refund(given, 1'000, "return:1");
  refund(paid(), std::nullopt, "cancel");
  paid("tok_declined");
  paid("tok_authorize");
  paid("tok_three_d_secure");
  call(&Api::charge, cash(Uuid::v7()));
  cancel(Uuid::v7());
  const auto before = books();
  const auto result = reconcile();
  EXPECT_THAT(found(result), IsEmpty());
  EXPECT_EQ(result.payments, 5);  // neither the one in cash nor the order that was closed
  EXPECT_EQ(result.refunds, 2);
  EXPECT_THAT(result.not_listed, IsEmpty());
  EXPECT_EQ(books(), before);
}

TEST_F(Reconciling, APaymentThatOnlyTheGatewayHasIsWrittenDownOnce) {
  const auto order = paid();
  lose_ours(order);
  const auto result = expect_repaired("payment_unknown_here");
  EXPECT_EQ(result.differences[0].order_id, order);
  EXPECT_EQ(result.differences[0].theirs, "succeeded 100.00 USD");
  const auto adopted = payment(order);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted->status, PaymentStatus::succeeded);
  EXPECT_EQ(adopted->amount, Amount(10'000));
  EXPECT_EQ(adopted->payment_method, Method::card);
  EXPECT_TRUE(adopted->user_id.is_nil());
  EXPECT_EQ(sql("SELECT count(*) FROM payments"), "1");
  // It cannot be charged again, and can be given back.
  EXPECT_EQ(charges(order), "1");
  EXPECT_EQ(refund(order, std::nullopt, "compensation")->status, RefundStatus::succeeded);
  expect_sound();
}

TEST_F(Reconciling, AnOrderThatWasClosedAndCapturedAllTheSameIsWrittenDown) {
  const auto order = paid();
  lose_ours(order);
  sql("INSERT INTO charged_orders (order_id) VALUES ('" + order.to_string() + "')");
  expect_repaired("payment_unknown_here");
  expect_sound();
}

TEST_F(Reconciling, HeldMoneyOfNoPaymentOfOursIsTold) {
  const auto order = paid("tok_authorize");
  lose_ours(order);
  expect_told("payment_unknown_here");
}

TEST_F(Reconciling, ALostResultIsTakenFromTheGateway) {
  const auto captured = paid("tok_timeout_after_charge");
  make_old(captured);
  expect_repaired("payment_status");
  EXPECT_EQ(payment(captured)->status, PaymentStatus::succeeded);
  expect_sound();
}

TEST_F(Reconciling, WhatIsUnderWayIsLeftToTheResolver) {
  const auto order = paid("tok_timeout_after_charge");
  EXPECT_THAT(found(reconcile()), IsEmpty());
  EXPECT_TRUE(payment(order)->outcome_unknown);
}

TEST_F(Reconciling, HeldMoneyThatWasCapturedAtTheGatewayIsPaid) {
  const auto order = paid("tok_authorize");
  set_theirs(order, "status = 'succeeded'");
  expect_repaired("payment_status");
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  expect_sound();
}

TEST_F(Reconciling, AHoldThatIsGoneIsTold) {
  const auto order = paid("tok_authorize");
  set_theirs(order, "status = 'cancelled'");
  expect_told("payment_status");
  EXPECT_TRUE(payment(order)->authorized);
}

TEST_F(Reconciling, ALateCaptureIsWrittenDownAndToldToTheOrderService) {
  for (const auto* ended : {"failed", "cancelled"}) {
    SCOPED_TRACE(ended);
    const auto order = paid();
    set_ours(order, std::string("status = '") + ended + "', failure_reason = 'never_reached_gateway'");
    const auto events = events_of(order);
    expect_repaired("payment_status");
    EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
    EXPECT_FALSE(payment(order)->failure_reason);
    EXPECT_EQ(std::stoi(events_of(order)), std::stoi(events) + 1);
    expect_sound();
  }
}

TEST_F(Reconciling, AHoldOfAPaymentThatHasEndedIsGivenUp) {
  const auto held = paid("tok_authorize");
  set_ours(held, "status = 'cancelled', authorized_at = NULL");
  expect_repaired("payment_status");
  EXPECT_EQ(sql("SELECT status FROM simulator.payments"), "cancelled");
  const auto waiting = paid("tok_requires_action");
  set_ours(waiting, "status = 'failed', next_action = NULL");
  expect_repaired("payment_status");
  EXPECT_EQ(sql("SELECT count(*) FROM simulator.payments WHERE status = 'cancelled'"), "2");
}

TEST_F(Reconciling, APaymentThatTheGatewayDoesNotKnowIsTold) {
  const auto order = paid();
  sql("DELETE FROM simulator.payments");
  expect_told("payment_unknown_there");
  EXPECT_EQ(reconcile().differences[0].order_id, order);
  EXPECT_EQ(reconcile().differences[0].ours, "succeeded 100.00 USD");
}

TEST_F(Reconciling, PaidHereAndNotThereIsTold) {
  set_theirs(paid(), "status = 'failed'");
  expect_told("payment_status");
}

TEST_F(Reconciling, AnotherAmountIsTold) {
  set_theirs(paid(), "amount = 9999");
  expect_told("payment_amount");
}

TEST_F(Reconciling, AnotherAmountOfAnUnknownOutcomeIsToldAndNotTaken) {
  const auto order = paid("tok_timeout_after_charge");
  make_old(order);
  set_theirs(order, "amount = 9999");
  expect_told("payment_amount");
}

TEST_F(Reconciling, ARefundThatWasMadeAtTheGatewayIsWrittenDownOnce) {
  const auto order = paid();
  give_back_there(order, "2500");
  expect_repaired("refund_unknown_here");
  EXPECT_EQ(payment(order)->refunded, Amount(2'500));
  EXPECT_EQ(code_of(refund(order, 7'501, "return:1")), "payment.refund_exceeds_capture");
  give_back_there(order, "7500");
  expect_repaired("refund_unknown_here");
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
  expect_sound();
}

TEST_F(Reconciling, ARefundThatDoesNotFitIsTold) {
  const auto order = paid();
  set_theirs(order, "amount = 20000");
  give_back_there(order, "15000");
  EXPECT_THAT(found(reconcile()), UnorderedElementsAre("payment_amount open", "refund_unknown_here open"));
  EXPECT_EQ(payment(order)->refunded, Amount());
}

TEST_F(Reconciling, ARefundThatIsUnderWayAtTheGatewayIsToldUntilItIsDone) {
  const auto order = paid();
  give_back_there(order, "1000", "pending");
  expect_told("refund_unknown_here");
  sql("UPDATE simulator.refunds SET status = 'succeeded'");
  expect_repaired("refund_unknown_here");
  expect_sound();
}

TEST_F(Reconciling, ALostAnswerOfARefundIsAskedFor) {
  const auto order = paid("tok_refund_timeout");
  EXPECT_EQ(refund(order, 1'000, "return:1")->status, RefundStatus::processing);
  EXPECT_THAT(found(reconcile()), IsEmpty());  // a moment old
  sql("UPDATE refunds SET created_at = created_at - INTERVAL '1 minute'");
  expect_repaired("refund_status");
  EXPECT_EQ(payment(order)->refunded, Amount(1'000));
  expect_sound();
}

TEST_F(Reconciling, ARefundThatWeTookForFailedAndHasArrivedIsWrittenDown) {
  const auto order = paid();
  refund(order, 1'000, "return:1");
  sql("UPDATE refunds SET status = 'failed', succeeded_at = NULL");
  set_ours(order, "refunded_amount = 0");
  expect_repaired("refund_status");
  EXPECT_EQ(payment(order)->refunded, Amount(1'000));
  EXPECT_EQ(sql("SELECT count(*) FROM refunds"), "1");
  expect_sound();
}

TEST_F(Reconciling, ARefundThatTheGatewayHasNotPaidOutIsTold) {
  const auto order = paid();
  refund(order, 1'000, "return:1");
  sql("UPDATE simulator.refunds SET status = 'failed'");
  expect_told("refund_status");
}

TEST_F(Reconciling, ARefundThatTheGatewayDoesNotKnowIsTold) {
  refund(paid(), 1'000, "return:1");
  sql("DELETE FROM simulator.refunds");
  expect_told("refund_unknown_there");
}

TEST_F(Reconciling, ARefundOfAnotherAmountIsTold) {
  refund(paid(), 1'000, "return:1");
  sql("UPDATE simulator.refunds SET amount = 1001");
  expect_told("refund_amount");
}

TEST_F(Reconciling, AnOrderThatIsPaidInCashAndAtTheGatewayIsTold) {
  const auto order = paid();
  lose_ours(order);
  call(&Api::charge, cash(order));
  expect_told("payment_unknown_here");
}

TEST_F(Reconciling, PaymentsThatWereNotMadeThroughUsAreNoneOfOurs) {
  set_theirs(paid(), "key = 'another shop 1'");
  sql("DELETE FROM payments");
  EXPECT_THAT(found(reconcile()), IsEmpty());
}

TEST_F(Reconciling, ManyPagesOfBothAreCompared) {
  std::vector<std::future<Result<Payment>>> running;
  std::vector<Uuid> orders;
  for (int i = 0; i < 620; ++i) {
    orders.push_back(Uuid::v7());
    running.push_back(start(&Api::charge, card(orders.back(), "tok_success")));
    if (i % 62 != 61) continue;  // not all at once: another process would be asked for so many that it refuses
    for (auto& one : running) EXPECT_TRUE(one.get());
    running.clear();
  }
  lose_ours(orders[3]);
  lose_ours(orders[350]);
  sql("DELETE FROM simulator.payments WHERE key IN ('" + orders[7].to_string() + "', '" + orders[601].to_string() +
      "')");
  const auto result = reconcile();
  EXPECT_EQ(result.payments, 620);
  EXPECT_THAT(found(result), UnorderedElementsAre("payment_unknown_here repaired", "payment_unknown_here repaired",
                                                  "payment_unknown_there open", "payment_unknown_there open"));
  EXPECT_EQ(result.repaired, 2);
  EXPECT_EQ(result.remaining, 2);
}

TEST_F(Reconciling, TwoAtOnceRepairOnce) {
  const auto lost = paid();
  lose_ours(lost);
  const auto given = paid();
  give_back_there(given, "1000");
  std::vector<std::future<Result<Reconciliation>>> running;
  for (int i = 0; i < 8; ++i) {
    running.push_back(start(&Api::reconcile, Reconcile{.since = now() - std::chrono::hours(1), .repair = true}));
  }
  for (auto& one : running) EXPECT_EQ(one.get()->remaining, 0);
  EXPECT_EQ(sql("SELECT count(*) FROM payments"), "2");
  EXPECT_EQ(sql("SELECT count(*) FROM refunds"), "1");
  expect_sound();
}

TEST_F(Reconciling, ARepairThatBreaksIsMadeByTheNextRun) {
  for (const auto* place : {"payment.before_correction_commit", "payment.after_correction_commit"}) {
    SCOPED_TRACE(place);
    const auto order = paid();
    lose_ours(order);
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THAT(found(reconcile()), ElementsAre("payment_unknown_here repairable"));
    EXPECT_EQ(reconcile().remaining, 0);
    EXPECT_EQ(sql("SELECT count(*) FROM payments WHERE order_id = '" + order.to_string() + "'"), "1");
    expect_sound();
  }
}

TEST_F(Reconciling, OnlyASensibleTimeIsTaken) {
  const auto since = [&](Timestamp time) { return code_of(call(&Api::reconcile, Reconcile{.since = time})); };
  EXPECT_EQ(since(now() + std::chrono::minutes(1)), "request.invalid");
  EXPECT_EQ(since(now() - std::chrono::hours(24 * 32)), "request.invalid");
  EXPECT_EQ(since(now() - std::chrono::hours(24 * 30)), "");
}

}  // namespace
}  // namespace souk::payment
