#include "shopping.hpp"

#include <gtest/gtest.h>

namespace souk::load {
namespace {

using Step = Conversation::Step;

std::string asked(Conversation& conversation) {
  std::string out;
  conversation.ask(out);
  return out.substr(0, out.find(" HTTP/1.1"));
}

TEST(HttpReply, IsWholeWhenItsBodyIs) {
  EXPECT_EQ(parse_reply("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").status, 0);
  const auto reply = parse_reply("HTTP/1.1 201 Created\r\nX: y\r\nContent-Length:5\r\n\r\nabcde");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "abcde");
  EXPECT_EQ(parse_reply("HTTP/1.1 204 No Content\r\n\r\n").status, 204);
}

TEST(HttpReply, WithoutALengthIsNotUnderstood) {
  EXPECT_EQ(parse_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").status, -1);
  EXPECT_EQ(parse_reply("SSH-2.0-x\r\n\r\n").status, -1);
}

TEST(Buying, IsACartAnItemAndACheckout) {
  const auto guest = buying({{"p1", "v1"}}, 1, "run");
  EXPECT_EQ(asked(*guest), "POST /v1/carts");
  EXPECT_EQ(guest->hear(201, R"({"id": "c9","items":[]})"), Step::more);
  EXPECT_EQ(asked(*guest), "POST /v1/carts/c9/items");
  EXPECT_EQ(guest->hear(201, "{}"), Step::more);
  EXPECT_EQ(asked(*guest), "POST /v1/carts/c9/checkout");
  EXPECT_EQ(guest->hear(201, R"({"order_number":"1"})"), Step::done);
  EXPECT_EQ(asked(*guest), "POST /v1/carts");
}

TEST(Buying, WhatIsNotAnOrderIsAFailureAndTheNextGuestStartsAnew) {
  const auto guest = buying({{"p1", ""}}, 1, "run");
  EXPECT_EQ(guest->hear(201, R"({"id":"c"})"), Step::more);
  EXPECT_EQ(guest->hear(200, "{}"), Step::more);
  EXPECT_EQ(guest->hear(202, R"({"checkout":{}})"), Step::failed);
  EXPECT_EQ(asked(*guest), "POST /v1/carts");
}

TEST(Buying, NoTwoPurchasesShareAKey) {
  const auto one = buying({{"p", ""}}, 1, "run");
  const auto key = [](Conversation& guest) {
    std::string out;
    guest.hear(201, R"({"id":"c"})");
    guest.hear(201, "{}");
    guest.ask(out);
    guest.hear(201, R"({"order_number":"1"})");
    return out.substr(out.find("Idempotency-Key"), 40);
  };
  const auto first = key(*one);
  EXPECT_NE(first, key(*one));
  const auto two = buying({{"p", ""}}, 2, "run");
  EXPECT_NE(first, key(*two));
}

TEST(Adding, MakesItsCartsFirst) {
  const auto customer = adding({{"p", ""}}, 1);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(asked(*customer), "POST /v1/carts");
    EXPECT_EQ(customer->hear(201, R"({"id":"c"})"), Step::prepared);
  }
  EXPECT_EQ(asked(*customer), "POST /v1/carts/c/items");
  EXPECT_EQ(customer->hear(201, "{}"), Step::done);
  EXPECT_EQ(customer->hear(503, "{}"), Step::failed);
}

}  // namespace
}  // namespace souk::load
