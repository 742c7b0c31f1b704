#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OrderCaptures : public OrderTest {
 protected:
  CapturesChecked check(bool repair = true) {
    return call(&Api::check_captures, CheckCaptures{.since = now() - std::chrono::hours(1), .repair = repair}).value();
  }
  static std::vector<std::string> states(const CapturesChecked& checked) {
    std::vector<std::string> texts;
    for (const auto& one : checked.orphaned) texts.emplace_back(json::enum_name(one.state));
    return texts;
  }
  // A look alone gives nothing back, a repair does, once.
  void expect_given_back() {
    EXPECT_THAT(states(check(false)), ElementsAre("repairable"));
    EXPECT_GT(payments.money(), 0);
    EXPECT_EQ(check().repaired, 1);
    EXPECT_EQ(payments.money(), 0);
    EXPECT_THAT(states(check()), IsEmpty());
  }
  void expect_told() {
    const auto money = payments.money();
    EXPECT_THAT(states(check()), ElementsAre("open"));
    EXPECT_EQ(check().remaining, 1);
    EXPECT_EQ(payments.money(), money);
  }
};

TEST_F(OrderCaptures, MoneyWithItsOrderIsLeftAlone) {
  bought();
  buy(usual_cart(), "tok_decline", "another key");
  buy(usual_cart(), "tok_ok", "a third key");
  const auto checked = check();
  EXPECT_THAT(states(checked), IsEmpty());
  EXPECT_EQ(checked.payments, 2);
}

TEST_F(OrderCaptures, WhatWasCapturedAfterTheCheckoutHadEndedIsGivenBack) {
  buy(usual_cart(), "tok_decline");
  payments.capture_quietly(payments.last()->order_id);
  expect_given_back();
}

TEST_F(OrderCaptures, WhatWasCapturedForACancelledOrderIsGivenBack) {
  const auto order = bought("tok_authorise");
  ASSERT_TRUE(call(&Api::cancel_order, OrderRef{order.id, order.access_token}));
  run(service->settle());
  ASSERT_EQ(payments.find(order.id)->status, payment::PaymentStatus::cancelled);
  payments.capture_quietly(order.id);
  // While its money is on the way back, that is nobody else's business.
  sql("UPDATE cancellation_sagas SET finished_at = NULL");
  EXPECT_THAT(states(check()), IsEmpty());
  sql("UPDATE cancellation_sagas SET finished_at = now()");
  expect_given_back();
}

TEST_F(OrderCaptures, ACheckoutThatIsUnderWayHasItsMoney) {
  bought();
  const auto id = payments.last()->order_id;
  sql("DELETE FROM order_status_history");
  sql("DELETE FROM order_items");
  sql("DELETE FROM orders");
  sql("UPDATE checkout_sagas SET state = 'running', finished_at = NULL WHERE id = '" + id.to_string() + "'");
  EXPECT_THAT(states(check()), IsEmpty());
  sql("UPDATE checkout_sagas SET state = 'completed', finished_at = now()");
  expect_told();
}

TEST_F(OrderCaptures, MoneyOfNoCheckoutThatIsKnownIsTold) {
  payments.capture_from_nowhere(Uuid::v7());
  expect_told();
}

}  // namespace
}  // namespace souk::order
