#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/failpoint.hpp"
#include "fixture_for_test.hpp"

namespace souk::payment {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PaymentCaptures : public PaymentTest {
 protected:
  // An order whose money is held.
  Payment held(std::string token = "tok_authorize") {
    const auto payment = pay(Uuid::v7(), std::move(token));
    EXPECT_TRUE(payment->authorized);
    return *payment;
  }
  Result<Payment> capture(Uuid id) { return call(&Api::capture, PaymentRef{id}); }
};

TEST_F(PaymentCaptures, TakeWhatIsHeldOnce) {
  const auto payment = held();
  const auto captured = capture(payment.id);
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->status, PaymentStatus::succeeded);
  EXPECT_FALSE(captured->authorized);
  EXPECT_TRUE(captured->succeeded_at);
  EXPECT_EQ(json::write(*capture(payment.id)), json::write(*captured));
  EXPECT_EQ(charges(payment.order_id), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM payments WHERE captured_at IS NULL OR check_at IS NOT NULL"), "0");
  EXPECT_EQ(sql("SELECT string_agg(payload ->> 'status', ' ' ORDER BY sequence) FROM outbox_events"),
            "processing succeeded");
  EXPECT_EQ(refund(payment.order_id, 100, "return:1")->status, RefundStatus::succeeded);
  EXPECT_EQ(capture(payment.id)->refunded, Amount(100));
  expect_sound();
}

TEST_F(PaymentCaptures, NeedMoneyThatIsHeld) {
  EXPECT_EQ(code_of(capture(Uuid::v7())), "payment.not_found");
  EXPECT_EQ(code_of(capture(pay(Uuid::v7(), "tok_declined")->id)), "payment.not_authorized");
  EXPECT_EQ(code_of(capture(pay(Uuid::v7(), "tok_requires_action")->id)), "payment.not_authorized");
  EXPECT_EQ(code_of(capture(pay(Uuid::v7(), "tok_timeout_after_charge")->id)), "payment.not_authorized");
  EXPECT_EQ(code_of(capture(call(&Api::charge, cash(Uuid::v7()))->id)), "payment.not_authorized");
  const auto given_up = held();
  cancel(given_up.order_id);
  EXPECT_EQ(code_of(capture(given_up.id)), "payment.not_authorized");
  EXPECT_EQ(charges(given_up.order_id), "0");
}

TEST_F(PaymentCaptures, ALapsedAuthorizationEndsThePayment) {
  const auto payment = held("tok_authorization_lapses");
  EXPECT_EQ(code_of(capture(payment.id)), "payment.not_authorized");
  EXPECT_EQ(this->payment(payment.order_id)->status, PaymentStatus::cancelled);
  expect_sound();
}

TEST_F(PaymentCaptures, ALostAnswerIsAskedForByARepetitionAndByTheResolver) {
  const auto repeated = held("tok_capture_timeout");
  EXPECT_TRUE(capture(repeated.id)->authorized);
  EXPECT_EQ(capture(repeated.id)->status, PaymentStatus::succeeded);

  const auto left = held("tok_capture_timeout");
  EXPECT_TRUE(capture(left.id)->authorized);
  EXPECT_EQ(resolve_due(), 0);  // not yet
  sql("UPDATE payments SET check_at = LOCALTIMESTAMP WHERE check_at IS NOT NULL");
  EXPECT_EQ(resolve_due(), 1);
  EXPECT_EQ(payment(left.order_id)->status, PaymentStatus::succeeded);
  expect_sound();
}

TEST_F(PaymentCaptures, WhatNobodyAskedForStaysHeld) {
  const auto payment = held();
  sql("UPDATE payments SET check_at = LOCALTIMESTAMP");
  EXPECT_EQ(resolve_due(), 1);
  EXPECT_TRUE(this->payment(payment.order_id)->authorized);
  EXPECT_EQ(charges(payment.order_id), "0");
}

TEST_F(PaymentCaptures, ThirtyAtOnceAndACancellationEndInOneOfTheTwo) {
  for (int round = 0; round < 5; ++round) {
    const auto payment = held();
    std::vector<std::future<Result<Payment>>> running;
    for (int i = 0; i < 30; ++i) {
      running.push_back(i == round * 5 ? start(&Api::cancel, OrderRef{payment.order_id})
                                       : start(&Api::capture, PaymentRef{payment.id}));
    }
    for (auto& one : running) {
      const auto result = one.get();
      if (!result) EXPECT_EQ(result.error().code, "payment.not_authorized");
    }
    const auto end = this->payment(payment.order_id)->status;
    EXPECT_TRUE(end == PaymentStatus::succeeded || end == PaymentStatus::cancelled);
    EXPECT_EQ(charges(payment.order_id), end == PaymentStatus::succeeded ? "1" : "0");
  }
  expect_sound();
}

TEST_F(PaymentCaptures, WhereverItBreaksARepetitionTakesTheMoneyOnce) {
  for (const auto* place :
       {"payment.before_capture_commit", "payment.after_capture_commit", "payment.before_gateway_capture",
        "payment.after_gateway_capture", "payment.before_result_commit", "payment.after_result_commit"}) {
    SCOPED_TRACE(place);
    const auto payment = held();
    arm_failpoints(std::string(place) + ":error@1");
    EXPECT_THROW(capture(payment.id), std::runtime_error);
    EXPECT_EQ(capture(payment.id)->status, PaymentStatus::succeeded);
    EXPECT_EQ(charges(payment.order_id), "1");
  }
  expect_sound();
}

class PaymentLists : public PaymentTest {
 protected:
  PaymentPage list(ListPayments filter = {}) { return call(&Api::list_payments, std::move(filter)).value(); }
  static std::vector<Uuid> ids(const PaymentPage& page) {
    std::vector<Uuid> all;
    for (const auto& payment : page.data) all.push_back(payment.id);
    return all;
  }
};

TEST_F(PaymentLists, GoThroughAllPagesNewestFirst) {
  std::vector<Uuid> made;
  for (int i = 0; i < 7; ++i) made.insert(made.begin(), pay(Uuid::v7(), "tok_success")->id);
  sql("UPDATE payments SET created_at = '2027-01-15 08:00:00' WHERE amount > 0");  // the id decides then
  std::vector<Uuid> seen;
  ListPayments filter{.limit = 3};
  for (int pages = 1;; ++pages) {
    const auto page = list(filter);
    for (const auto& id : ids(page)) seen.push_back(id);
    EXPECT_EQ(page.has_more, page.next_cursor.has_value());
    EXPECT_LE(page.data.size(), 3u);
    if (!page.has_more) {
      EXPECT_EQ(pages, 3);
      break;
    }
    filter.cursor = *page.next_cursor;
  }
  EXPECT_EQ(seen, made);
  for (const auto* wrong : {"x", "MTIz", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6YQ"}) {
    EXPECT_EQ(code_of(call(&Api::list_payments, ListPayments{.cursor = wrong})), "request.invalid") << wrong;
  }
}

TEST_F(PaymentLists, AreFilteredByEachMemberAndByAllTogether) {
  const auto paid = *pay(Uuid::v7(), "tok_success");
  const auto declined = *pay(Uuid::v7(), "tok_declined");
  const auto held = *pay(Uuid::v7(), "tok_authorize");
  auto request = cash(Uuid::v7());
  request.user_id = Uuid::v7();
  const auto cod = *call(&Api::charge, request);

  EXPECT_THAT(ids(list({.status = PaymentStatus::failed})), ElementsAre(declined.id));
  EXPECT_THAT(ids(list({.payment_method = Method::cod})), ElementsAre(cod.id));
  EXPECT_THAT(ids(list({.payment_gateway = "simulator"})), ElementsAre(held.id, declined.id, paid.id));
  EXPECT_THAT(ids(list({.order_id = paid.order_id})), ElementsAre(paid.id));
  EXPECT_THAT(ids(list({.order_id = paid.order_id, .user_id = cod.user_id})), ElementsAre());
  EXPECT_THAT(ids(list({.user_id = customer()})), ElementsAre(held.id, declined.id, paid.id));
  EXPECT_THAT(ids(list({.authorized = true})), ElementsAre(held.id));
  EXPECT_THAT(ids(list({.authorized = false})), ElementsAre(cod.id, declined.id, paid.id));
  EXPECT_THAT(ids(list({.status = PaymentStatus::succeeded, .user_id = customer()})), ElementsAre(paid.id));
  EXPECT_THAT(ids(list({.created_from = held.created_at})), ElementsAre(cod.id, held.id));
  EXPECT_THAT(ids(list({.created_before = held.created_at})), ElementsAre(declined.id, paid.id));
  const auto first = list({.created_before = cod.created_at, .limit = 1});
  EXPECT_THAT(ids(first), ElementsAre(held.id));
  EXPECT_THAT(ids(list({.created_before = cod.created_at, .cursor = *first.next_cursor})),
              ElementsAre(declined.id, paid.id));
}

TEST_F(PaymentLists, APaymentIsShownWithItsRefunds) {
  const auto paid = *pay(Uuid::v7(), "tok_success");
  refund(paid.order_id, 100, "return:1");
  refund(paid.order_id, 200, "return:2");
  const auto details = call(&Api::get_payment_details, PaymentRef{paid.id});
  ASSERT_TRUE(details);
  EXPECT_EQ(details->payment.refunded, Amount(300));
  ASSERT_EQ(details->refunds.size(), 2u);
  EXPECT_EQ(details->refunds[0].amount, Amount(100));
  EXPECT_EQ(details->refunds[1].amount, Amount(200));
  EXPECT_EQ(code_of(call(&Api::get_payment_details, PaymentRef{Uuid::v7()})), "payment.not_found");
}

TEST_F(PaymentLists, ReadTheIndexOfTheirFilter) {
  // One payment in a hundred is open, and one customer has as many.
  const auto regular = customer().to_string();
  sql("INSERT INTO payments (payment_number, order_id, user_id, amount, status, payment_method, created_at) "
      "SELECT 'P' || i, gen_random_uuid(), CASE i % 100 WHEN 1 THEN '" +
      regular +
      "'::uuid ELSE gen_random_uuid() END, 1, CASE i % 100 WHEN 0 THEN 'processing' ELSE 'succeeded' END, 'card', "
      "       LOCALTIMESTAMP - i * INTERVAL '1 second' FROM generate_series(1, 20000) AS i");
  sql("ANALYZE payments");
  const auto plan = [&](const std::string& where) {
    return sql("EXPLAIN (FORMAT JSON) SELECT * FROM payments WHERE " + where +
               " AND (created_at, id) < ('9999-01-01', '" + regular + "') ORDER BY created_at DESC, id DESC LIMIT 21");
  };
  EXPECT_THAT(plan("TRUE"), HasSubstr("\"payments_newest\""));
  EXPECT_THAT(plan("status = 'processing'"), HasSubstr("\"payments_newest_of_status\""));
  EXPECT_THAT(plan("user_id = '" + regular + "'"), HasSubstr("\"payments_newest_of_user\""));
}

}  // namespace
}  // namespace souk::payment
