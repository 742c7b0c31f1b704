#include "webhook_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inventory/api.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "public_address.hpp"

namespace souk::notification::webhooks {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

// The vector that the reference implementations of standardwebhooks.com are tested with.
TEST(WebhookSignature, IsTheOneOfThePublishedVector) {
  EXPECT_EQ(signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                      R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_THROW(signature("nonsense", "msg_1", 1, ""), std::invalid_argument);
}

TEST(WebhookSecret, IsDerivedFromKeyEndpointAndVersion) {
  const auto id = Uuid::v7();
  const auto secret = secret_of("key", id, 1);
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(secret.size(), 6 + 44);  // 32 bytes
  EXPECT_EQ(secret, secret_of("key", id, 1));
  EXPECT_NE(secret, secret_of("key", id, 2));
  EXPECT_NE(secret, secret_of("key", Uuid::v7(), 1));
  EXPECT_NE(secret, secret_of("other", id, 1));
}

TEST(WebhookSignature, EverySecretThatHoldsSignsTheNewestFirst) {
  const auto id = Uuid::v7();
  const auto by = [&](std::int64_t version) { return signature(secret_of("key", id, version), "msg_1", 7, "{}"); };
  EXPECT_EQ(signatures("key", id, 3, 3, "msg_1", 7, "{}"), by(3));
  EXPECT_EQ(signatures("key", id, 1, 3, "msg_1", 7, "{}"), by(3) + " " + by(2) + " " + by(1));
}

events::Event event(std::string type, std::string payload) {
  return {.id = Uuid::v7(),
          .type = std::move(type),
          .key = "k",
          .payload = {std::move(payload)},
          .created_at = parse_timestamp("2026-03-01T12:00:00Z").value()};
}

TEST(WebhookEvents, OrdersPaymentsAndStockAreTold) {
  const order::OrderEvent order{
      .order_id = Uuid::v7(), .order_number = "SO-1", .total = Amount(5000), .currency = "USD"};
  const auto shipped = of_order_event(event("order.shipped", json::write(order))).value();
  EXPECT_EQ(shipped.subject_id, order.order_id.to_string());
  EXPECT_EQ(shipped.occurrence, "") << "one for each order and status";
  EXPECT_TRUE(
      shipped.body.starts_with(R"({"type":"order.shipped","timestamp":"2026-03-01T12:00:00Z","data":{"order_id")"))
      << shipped.body;
  EXPECT_THAT(shipped.body, HasSubstr(R"("total":50.00)"));

  const payment::Payment payment{.id = Uuid::v7(),
                                 .order_id = order.order_id,
                                 .amount = Amount(5000),
                                 .currency = "USD",
                                 .next_action = payment::NextAction{}};
  const auto changed = event("payment.changed", json::write(payment));
  const auto paid = of_payment_event(changed).value();
  EXPECT_EQ(paid.subject_id, order.order_id.to_string());
  EXPECT_EQ(paid.occurrence, changed.id.to_string()) << "each change is told";
  EXPECT_THAT(paid.body, Not(HasSubstr("next_action")));

  const auto low = event("stock.low", json::write(inventory::StockLow{.product_id = "lamp", .sku = "L-1"}));
  EXPECT_EQ(of_stock_event(low).value().type, "inventory.low_stock");
  EXPECT_EQ(of_stock_event(low).value().subject_id, "lamp");
}

TEST(WebhookEvents, WhatNobodyKnowsIsNotRead) {
  EXPECT_FALSE(of_order_event(event("order.teleported", R"({"of":"another shape"})")));
  EXPECT_FALSE(of_payment_event(event("payment.imagined", "{}")));
  EXPECT_FALSE(of_stock_event(event("stock.availability_changed", "{}")));
}

TEST(WebhookEvents, AnEndpointGetsWhatItWants) {
  EXPECT_TRUE(wants({}, "order.shipped"));
  EXPECT_TRUE(wants({"order.shipped"}, "order.shipped"));
  EXPECT_TRUE(wants({"inventory.low_stock", "order.*"}, "order.shipped"));
  EXPECT_FALSE(wants({"order.confirmed", "payment.*"}, "order.shipped"));
  EXPECT_FALSE(wants({"order.*"}, "orders.shipped"));
}

TEST(WebhookEvents, TypesThatThereAreNotAreRefusedByName) {
  EXPECT_TRUE(check_event_types({"order.*", "payment.changed", "inventory.low_stock"}));
  const auto refused = check_event_types({"order.shiped", "order.shipped", "*"});
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().errors.size(), 2U);
  EXPECT_EQ(refused.error().errors[0].field, "event_types[0]");
  EXPECT_EQ(refused.error().errors[1].field, "event_types[2]");
}

TEST(WebhookUrl, MustBeHttpsToThePublicInternet) {
  for (const auto* url : {"https://example.com/hook", "https://example.com:8443/?a=b", "https://8.8.8.8/"}) {
    EXPECT_TRUE(check_url(url, false)) << url;
  }
  for (const auto* url : {"http://example.com/", "ftp://example.com/", "https://user:word@example.com/", "https://",
                          "https://example.com/#part", "https://127.0.0.1/", "https://[::1]/", "https://localhost/",
                          "https://a.localhost/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data",
                          "https://[::ffff:127.0.0.1]/", "https://example.com/\r\nX: y", "javascript:alert(1)"}) {
    EXPECT_FALSE(check_url(url, false)) << url;
  }
  EXPECT_TRUE(check_url("http://127.0.0.1:8000/", true));
  EXPECT_FALSE(check_url("file:///etc/passwd", true));
}

TEST(PublicAddress, SaysWhatIsOfTheInternet) {
  for (const auto* address :
       {"8.8.8.8", "93.184.216.34", "172.15.0.1", "172.32.0.1", "100.63.255.255", "2606:4700::1"}) {
    EXPECT_TRUE(is_public_address(address)) << address;
  }
  for (const auto* address : {"0.0.0.0",
                              "10.0.0.1",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "192.0.2.1",
                              "198.18.0.1",
                              "203.0.113.9",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "ff02::1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2001:db8::1",
                              "2002:7f00:1::",
                              "localhost",
                              "",
                              "1.2.3"}) {
    EXPECT_FALSE(is_public_address(address)) << address;
  }
}

TEST(WebhookRetry, IsSpreadByChanceAndEndsAfterSixDays) {
  EXPECT_EQ(retry_after(1, 0s, 0), 1s);
  EXPECT_EQ(retry_after(1, 0s, 0.999), 5s);
  EXPECT_EQ(retry_after(2, 5s, 0.5), 151s);
  EXPECT_EQ(retry_after(5, 3h, 0.5), 2h + 30min + 1s);
  EXPECT_EQ(retry_after(9, 48h, 0.5), 12h + 1s);
  EXPECT_EQ(retry_after(1000, 48h, 0.5), 12h + 1s);
  EXPECT_EQ(retry_after(12, 6 * 24h - 1h, 0.999), 1h) << "the last one comes at the end";
  EXPECT_EQ(retry_after(13, 6 * 24h, 0.5), std::nullopt);
}

// Whatever chance does: nobody who is away for less than six days loses anything, and nobody is asked without end.
TEST(WebhookRetry, AnOutageOfDaysIsSurvived) {
  for (const double chance : {0.05, 0.5, 0.95}) {
    seconds age = 0s;
    std::int64_t attempts = 1;
    while (const auto wait = retry_after(attempts, age, chance)) {
      age += *wait;
      ++attempts;
    }
    EXPECT_EQ(age, 6 * 24h);
    EXPECT_LT(attempts, 200);
    EXPECT_GT(attempts, 10);
  }
}

TEST(WebhookJudge, OnlySuccessIsTaken) {
  const auto outcome = [](Reply reply) { return judge(reply, 1, 0s, 0.5).outcome; };
  for (const int status : {200, 201, 202, 204, 299}) EXPECT_EQ(outcome({.status = status}), Outcome::taken) << status;
  for (const int status : {0, 301, 302, 400, 401, 404, 429, 500, 503}) {
    EXPECT_EQ(outcome({.status = status}), Outcome::try_again) << status;
  }
  EXPECT_EQ(outcome({.status = 410}), Outcome::refused);
}

TEST(WebhookJudge, RetryAfterIsRespectedWithinBounds) {
  const auto judged = judge({.status = 429, .retry_after = 120s}, 1, 0s, 0.5);
  EXPECT_EQ(judged.next_in, 120s);
  EXPECT_EQ(judged.pause_in, 120s);
  const auto long_one = judge({.status = 503, .retry_after = 1'000'000s}, 1, 0s, 0.5);
  EXPECT_EQ(long_one.next_in, 24h);
  EXPECT_EQ(long_one.pause_in, 1h);
  EXPECT_FALSE(judge({.status = 500, .retry_after = 120s}, 1, 0s, 0.5).pause_in);
}

TEST(WebhookJudge, SaysWhyInWordsThatCanBeKept) {
  EXPECT_EQ(judge({.status = 500, .excerpt = "no\ndatabase"}, 1, 0s, 0).detail, "no database");
  EXPECT_THAT(judge({.status = 302}, 1, 0s, 0).detail, HasSubstr("redirects are not followed"));
  EXPECT_EQ(judge({.failure = "no route"}, 1, 0s, 0).detail, "no route");
  EXPECT_EQ(judge({.status = 500}, 1, 0s, 0).detail, "it answered 500 and nothing else");
  EXPECT_EQ(printable(std::string_view("a\0\xff b\r\n", 7), 100), "a?? b");
  EXPECT_EQ(printable(std::string(2000, 'x'), 500).size(), 500U);
}

}  // namespace
}  // namespace souk::notification::webhooks
