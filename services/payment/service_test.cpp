#include "service.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "fixture_for_test.hpp"

namespace souk::payment {
namespace {

class PaymentService : public PaymentTest {};

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
  const auto declined = Uuid::v7();
  pay(declined, "tok_declined");
  EXPECT_EQ(pay(declined, "tok_success")->status, PaymentStatus::failed);
  EXPECT_EQ(charges(declined), "0");
}

}  // namespace
}  // namespace souk::payment
