#include "rules.hpp"

#include <gtest/gtest.h>

#include "revocations.hpp"

namespace souk::session {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Timestamp noon{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + hours(12)};
const Uuid anna = Uuid::v7();
const Uuid bert = Uuid::v7();

Session session_of(Uuid user, std::string id, Timestamp created) {
  return {.id = std::move(id), .user_id = user, .created_at = created, .last_accessed_at = created};
}

TEST(SessionRules, ATokenHas256BitsAndIsNeverMadeTwice) {
  const auto token = rules::new_token();
  EXPECT_EQ(token.size(), 43U);
  EXPECT_NE(token, rules::new_token());
  EXPECT_TRUE(rules::well_formed(token));
}

TEST(SessionRules, ThePublicIdIsAHashOfTheToken) {
  // SHA-256 of "abc" (FIPS 180-2), in base64url.
  EXPECT_EQ(rules::session_id_of("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
  EXPECT_TRUE(rules::well_formed(rules::session_id_of("abc")));
}

TEST(SessionRules, WhatCannotBeATokenIsNotLookedUp) {
  const auto token = rules::new_token();
  for (const auto& wrong : {std::string(), token.substr(1), token + "x", "*" + token.substr(1),
                            std::string("\0", 1) + token.substr(1), std::string(100'000, 'a')}) {
    EXPECT_FALSE(rules::well_formed(wrong));
  }
}

TEST(SessionRules, AUserAgentIsPrintableAndShort) {
  EXPECT_EQ(rules::clean_user_agent("Mozilla/5.0 (X11)"), "Mozilla/5.0 (X11)");
  EXPECT_EQ(rules::clean_user_agent("a\r\nb\xff\x01"), "a??b??");
  EXPECT_EQ(rules::clean_user_agent(std::string(10'000, 'a')).size(), rules::max_user_agent);
}

TEST(SessionRules, ASessionIsRestartedAtMostOnceAMinute) {
  const auto session = session_of(anna, "s", noon);
  EXPECT_FALSE(rules::must_restart(session, noon + seconds(59)));
  EXPECT_TRUE(rules::must_restart(session, noon + seconds(60)));
}

TEST(Revocations, OneSessionIsRevokedAndTheOthersAreNot) {
  Revocations revocations;
  revocations.add_session("a", noon, noon);
  EXPECT_TRUE(revocations.revoked(session_of(anna, "a", noon)));
  EXPECT_FALSE(revocations.revoked(session_of(anna, "b", noon)));
}

TEST(Revocations, AllOfAUserMadeBeforeAMomentAreRevokedButForOne) {
  Revocations revocations;
  revocations.add_user(anna, "kept", noon, noon);
  EXPECT_TRUE(revocations.revoked(session_of(anna, "a", noon - std::chrono::microseconds(1))));
  EXPECT_FALSE(revocations.revoked(session_of(anna, "a", noon)));
  EXPECT_FALSE(revocations.revoked(session_of(anna, "kept", noon - seconds(9))));
  EXPECT_FALSE(revocations.revoked(session_of(bert, "a", noon - seconds(9))));
}

TEST(Revocations, ALaterOneDoesNotSpareWhatTheFirstSpared) {
  Revocations revocations;
  revocations.add_user(anna, "a", noon, noon);
  revocations.add_user(anna, "b", noon + seconds(1), noon + seconds(1));
  EXPECT_TRUE(revocations.revoked(session_of(anna, "a", noon - seconds(9))));
  EXPECT_TRUE(revocations.revoked(session_of(anna, "b", noon - seconds(9))));
  EXPECT_FALSE(revocations.revoked(session_of(anna, "b", noon)));
  // An event that comes once more, or late, changes nothing.
  revocations.add_user(anna, "a", noon, noon + seconds(2));
  EXPECT_TRUE(revocations.revoked(session_of(anna, "a", noon - seconds(9))));
  revocations.add_user(anna, std::nullopt, noon + seconds(5), noon + seconds(5));
  EXPECT_TRUE(revocations.revoked(session_of(anna, "b", noon)));
}

TEST(Revocations, WhatNoSessionCanOutliveIsForgotten) {
  Revocations revocations;
  revocations.add_session("old", noon - hours(26), noon);
  revocations.add_user(anna, std::nullopt, noon - hours(26), noon);
  EXPECT_EQ(revocations.size(), 0U);
  for (int i = 0; i < 1000; ++i) revocations.add_session(std::to_string(i), noon, noon);
  for (int i = 0; i < 100; ++i) revocations.add_session("x" + std::to_string(i), noon + hours(26), noon + hours(26));
  EXPECT_LE(revocations.size(), 100U);
  EXPECT_TRUE(revocations.revoked(session_of(anna, "x7", noon)));
}

}  // namespace
}  // namespace souk::session
