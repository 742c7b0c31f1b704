#include "gateways/stripe_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace souk::payment::stripe {
namespace {

using namespace std::chrono_literals;

const std::string body = R"({"id": "evt_1", "type": "ping"})";
// Computed by another implementation, for the time 1700000000.
const std::string mac = "d33af3fc5599b5fbdbf1c817a988c5269e91f84c75682150956b4dd402297fe5";      // whsec_test
const std::string new_mac = "8604405dda108b81996762c1a0213db3ad66096529fec9fe4671c5cb10b2a534";  // whsec_new
constexpr Timestamp at{1'700'000'000s};

bool check(const std::string& header, std::string_view text = body, Timestamp now = at,
           const std::vector<std::string>& secrets = {"whsec_test"}) {
  return is_signed(header, text, secrets, now);
}

TEST(StripeSignature, ASignedBodyIsTaken) {
  EXPECT_TRUE(check("t=1700000000,v1=" + mac));
  EXPECT_TRUE(check("t=1700000000, v1=" + mac + ", v0=6ffbb59b2300aae63f272406069a9788"));
  EXPECT_TRUE(check("v1=" + mac + ",t=1700000000"));
}

TEST(StripeSignature, WhileASecretIsReplacedEitherIsTaken) {
  EXPECT_TRUE(check("t=1700000000,v1=" + new_mac + ",v1=" + mac));
  EXPECT_TRUE(check("t=1700000000,v1=" + new_mac, body, at, {"whsec_test", "whsec_new"}));
  EXPECT_FALSE(check("t=1700000000,v1=" + new_mac));
}

TEST(StripeSignature, AnOldOneAndOneOfTheFutureAreRefused) {
  EXPECT_TRUE(check("t=1700000000,v1=" + mac, body, at + 5min));
  EXPECT_TRUE(check("t=1700000000,v1=" + mac, body, at - 5min));
  EXPECT_FALSE(check("t=1700000000,v1=" + mac, body, at + 5min + 1s));
  EXPECT_FALSE(check("t=1700000000,v1=" + mac, body, at - 5min - 1s));
}

TEST(StripeSignature, WhatIsForgedIsRefused) {
  const std::string headers[] = {"",
                                 "t=1700000000",
                                 "v1=" + mac,
                                 "t=1700000000,v0=" + mac,
                                 "t=1700000000,v1=",
                                 "t=1700000001,v1=" + mac,
                                 "t=,v1=" + mac,
                                 "t=1700000000x,v1=" + mac,
                                 "t=-1,v1=" + mac,
                                 "t=99999999999999999999,v1=" + mac,
                                 "t=9223372036854775807,v1=" + mac,
                                 "t=1700000000,t=1700000001,v1=" + mac,
                                 "t=1700000000,v1=" + mac.substr(1),
                                 "t=1700000000,v1=" + std::string(64, '0'),
                                 std::string(10'000, ',')};
  for (const auto& header : headers) EXPECT_FALSE(check(header)) << header.substr(0, 100);
  EXPECT_FALSE(check("t=1700000000,v1=" + mac, body + " "));
  EXPECT_FALSE(check("t=1700000000,v1=" + mac, ""));
  EXPECT_FALSE(check("t=1700000000,v1=" + mac, body, at, {}));
}

TEST(StripeEvent, TellsWhichPaymentItIsAbout) {
  const auto intent = read_event(
      R"({"id":"evt_2","type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent","id":"pi_1",)"
      R"("amount":1234,"currency":"usd","metadata":{"order_id":"o"}}}})");
  ASSERT_TRUE(intent);
  EXPECT_EQ(intent->payment_id, "pi_1");
  EXPECT_EQ(intent->key, "o");
  EXPECT_EQ(intent->amount, Amount(1234));
  EXPECT_EQ(intent->currency, "USD");
  const auto refund =
      read_event(R"({"id":"evt_3","type":"refund.updated","data":{"object":{"object":"refund","id":"re_1","amount":5,)"
                 R"("payment_intent":"pi_1","metadata":{}}}})");
  ASSERT_TRUE(refund);
  EXPECT_EQ(refund->payment_id, "pi_1");
  EXPECT_FALSE(refund->amount);
}

TEST(StripeEvent, WhatIsAboutNothingOfOursIsReadAllTheSame) {
  const auto event = read_event(R"({"id":"evt_4","type":"customer.created","data":{"object":{"id":7}}})");
  ASSERT_TRUE(event);
  EXPECT_FALSE(event->payment_id);
}

TEST(StripeEvent, WhatIsNoEventIsRefused) {
  const char* bodies[] = {
      "",
      "null",
      "[]",
      "{",
      R"({"type":"payment_intent.succeeded"})",
      R"({"id":"","type":"x"})",
      R"({"id":"evt_5","type":"payment_intent.succeeded","data":{"object":7}})",
      R"({"id":"evt_6","type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent"}}})"};
  for (const auto* text : bodies) EXPECT_FALSE(read_event(text)) << text;
}

}  // namespace
}  // namespace souk::payment::stripe
