#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"

namespace souk::payment {
namespace {

class PaymentRefunds : public PaymentTest {
 protected:
  Uuid paid(std::string token = "tok_success", std::int64_t minor = 10'000) {
    const auto order = Uuid::v7();
    EXPECT_EQ(pay(order, std::move(token), minor)->status, PaymentStatus::succeeded);
    return order;
  }
  // What the gateway gave back, in hundredths.
  std::string given_back(Uuid order) {
    return sql(
        "SELECT COALESCE(sum(r.amount), 0) FROM simulator.refunds AS r JOIN simulator.payments AS p "
        "ON p.id = r.payment_id WHERE r.status = 'succeeded' AND p.key = '" +
        order.to_string() + "'");
  }
};

TEST_F(PaymentRefunds, AFullRefundEndsThePayment) {
  const auto order = paid();
  const auto given = refund(order, std::nullopt, "cancel");
  ASSERT_TRUE(given);
  EXPECT_EQ(given->status, RefundStatus::succeeded);
  EXPECT_EQ(given->amount, Amount(10'000));
  EXPECT_TRUE(given->succeeded_at);
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
  EXPECT_EQ(payment(order)->refunded, Amount(10'000));
  EXPECT_EQ(refund(order, std::nullopt, "cancel")->id, given->id);
  EXPECT_EQ(code_of(refund(order, 1, "return:1")), "payment.refund_exceeds_capture");
  expect_sound();
}

TEST_F(PaymentRefunds, PartialRefundsLeaveThePaymentUntilNothingIsLeft) {
  const auto order = paid();
  EXPECT_EQ(refund(order, 4'000, "return:1")->status, RefundStatus::succeeded);
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  EXPECT_EQ(payment(order)->refunded, Amount(4'000));
  EXPECT_EQ(code_of(refund(order, 6'001, "return:2")), "payment.refund_exceeds_capture");
  EXPECT_EQ(refund(order, std::nullopt, "return:2")->amount, Amount(6'000));
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
  EXPECT_EQ(given_back(order), "10000");
  expect_sound();
}

TEST_F(PaymentRefunds, ThirtyAtOnceGiveBackNoMoreThanWasPaid) {
  const auto order = paid();
  std::vector<std::future<Result<Refund>>> running;
  for (int i = 0; i < 30; ++i) {
    running.push_back(
        start(&Api::refund,
              RefundPayment{.order_id = order, .amount = Amount(1'000), .cause = "return:" + std::to_string(i)}));
  }
  int given = 0;
  for (auto& one : running) {
    const auto result = one.get();
    given += result ? 1 : 0;
    if (!result) EXPECT_EQ(result.error().code, "payment.refund_exceeds_capture");
  }
  EXPECT_EQ(given, 10);
  EXPECT_EQ(given_back(order), "10000");
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
  expect_sound();
}

TEST_F(PaymentRefunds, OneCauseThirtyTimesAtOnceIsOneRefund) {
  const auto order = paid();
  std::vector<std::future<Result<Refund>>> running;
  for (int i = 0; i < 30; ++i) {
    running.push_back(
        start(&Api::refund, RefundPayment{.order_id = order, .amount = Amount(1'000), .cause = "return:1"}));
  }
  for (auto& one : running) EXPECT_TRUE(one.get());
  EXPECT_EQ(sql("SELECT count(*) FROM refunds"), "1");
  EXPECT_EQ(given_back(order), "1000");
  expect_sound();
}

TEST_F(PaymentRefunds, OnlyWhatWasPaidIsGivenBack) {
  EXPECT_EQ(code_of(refund(Uuid::v7(), std::nullopt, "cancel")), "payment.not_found");
  const auto declined = Uuid::v7();
  pay(declined, "tok_declined");
  EXPECT_EQ(code_of(refund(declined, std::nullopt, "cancel")), "payment.not_captured");
  const auto unknown = Uuid::v7();
  pay(unknown, "tok_timeout_after_charge");
  EXPECT_EQ(code_of(refund(unknown, std::nullopt, "cancel")), "payment.not_captured");
  const auto order = paid();
  EXPECT_EQ(code_of(refund(order, 0, "cancel")), "request.invalid");
  EXPECT_EQ(code_of(refund(order, -1, "cancel")), "request.invalid");
  EXPECT_EQ(code_of(refund(order, 1, "")), "request.invalid");
  EXPECT_EQ(code_of(refund(order, 1, std::string(101, 'x'))), "request.invalid");
  refund(order, 100, "return:1");
  EXPECT_EQ(code_of(refund(order, 200, "return:1")), "payment.refund_differs");
}

TEST_F(PaymentRefunds, ALostAnswerIsAskedForAndTheMoneyGoesBackOnce) {
  const auto order = paid("tok_refund_timeout");
  EXPECT_EQ(refund(order, 1'000, "return:1")->status, RefundStatus::processing);
  EXPECT_EQ(refund(order, 1'000, "return:1")->status, RefundStatus::succeeded);
  EXPECT_EQ(given_back(order), "1000");
  expect_sound();
}

TEST_F(PaymentRefunds, TheResolverFinishesWhatIsUnderWay) {
  const auto lost = paid("tok_refund_timeout");
  const auto pending = paid("tok_refund_pending");
  EXPECT_EQ(refund(lost, std::nullopt, "cancel")->status, RefundStatus::processing);
  EXPECT_EQ(refund(pending, std::nullopt, "cancel")->status, RefundStatus::processing);
  EXPECT_EQ(payment(lost)->status, PaymentStatus::succeeded);
  sql("UPDATE refunds SET check_at = LOCALTIMESTAMP");
  EXPECT_EQ(resolve_due(), 2);
  EXPECT_EQ(payment(lost)->status, PaymentStatus::refunded);
  EXPECT_EQ(payment(pending)->status, PaymentStatus::refunded);
  expect_sound();
}

TEST_F(PaymentRefunds, ARefundThatFailedMayBeTriedAgain) {
  const auto order = paid("tok_refund_fails");
  const auto failed = refund(order, 1'000, "return:1");
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->status, RefundStatus::failed);
  EXPECT_EQ(payment(order)->refunded, Amount());
  EXPECT_EQ(refund(order, std::nullopt, "return:2")->amount, Amount(10'000));  // nothing is tied up
  sql("UPDATE simulator.payments SET token = 'tok_success'");
  EXPECT_EQ(refund(order, 1'000, "return:1")->status, RefundStatus::succeeded);
  EXPECT_EQ(refund(order, 1'000, "return:1")->id, failed->id);
  EXPECT_EQ(given_back(order), "1000");
  expect_sound();
}

TEST_F(PaymentRefunds, AKeyBelongsToWhatWasAskedWithIt) {
  const auto order = paid();
  const auto with_key = [&](Uuid of, std::int64_t minor, std::string cause) {
    return call(
        &Api::refund,
        RefundPayment{.order_id = of, .amount = Amount(minor), .cause = std::move(cause), .idempotency_key = "key-1"});
  };
  const auto given = with_key(order, 1'000, "admin:1");
  ASSERT_TRUE(given);
  EXPECT_EQ(json::write(*with_key(order, 1'000, "admin:1")), json::write(*given));
  EXPECT_EQ(code_of(with_key(order, 1'001, "admin:1")), "idempotency.body_mismatch");
  EXPECT_EQ(code_of(with_key(paid(), 1'000, "admin:1")), "idempotency.body_mismatch");
  EXPECT_EQ(given_back(order), "1000");
  expect_sound();
}

TEST_F(PaymentRefunds, ARefusedRefundDoesNotUseUpItsKey) {
  const auto order = Uuid::v7();
  const auto held = pay(order, "tok_authorize");
  const RefundPayment wanted{
      .order_id = order, .amount = Amount(1'000), .cause = "admin:1", .idempotency_key = "key-1"};
  EXPECT_EQ(code_of(call(&Api::refund, wanted)), "payment.not_captured");
  call(&Api::capture, PaymentRef{held->id});
  EXPECT_EQ(call(&Api::refund, wanted)->status, RefundStatus::succeeded);
}

TEST_F(PaymentRefunds, WhereverItBreaksARepetitionGivesBackOnce) {
  for (const auto* place : {"payment.before_refund_begin_commit", "payment.after_refund_begin_commit",
                            "payment.before_refund_gateway", "payment.after_refund_gateway_before_result",
                            "payment.before_refund_result_commit", "payment.after_refund_result_commit"}) {
    SCOPED_TRACE(place);
    const auto order = paid();
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(refund(order, 3'000, "return:1"), std::runtime_error);
    EXPECT_EQ(refund(order, 3'000, "return:1")->status, RefundStatus::succeeded);
    EXPECT_EQ(given_back(order), "3000");
    expect_sound();
  }
}

}  // namespace
}  // namespace souk::payment
