#include "smtp_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "mime.hpp"

namespace souk::notification {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string sentence(const std::string& url) {
  try {
    SmtpOptions::parse(url);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(SmtpOptions, TheUrlNamesServerUserAndPassword) {
  const auto options = SmtpOptions::parse("smtp://shop%40example.com:p%3Aw%2Fd@mail.example.com:587");
  EXPECT_EQ(options.host, "mail.example.com");
  EXPECT_EQ(options.port, 587);
  EXPECT_FALSE(options.tls);
  EXPECT_EQ(options.user, "shop@example.com");
  EXPECT_EQ(options.password, "p:w/d");
  EXPECT_EQ(SmtpOptions::parse("smtp://mail.example.com").port, 25);
  const auto secure = SmtpOptions::parse("smtps://mail.example.com");
  EXPECT_EQ(secure.port, 465);
  EXPECT_TRUE(secure.tls);
  EXPECT_EQ(SmtpOptions::parse("smtp://[::1]:25").host, "[::1]");
}

TEST(SmtpOptions, WhatIsNoServerIsRefusedInASentenceWithoutThePassword) {
  for (const auto* url : {"", "mail.example.com:25:1", "http://u:secret@mail.example.com", "smtp://u:secret@host/path",
                          "smtp://u:secret@host:99999", "smtp://u:secret@ho st", "smtp://u:secret@host?x=1"}) {
    EXPECT_THAT(sentence(url), HasSubstr("SOUK_SMTP_URL")) << url;
    EXPECT_THAT(sentence(url), Not(HasSubstr("secret"))) << url;
  }
}

TEST(SmtpOptions, APasswordIsNotSentInTheClearToAnotherMachine) {
  auto options = SmtpOptions::parse("smtp://u:p@mail.example.com");
  options.sender = "shop@example.com";
  options.require_starttls = false;
  EXPECT_THROW(SmtpTransport{options}, std::invalid_argument);
  options.require_starttls = true;
  EXPECT_NO_THROW(SmtpTransport{options});
}

TEST(SmtpOptions, TheSenderHasAnAddress) {
  EXPECT_EQ(smtp::address_of("Souk <shop@example.com>"), "shop@example.com");
  EXPECT_EQ(smtp::address_of("shop@example.com"), "shop@example.com");
  for (const auto* sender : {"", "Souk", "Souk <>", "a@b\r\nRCPT TO:<c@d>", "<a@b> <c d@e>"}) {
    EXPECT_THROW(smtp::address_of(sender), std::invalid_argument) << sender;
  }
}

TEST(SmtpJudge, OnlyARefusalOfThisVeryMailIsFinal) {
  struct Case {
    const char* verb;
    int code;
    Outcome outcome;
  };
  for (const auto& [verb, code, outcome] :
       {Case{"", 554, Outcome::try_again},  // greeting: not now, not us
        Case{"EHLO", 502, Outcome::try_again}, Case{"STARTTLS", 454, Outcome::try_again},
        Case{"AUTH", 535, Outcome::try_again},  // our password
        Case{"MAIL", 550, Outcome::try_again},  // our sender
        Case{"RCPT", 450, Outcome::try_again}, Case{"RCPT", 530, Outcome::try_again},
        Case{"RCPT", 550, Outcome::refused}, Case{"DATA", 451, Outcome::try_again}, Case{"DATA", 552, Outcome::refused},
        Case{"DATA", 354, Outcome::try_again},  // the line broke after it
        Case{"DATA", 0, Outcome::try_again}}) {
    const auto delivery = smtp::judge({.verb = verb, .reply = "said so", .code = code, .failure = "the line broke"});
    EXPECT_EQ(delivery.outcome, outcome) << verb << " " << code;
    EXPECT_EQ(delivery.why, code >= 400 ? "said so" : "the line broke") << verb << " " << code;
  }
  EXPECT_EQ(smtp::judge({.verb = "DATA", .code = 250, .finished = true}).outcome, Outcome::taken);
}

TEST(SmtpSender, OnlyTheNameIsEncoded) {
  EXPECT_EQ(mime::encode_sender("Souk <shop@example.com>"), "Souk <shop@example.com>");
  EXPECT_EQ(mime::encode_sender("Grüße <shop@example.com>"), "=?utf-8?B?R3LDvMOfZQ==?= <shop@example.com>");
  EXPECT_EQ(mime::encode_sender("shop@example.com"), "shop@example.com");
}

}  // namespace
}  // namespace souk::notification
