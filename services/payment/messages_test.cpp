#include <gtest/gtest.h>

#include "core/crypto.hpp"
#include "fixture_for_test.hpp"
#include "gateway_rig_for_test.hpp"

// What the service makes of a gateway's messages, with Stripe's.
namespace souk::payment {
namespace {

using Outcome = MessageOutcome;

class Messages : public PaymentTest {
 protected:
  void SetUp() override {
    PaymentTest::SetUp();
    if (IsSkipped()) return;
    rig_ = std::make_unique<StripeRig>(runtime_);
    serve({.by_name = {{"stripe", &rig_->gateway()}}, .standard = "stripe"});
  }
  void TearDown() override {
    stop();
    rig_.reset();
    PaymentTest::TearDown();
  }
  Payment charge(Uuid order, const std::string& token) {
    auto request = card(order, token);
    request.return_url = "https://shop.example/back";
    return call(&Api::charge, std::move(request)).value();
  }
  struct Told {
    std::string type = "payment_intent.succeeded";
    std::string id = Uuid::v7().to_string();
    std::string intent;
    std::string order_id;
    std::int64_t amount = 10'000;
    std::string currency = "usd";
  };
  static std::string body_of(const Told& told) {
    return fmt::format(R"({{"id":"{}","type":"{}","data":{{"object":{{"object":"payment_intent","id":"{}","amount":{},)"
                       R"("currency":"{}","metadata":{{"order_id":"{}"}}}}}}}})",
                       told.id, told.type, told.intent, told.amount, told.currency, told.order_id);
  }
  static GatewayMessage signed_message(std::string body, std::string_view secret = StripeRig::webhook_secret) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch()).count();
    const auto mac = hex(hmac_sha256(secret, fmt::format("{}.{}", seconds, body)));
    return {.gateway = "stripe",
            .headers = {{"stripe-signature", fmt::format("t={},v1={}", seconds, mac)}},
            .body = std::move(body)};
  }
  Result<MessageReceipt> receive(GatewayMessage message) { return call(&Api::receive_message, std::move(message)); }
  Outcome receive(const Told& told) { return receive(signed_message(body_of(told))).value().outcome; }
  Told about(const Payment& payment, std::string type = "payment_intent.succeeded") {
    return {.type = std::move(type), .intent = *payment.gateway_payment_id, .order_id = payment.order_id.to_string()};
  }
  std::string messages(const std::string& outcome) {
    return sql("SELECT count(*) FROM gateway_messages WHERE outcome = '" + outcome + "'");
  }
  std::string changes(Uuid order) {
    return sql("SELECT count(*) FROM outbox_events WHERE key = '" + order.to_string() + "'");
  }

  std::unique_ptr<StripeRig> rig_;
};

TEST_F(Messages, AMessageEndsAPaymentThatWaitsForTheCustomer) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  EXPECT_EQ(receive(about(waiting)), Outcome::applied);
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  EXPECT_EQ(changes(order), "2");
}

TEST_F(Messages, TheSameMessageTenTimesIsAppliedOnce) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  const auto told = about(waiting);
  std::vector<std::future<Result<MessageReceipt>>> replies;
  for (int i = 0; i < 10; ++i) replies.push_back(start(&Api::receive_message, signed_message(body_of(told))));
  int applied = 0;
  for (auto& reply : replies) {
    const auto outcome = reply.get().value().outcome;
    EXPECT_TRUE(outcome == Outcome::applied || outcome == Outcome::duplicate);
    applied += outcome == Outcome::applied ? 1 : 0;
  }
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(changes(order), "2");
  EXPECT_EQ(sql("SELECT count(*) FROM gateway_messages"), "1");
}

TEST_F(Messages, TheirOrderDoesNotMatter) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  EXPECT_EQ(receive(about(waiting)), Outcome::applied);
  EXPECT_EQ(receive(about(waiting, "payment_intent.requires_action")), Outcome::unchanged);
  EXPECT_EQ(receive(about(waiting, "payment_intent.payment_failed")), Outcome::unchanged);
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  // What a message says is not what is stored: the gateway is asked.
  const auto other = charge(Uuid::v7(), "pm_card_authenticationRequired");
  EXPECT_EQ(receive(about(other)), Outcome::unchanged);
  EXPECT_EQ(payment(other.order_id)->status, PaymentStatus::processing);
}

TEST_F(Messages, OneThatIsDaysLateChangesNothing) {
  const auto order = Uuid::v7();
  const auto paid = charge(order, "pm_card_visa");
  make_old(order, "6 days");
  EXPECT_EQ(receive(about(paid)), Outcome::unchanged);
  EXPECT_EQ(refund(order, std::nullopt, "cancel").value().status, RefundStatus::succeeded);
  EXPECT_EQ(receive(about(paid)), Outcome::unchanged);
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
}

TEST_F(Messages, OneThatOvertakesOurOwnCallIsUnderstood) {
  const auto order = Uuid::v7();
  const auto unknown = charge(order, "pm_fault_hang_after");
  ASSERT_TRUE(unknown.outcome_unknown);
  EXPECT_EQ(receive(about(unknown)), Outcome::applied);
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  // Before the id is in our row the metadata tells whose it is.
  sql("UPDATE payments SET gateway_payment_id = NULL, status = 'processing', outcome_unknown = true");
  EXPECT_EQ(receive(about(unknown)), Outcome::unchanged);
  EXPECT_EQ(payment(order)->status, PaymentStatus::processing);
}

TEST_F(Messages, OneForAnUnknownPaymentIsKeptAndAnswered) {
  EXPECT_EQ(receive(Told{.intent = "pi_of_another_shop"}), Outcome::unknown_payment);
  EXPECT_EQ(receive(Told{.intent = "pi_2", .order_id = Uuid::v7().to_string()}), Outcome::unknown_payment);
  EXPECT_EQ(messages("unknown_payment"), "2");
  EXPECT_EQ(receive(Told{.type = "customer.created", .intent = "cus_1"}), Outcome::ignored);
}

TEST_F(Messages, OneAboutAnotherAmountOrCurrencyIsNotApplied) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  auto cheap = about(waiting);
  cheap.amount = 1;
  EXPECT_EQ(receive(cheap), Outcome::mismatch);
  auto foreign = about(waiting);
  foreign.currency = "eur";
  EXPECT_EQ(receive(foreign), Outcome::mismatch);
  EXPECT_EQ(payment(order)->status, PaymentStatus::processing);
  EXPECT_EQ(receive(about(waiting)), Outcome::applied);
}

TEST_F(Messages, AnotherAmountAtTheGatewayIsNotApplied) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  rig_->program.post("/_test/change",
                     fmt::format(R"({{"id": "{}", "amount": 1, "amount_received": 1}})", *waiting.gateway_payment_id));
  EXPECT_EQ(receive(about(waiting)), Outcome::mismatch);
  EXPECT_EQ(payment(order)->status, PaymentStatus::processing);
}

TEST_F(Messages, ForgedOnesAreRefusedAndLeaveNothing) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  const auto body = body_of(about(waiting));
  EXPECT_EQ(code_of(receive(signed_message(body, "whsec_guessed"))), "payment.message_refused");
  EXPECT_EQ(code_of(receive({.gateway = "stripe", .headers = {}, .body = body})), "payment.message_refused");
  auto changed = signed_message(body);
  changed.body[10] ^= 1;
  EXPECT_EQ(code_of(receive(changed)), "payment.message_refused");
  EXPECT_EQ(code_of(receive(signed_message("{}"))), "payment.message_refused");
  EXPECT_EQ(code_of(receive({.gateway = "piggybank", .headers = {}, .body = body})), "payment.no_such_gateway");
  EXPECT_EQ(sql("SELECT count(*) FROM gateway_messages"), "0");
}

TEST_F(Messages, OneThatCannotBeAskedForComesAgain) {
  const auto order = Uuid::v7();
  const auto waiting = charge(order, "pm_card_authenticationRequired");
  ASSERT_TRUE(rig_->decide(waiting, true));
  const auto told = about(waiting);
  rig_->program.set_fault("read", "error_before");
  EXPECT_THROW(receive(told), std::runtime_error);
  EXPECT_EQ(sql("SELECT count(*) FROM gateway_messages"), "0");
  EXPECT_EQ(receive(told), Outcome::applied);
}

TEST_F(Messages, ARefundThatWasPendingEndsByItsMessage) {
  const auto order = Uuid::v7();
  const auto paid = charge(order, "pm_card_pendingRefund");
  EXPECT_EQ(refund(order, std::nullopt, "cancel").value().status, RefundStatus::processing);
  EXPECT_EQ(receive(about(paid, "refund.created")), Outcome::unchanged);
  (void)rig_->refunded(order);
  EXPECT_EQ(receive(about(paid, "refund.updated")), Outcome::applied);
  EXPECT_EQ(payment(order)->status, PaymentStatus::refunded);
}

TEST_F(Messages, MoneyThatComesForAPaymentThatHasEndedIsGivenBack) {
  const auto order = Uuid::v7();
  const auto paid = charge(order, "pm_card_visa");
  sql("UPDATE payments SET status = 'cancelled'");
  const auto told = about(paid);
  EXPECT_EQ(receive(told), Outcome::late_capture);
  EXPECT_EQ(receive(told), Outcome::duplicate);
  EXPECT_EQ(receive(about(paid)), Outcome::late_capture);
  EXPECT_EQ(rig_->refunded(order), 10'000);
  EXPECT_EQ(payment(order)->status, PaymentStatus::cancelled);
}

}  // namespace
}  // namespace souk::payment
