// Webhooks from the event to what the endpoint got, against a real database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fixture_for_test.hpp"
#include "payment/api.hpp"

namespace souk::notification {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WebhookService : public Notifications {
 protected:
  template <class Request, class Reply>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Request request) {
    co_return co_await (api.*method)(souk::testing::test_context(), std::move(request));
  }
  template <class Request, class Reply>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), std::type_identity_t<Request> request) {
    return runtime_.block_on(call_on(*service_, method, std::move(request)));
  }
  WebhookWithSecret create(std::string url = "https://shop.example.com/hook",
                           std::optional<std::vector<json::Text<1, 50>>> types = {}) {
    return call(&Api::create_webhook, {.url = std::move(url), .event_types = std::move(types)}).value();
  }
  Webhook webhook(Uuid id) { return call(&Api::get_webhook, {.id = id}).value(); }
  Result<Webhook> patch(Uuid id, WebhookChanges changes) {
    return call(&Api::patch_webhook, {.id = id, .changes = std::move(changes)});
  }
  std::vector<Notification> log(Uuid id) { return list({.endpoint_id = id}); }
  static Task<std::size_t> send_on(WebhookDeliverer& deliverer) {
    co_return co_await deliverer.deliver_due(souk::testing::test_context());
  }
  std::size_t send() { return runtime_.block_on(send_on(service_->webhook_deliverer())); }
  void make_due() { sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP"); }
  std::string header(const std::string& name, std::size_t request = 0) {
    for (const auto& line : sender_->sent.at(request).headers) {
      if (line.starts_with(name + ": ")) return line.substr(name.size() + 2);
    }
    return "";
  }
};

TEST_F(WebhookService, AnEventIsSentToEachEndpointThatWantsItOnce) {
  const auto all = create();
  const auto shipped = create("https://other.example.com/", {{"order.shipped"}});
  const auto bought = order();
  handle({event("order.confirmed", bought)});
  handle({event("order.confirmed", bought), event("order.shipped", bought)});
  EXPECT_EQ(log(all.webhook.id).size(), 2U);
  EXPECT_EQ(log(shipped.webhook.id).size(), 1U);
  EXPECT_EQ(list({.channel = Channel::email}).size(), 2U);
  EXPECT_EQ(send(), 3U);
  EXPECT_EQ(send(), 0U);
  const auto sent = log(shipped.webhook.id).at(0);
  EXPECT_EQ(sent.status, MessageStatus::sent);
  EXPECT_EQ(sent.handed_to, "webhook");
  EXPECT_EQ(sent.channel, Channel::webhook);
  EXPECT_TRUE(webhook(all.webhook.id).last_success_at);
}

TEST_F(WebhookService, ARequestIsSignedWithTheSecretThatTheMerchantGot) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  send();
  const auto& request = sender_->sent.at(0);
  EXPECT_EQ(request.url, "https://shop.example.com/hook");
  EXPECT_EQ(header("webhook-signature"), webhooks::signature(made.secret, header("webhook-id"),
                                                             std::stoll(header("webhook-timestamp")), request.body));
  EXPECT_EQ(header("webhook-id"), log(made.webhook.id).at(0).message_id);
  EXPECT_EQ(get(log(made.webhook.id).at(0).id).value().text, request.body);
}

TEST_F(WebhookService, WhileASecretIsRotatedBothSign) {
  const auto made = create();
  const auto rotated = call(&Api::rotate_webhook_secret, {.id = made.webhook.id}).value();
  EXPECT_NE(rotated.secret, made.secret);
  EXPECT_TRUE(rotated.webhook.previous_secrets_until);
  handle({event("order.confirmed", order())});
  send();
  const auto by = [&](const std::string& secret, std::size_t request = 0) {
    return webhooks::signature(secret, header("webhook-id", request), std::stoll(header("webhook-timestamp", request)),
                               sender_->sent.at(request).body);
  };
  EXPECT_EQ(header("webhook-signature"), by(rotated.secret) + " " + by(made.secret));
  // The overlap is over.
  sql("UPDATE webhook_endpoints SET previous_secrets_until = LOCALTIMESTAMP");
  EXPECT_FALSE(webhook(made.webhook.id).previous_secrets_until);
  handle({event("order.confirmed", order())});
  send();
  EXPECT_EQ(header("webhook-signature", 1), by(rotated.secret, 1));
  // A lost reply is made good by another rotation; there are not to be too many.
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(call(&Api::rotate_webhook_secret, {.id = made.webhook.id}));
  EXPECT_EQ(code_of(call(&Api::rotate_webhook_secret, {.id = made.webhook.id})), "webhook.too_many_secrets");
  const auto only = call(&Api::rotate_webhook_secret, {.id = made.webhook.id, .overlap_hours = 0}).value();
  handle({event("order.confirmed", order())});
  send();
  EXPECT_EQ(header("webhook-signature", 2), by(only.secret, 2));
}

TEST_F(WebhookService, WhatIsNotTakenIsSentAgainUnderTheSameIdAndEachAttemptIsWrittenDown) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  sender_->answer = {.status = 500, .excerpt = "no database"};
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(send(), 0U);
  const auto waiting = log(made.webhook.id).at(0);
  EXPECT_EQ(waiting.status, MessageStatus::pending);
  EXPECT_EQ(waiting.last_error, "no database");
  EXPECT_TRUE(webhook(made.webhook.id).failing_since);
  make_due();
  sender_->answer = {.status = 204};
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(header("webhook-id", 0), header("webhook-id", 1));
  const auto details = get(waiting.id).value();
  EXPECT_EQ(details.notification.status, MessageStatus::sent);
  ASSERT_EQ(details.attempts.size(), 2U);
  EXPECT_EQ(details.attempts[0].response_status, 204);
  EXPECT_EQ(details.attempts[1].response_status, 500);
  EXPECT_EQ(details.attempts[1].detail, "no database");
  EXPECT_FALSE(webhook(made.webhook.id).failing_since);
}

TEST_F(WebhookService, AMessageIsGivenUpAfterSixDaysAndSentAgainWhereAnAdministratorWantsIt) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  sql("UPDATE notifications SET created_at = created_at - INTERVAL '7 days'");
  sender_->answer = {.status = 500};
  send();
  const auto failed = log(made.webhook.id).at(0);
  EXPECT_EQ(failed.status, MessageStatus::failed);
  EXPECT_EQ(retry(failed.id).value().status, MessageStatus::pending);
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(log(made.webhook.id).at(0).status, MessageStatus::pending) << "it has all its days before it again";
  EXPECT_TRUE(retry(failed.id));
  sender_->answer = {.status = 200};
  EXPECT_EQ(send(), 1U);
  EXPECT_TRUE(retry(failed.id)) << "also what was taken: receivers lose things";
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(header("webhook-id", 0), header("webhook-id", 3));
}

TEST_F(WebhookService, AnEndpointThatFailsForFiveDaysIsDisabledOnceAndTheMerchantIsTold) {
  const auto made = create();
  handle({event("order.confirmed", order()), event("order.confirmed", order())});
  sender_->answer = {.status = 500, .excerpt = "out of order"};
  send();
  EXPECT_EQ(webhook(made.webhook.id).status, WebhookStatus::enabled);
  sql("UPDATE webhook_endpoints SET failing_since = failing_since - INTERVAL '5 days'");
  make_due();
  send();
  const auto disabled = webhook(made.webhook.id);
  EXPECT_EQ(disabled.status, WebhookStatus::disabled);
  EXPECT_THAT(disabled.disabled_reason.value(), HasSubstr("out of order"));
  const auto mails = list({.subject_id = made.webhook.id.to_string()});
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(mails[0].recipient, "merchant@example.com");
  EXPECT_THAT(get(mails[0].id).value().text, HasSubstr("out of order"));
  // Nothing is sent there, and nothing new kept; what waits goes out when it is enabled again.
  make_due();
  EXPECT_EQ(send(), 0U);
  handle({event("order.confirmed", order())});
  EXPECT_EQ(log(made.webhook.id).size(), 2U);
  EXPECT_EQ(code_of(call(&Api::test_webhook, {.id = made.webhook.id})), "webhook.disabled");
  EXPECT_EQ(code_of(retry(log(made.webhook.id).at(0).id)), "webhook.disabled");
  sender_->answer = {.status = 200};
  const auto enabled = patch(made.webhook.id, {.status = WebhookStatus::enabled}).value();
  EXPECT_FALSE(enabled.disabled_reason);
  EXPECT_FALSE(enabled.failing_since);
  EXPECT_EQ(send(), 2U);
}

TEST_F(WebhookService, AfterAnOutageAllThatWaitsOrWasGivenUpIsSentAtOnce) {
  const auto made = create();
  handle({event("order.confirmed", order()), event("order.confirmed", order()), event("order.confirmed", order())});
  sender_->answer = {.status = 500};
  send();
  sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP + INTERVAL '1 day' WHERE channel = 'webhook'");
  sql("UPDATE notifications SET status = 'failed' WHERE id = (SELECT id FROM notifications "
      "WHERE channel = 'webhook' LIMIT 1)");
  EXPECT_EQ(call(&Api::redeliver_webhook, {.id = made.webhook.id}).value().messages, 3);
  sender_->answer = {.status = 200};
  EXPECT_EQ(send(), 3U);
  EXPECT_EQ(call(&Api::redeliver_webhook, {.id = made.webhook.id}).value().messages, 0);
  EXPECT_EQ(code_of(call(&Api::redeliver_webhook, {.id = Uuid::v7()})), "webhook.not_found");
  EXPECT_TRUE(patch(made.webhook.id, {.status = WebhookStatus::disabled}));
  EXPECT_EQ(code_of(call(&Api::redeliver_webhook, {.id = made.webhook.id})), "webhook.disabled");
}

TEST_F(WebhookService, AnEndpointThatIsGoneIsDisabledAtOnce) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  sender_->answer = {.status = 410};
  send();
  EXPECT_EQ(webhook(made.webhook.id).status, WebhookStatus::disabled);
  EXPECT_EQ(log(made.webhook.id).at(0).status, MessageStatus::failed);
  EXPECT_EQ(list({.subject_id = made.webhook.id.to_string()}).size(), 1U);
}

TEST_F(WebhookService, RetryAfterPausesTheEndpointAndNobodyElse) {
  const auto busy = create();
  handle({event("order.confirmed", order())});
  sender_->answer = {.status = 429, .retry_after = std::chrono::seconds(300)};
  send();
  EXPECT_TRUE(webhook(busy.webhook.id).paused_until);
  const auto other = create("https://other.example.com/");
  make_due();
  handle({event("order.confirmed", order())});
  sender_->answer = {.status = 200};
  EXPECT_EQ(send(), 1U) << "the other's";
  sql("UPDATE webhook_endpoints SET paused_until = LOCALTIMESTAMP");
  EXPECT_EQ(send(), 2U);
  EXPECT_EQ(log(other.webhook.id).size(), 1U);
}

TEST_F(WebhookService, OneWithManyThatWaitTakesNoPlaceFromTheOthers) {
  const auto flooded = create("https://slow.example.com/");
  std::vector<events::Event> many;
  for (int i = 0; i < 50; ++i) many.push_back(event("order.confirmed", order()));
  handle(std::move(many));
  const auto other = create("https://other.example.com/");
  handle({event("order.confirmed", order())});
  EXPECT_EQ(send(), 5U);
  EXPECT_EQ(log(other.webhook.id).at(0).status, MessageStatus::sent);
}

TEST_F(WebhookService, TwoProcessesSendNothingTwice) {
  create();
  std::vector<events::Event> many;
  for (int i = 0; i < 40; ++i) many.push_back(event("order.confirmed", order()));
  handle(std::move(many));
  auto* first_sender = sender_;
  const auto second = make_service(nullptr, {"Souk <shop@example.com>", "merchant@example.com", "key"});
  const auto drain = [this](Service& service) {
    while (runtime_.block_on(send_on(service.webhook_deliverer()), &service == service_.get() ? 0 : 1) > 0) {
    }
  };
  {
    std::jthread other([&] { drain(*second); });
    drain(*service_);
  }
  EXPECT_EQ(first_sender->sent.size() + sender_->sent.size(), 40U);
  EXPECT_EQ(sql("SELECT count(*) FROM notifications WHERE channel = 'webhook' AND status = 'sent' AND attempts = 1"),
            "40");
}

TEST_F(WebhookService, WhatAKilledProcessHadClaimedIsSentWhenItsLeaseIsOver) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  sql("UPDATE notifications SET attempts = 1, next_attempt_at = LOCALTIMESTAMP + INTERVAL '60 seconds'");
  EXPECT_EQ(send(), 0U);
  make_due();
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(log(made.webhook.id).at(0).attempts, 2);
}

TEST_F(WebhookService, AnAddressThatIsTakenTooManyOrNoneIsRefused) {
  const auto made = create();
  EXPECT_EQ(code_of(call(&Api::create_webhook, {.url = made.webhook.url})), "webhook.url_taken");
  EXPECT_EQ(code_of(call(&Api::create_webhook, {.url = "https://127.0.0.1/"})), "webhook.invalid_url");
  EXPECT_EQ(code_of(call(&Api::create_webhook, {.url = "https://a.example.com/", .event_types = {{"order.lost"}}})),
            "webhook.unknown_event_type");
  for (int i = 1; i < 50; ++i) create("https://shop.example.com/" + std::to_string(i));
  EXPECT_EQ(code_of(call(&Api::create_webhook, {.url = "https://a.example.com/"})), "webhook.too_many");
  EXPECT_EQ(call(&Api::list_webhooks, {}).value().data.size(), 50U);
  EXPECT_EQ(code_of(patch(made.webhook.id, {.url = "https://shop.example.com/1"})), "webhook.url_taken");
  EXPECT_EQ(code_of(patch(made.webhook.id, {.url = "https://10.0.0.1/"})), "webhook.invalid_url");
  EXPECT_EQ(code_of(patch(Uuid::v7(), {})), "webhook.not_found");
}

TEST_F(WebhookService, WhatWaitsGoesToTheNewUrl) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  sender_->answer = {.status = 500};
  send();
  const auto moved =
      patch(made.webhook.id, {.url = "https://new.example.com/", .event_types = {{"order.*", "order.*"}}});
  EXPECT_THAT(moved.value().event_types, ElementsAre("order.*"));
  EXPECT_FALSE(moved.value().failing_since);
  EXPECT_EQ(send(), 1U) << "at once";
  EXPECT_EQ(sender_->sent.at(1).url, "https://new.example.com/");
}

TEST_F(WebhookService, WithAWebhookGoesWhatWaitsForIt) {
  const auto made = create();
  handle({event("order.confirmed", order())});
  EXPECT_TRUE(call(&Api::delete_webhook, {.id = made.webhook.id}));
  EXPECT_EQ(code_of(call(&Api::delete_webhook, {.id = made.webhook.id})), "webhook.not_found");
  EXPECT_EQ(code_of(call(&Api::get_webhook, {.id = made.webhook.id})), "webhook.not_found");
  EXPECT_EQ(send(), 0U);
  const auto given_up = log(made.webhook.id).at(0);
  EXPECT_EQ(given_up.status, MessageStatus::failed);
  EXPECT_EQ(code_of(retry(given_up.id)), "webhook.not_found");
  EXPECT_NE(create().webhook.id, made.webhook.id) << "its URL is free again";
}

TEST_F(WebhookService, ATestEventGoesToItsEndpointOnly) {
  const auto made = create("https://a.example.com/", {{"order.shipped"}});
  create("https://b.example.com/");
  const auto test = call(&Api::test_webhook, {.id = made.webhook.id}).value();
  EXPECT_EQ(test.kind, "webhook.test");
  EXPECT_EQ(send(), 1U);
  EXPECT_EQ(sender_->sent.at(0).url, "https://a.example.com/");
  EXPECT_TRUE(call(&Api::test_webhook, {.id = made.webhook.id})) << "as often as one likes";
  EXPECT_EQ(send(), 1U);
}

TEST_F(WebhookService, PaymentsAndLowStockAreToldToo) {
  const auto made = create();
  const payment::Payment payment{.id = Uuid::v7(), .order_id = Uuid::v7(), .amount = Amount(100), .currency = "USD"};
  const events::Event paid{
      .id = Uuid::v7(), .type = "payment.changed", .key = "k", .payload = {json::write(payment)}, .created_at = now()};
  auto refunded = paid;
  refunded.id = Uuid::v7();
  runtime_.block_on(service_->handle_payments(souk::testing::test_context(), page({paid, refunded, paid})));
  cursor_ = "";
  const events::Event low{.id = Uuid::v7(),
                          .type = "stock.low",
                          .key = "lamp",
                          .payload = {json::write(inventory::StockLow{.product_id = "lamp"})},
                          .created_at = now()};
  runtime_.block_on(service_->handle_stock(souk::testing::test_context(), page({low})));
  std::vector<std::string> kinds;
  for (const auto& one : log(made.webhook.id)) kinds.push_back(one.kind);
  EXPECT_THAT(kinds, ElementsAre("inventory.low_stock", "payment.changed", "payment.changed"));
}

}  // namespace
}  // namespace souk::notification
