#include "gateways/stripe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/failure.hpp"
#include "gateway_rig_for_test.hpp"

// What is Stripe's own; what holds for every gateway is in gateway_contract_test.cpp.
namespace souk::payment {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StripeTest : public ::testing::Test {
 protected:
  GatewayCharge wanted(std::string token, std::string currency = "USD", std::int64_t minor = 10'000) {
    return {.key = Uuid::v7().to_string(),
            .amount = Amount(minor),
            .currency = std::move(currency),
            .method = Method::card,
            .token = std::move(token),
            .return_url = "https://shop.example/back"};
  }
  GatewayPayment charge(GatewayCharge request) {
    request.id = wait(rig_.gateway().open(context(), request)).id;
    return wait(rig_.gateway().charge(context(), request));
  }
  template <class T>
  T wait(Task<T> task) {
    return runtime_.block_on(std::move(task));
  }
  static Context context() { return souk::testing::test_context(); }

  Runtime runtime_{1};
  StripeRig rig_{runtime_};
};

TEST_F(StripeTest, OpeningIsTheSamePaymentForTheSameKeyAndMovesNoMoney) {
  const auto request = wanted("");
  const auto first = wait(rig_.gateway().open(context(), request));
  EXPECT_EQ(wait(rig_.gateway().open(context(), request)).id, first.id);
  EXPECT_FALSE(wait(rig_.gateway().find(context(), {.key = request.key, .id = first.id})));
  EXPECT_TRUE(rig_.program.books().movements.empty());
}

TEST_F(StripeTest, AnAmountThatStripeDoesNotTakeFailsBeforeItIsCharged) {
  const auto cents = wait(rig_.gateway().open(context(), wanted("", "USD", 49)));
  EXPECT_EQ(cents.state, GatewayState::failed);
  EXPECT_EQ(cents.failure_reason, "amount_too_small");
  EXPECT_EQ(wait(rig_.gateway().open(context(), wanted("", "MGA", 10'050))).failure_reason, "amount_unsupported");
}

TEST_F(StripeTest, CurrenciesThatStripeWritesInItsOwnWay) {
  const std::pair<const char*, std::int64_t> units[] = {{"MGA", 100}, {"ISK", 10'000}, {"UGX", 10'000}, {"KRW", 100}};
  for (const auto& [currency, amount] : units) {
    const auto request = wanted("pm_card_visa", currency);
    EXPECT_EQ(charge(request).amount, Amount(10'000)) << currency;
    EXPECT_EQ(rig_.program.books().movements.back().amount, amount) << currency;
  }
}

TEST_F(StripeTest, ALostCardIsDeclinedLikeAnyOther) {
  EXPECT_EQ(charge(wanted("pm_card_chargeDeclinedLostCard")).failure_reason, "card_declined");
  EXPECT_EQ(charge(wanted("pm_card_chargeDeclinedExpiredCard")).failure_reason, "expired_card");
  EXPECT_EQ(charge(wanted("pm_card_chargeDeclinedProcessingError")).failure_reason, "processing_error");
}

TEST_F(StripeTest, WithNowhereToReturnToACardThatWantsTheCustomerIsDeclined) {
  auto request = wanted("pm_card_authenticationRequired");
  request.return_url.reset();
  const auto declined = charge(request);
  EXPECT_EQ(declined.state, GatewayState::failed);
  EXPECT_EQ(declined.failure_reason, "authentication_required");
}

TEST_F(StripeTest, ADeclinedPaymentCannotBeChargedByALateAttempt) {
  auto request = wanted("pm_card_chargeDeclined");
  const auto declined = charge(request);
  request.id = declined.id;
  request.token = "pm_card_visa";
  EXPECT_EQ(wait(rig_.gateway().charge(context(), request)).state, GatewayState::failed);
  EXPECT_TRUE(rig_.program.books().movements.empty());
}

TEST_F(StripeTest, WhatIsKeptOfAReplyHasNoSecret) {
  const auto paid = charge(wanted("pm_card_visa"));
  EXPECT_THAT(paid.response.text, HasSubstr("\"latest_charge\""));
  EXPECT_THAT(paid.response.text, Not(HasSubstr("secret")));
}

TEST_F(StripeTest, AKeyThatStripeDoesNotKnowIsNoDecline) {
  http::Client client(runtime_);
  Stripe stripe(client, {.url = rig_.program.url(), .secret_key = "sk_wrong"});
  EXPECT_THROW((void)wait(stripe.open(context(), wanted(""))), Unavailable);
}

TEST_F(StripeTest, ADeadGatewayIsNotAskedForAWhile) {
  http::Client client(runtime_);
  Stripe stripe(client, {.url = "http://127.0.0.1:1", .secret_key = "sk_test_souk"});
  for (int i = 0; i < 5; ++i) EXPECT_THROW((void)wait(stripe.open(context(), wanted(""))), Unavailable);
  try {
    (void)wait(stripe.open(context(), wanted("")));
    FAIL() << "the breaker is closed";
  } catch (const Unavailable& refused) {
    EXPECT_THAT(refused.what(), HasSubstr("not asked now"));
  }
}

TEST_F(StripeTest, AnErrorBeforeTheAnswerOpensTheBreakerAndOneAnswerClosesIt) {
  const auto request = wanted("");
  const auto id = wait(rig_.gateway().open(context(), request)).id;
  for (int i = 0; i < 5; ++i) {
    rig_.program.set_fault("read", "error_before");
    EXPECT_THROW((void)wait(rig_.gateway().find(context(), {.key = request.key, .id = id})), UnknownOutcome);
  }
  EXPECT_THROW((void)wait(rig_.gateway().find(context(), {.key = request.key, .id = id})), Unavailable);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(wait(rig_.gateway().find(context(), {.key = request.key, .id = id})));
  EXPECT_FALSE(wait(rig_.gateway().find(context(), {.key = request.key, .id = id})));
}

TEST_F(StripeTest, ARefundIsFoundByItsKeyOnLaterPages) {
  const auto request = wanted("pm_card_visa", "USD", 100'000);
  const auto id = charge(request).id;
  const auto refund = [&](int i) {
    return GatewayRefundRequest{
        .key = "refund-" + std::to_string(i), .payment_id = id, .amount = Amount(10), .currency = "USD"};
  };
  for (int i = 0; i < 103; ++i) (void)wait(rig_.gateway().refund(context(), refund(i)));
  const auto found = wait(rig_.gateway().find_refund(context(), refund(0)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, GatewayRefundState::succeeded);
  EXPECT_FALSE(wait(rig_.gateway().find_refund(context(), refund(103))));
}

TEST(StripeOptions, WhatCannotBeMeantIsRefused) {
  Runtime runtime(1);
  http::Client client(runtime);
  const auto make = [&](const char* url, const char* key) { Stripe(client, {.url = url, .secret_key = key}); };
  EXPECT_NO_THROW(make("https://api.stripe.com", "sk_live_1"));
  EXPECT_NO_THROW(make("https://api.stripe.com/", "rk_live_1"));
  EXPECT_THROW(make("https://api.stripe.com", "pk_live_1"), std::invalid_argument);
  EXPECT_THROW(make("http://api.stripe.com", "sk_live_1"), std::invalid_argument);
  EXPECT_THROW(make("http://127.0.0.1.example.com", "sk_live_1"), std::invalid_argument);
  EXPECT_THROW(make("https://api.stripe.com/v1", "sk_live_1"), std::invalid_argument);
}

TEST(Form, EscapesWhatHasAMeaning) {
  EXPECT_EQ(form({{"a[b]", "1&2=3 %"}, {"c", "é"}}), "a%5Bb%5D=1%262%3D3%20%25&c=%C3%A9");
  EXPECT_EQ(form({}), "");
}

}  // namespace
}  // namespace souk::payment
