#include "rules.hpp"

#include <gtest/gtest.h>

namespace souk::user::rules {
namespace {

using std::chrono::hours, std::chrono::seconds;

Register anna() {
  return {.email = "anna@example.com", .password = "correct horse", .first_name = "Anna", .last_name = "Berg"};
}

NewAddress home() {
  return {.full_name = "Anna Berg",
          .phone = "+1 555 010 9999",
          .address_line1 = "1 Main Street",
          .city = "Springfield",
          .country = "US"};
}

TEST(UserRules, AnEmailIsWhatTheSpecificationsCheckTakes) {
  for (const auto* good : {"a@b.co", "Anna.Berg+shop@mail.example.com", "x_%-@a-b.museum"}) {
    EXPECT_TRUE(valid_email(good)) << good;
  }
  for (const auto* bad : {"", "a", "@b.co", "a@", "a@b", "a@b.c", "a@.co", "a b@c.de", "a@b@c.de", "a@b.c0",
                          "ä@example.com", "a@example.com\n", "a@exa mple.com"}) {
    EXPECT_FALSE(valid_email(bad)) << bad;
  }
  EXPECT_FALSE(valid_email(std::string(250, 'a') + "@example.com"));
}

TEST(UserRules, ARegistrationNamesEveryWrongField) {
  EXPECT_TRUE(check_registration(anna()));
  auto wrong = anna();
  wrong.email = "nobody";
  wrong.password = "short";
  wrong.first_name = " ";
  wrong.last_name = "two\nlines";
  wrong.phone = "call me";
  const auto refused = check_registration(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  std::vector<std::string> fields;
  for (const auto& error : refused.error().errors) fields.push_back(error.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"email", "password", "first_name", "last_name", "phone"}));
}

TEST(UserRules, APasswordIsNotTheEmailInWhateverCase) {
  auto account = anna();
  account.password = "ANNA@example.com";
  const auto refused = check_registration(account);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "auth.password_is_email");
}

TEST(UserRules, AnAddressMayHaveNoStateAndNoPostalCode) {
  auto address = home();
  EXPECT_TRUE(check_address(address));
  address.state = "";
  address.postal_code = "";
  EXPECT_TRUE(check_address(address));
}

TEST(UserRules, AnAddressIsTrimmedAndItsCountryWrittenInUpperCase) {
  auto address = home();
  address.full_name = "  Anna Berg ";
  address.country = "de";
  ASSERT_TRUE(check_address(address));
  EXPECT_EQ(address.full_name, "Anna Berg");
  EXPECT_EQ(address.country, "DE");
}

TEST(UserRules, AnAddressInNoCountryIsRefused) {
  for (const auto* country : {"XX", "U ", "12", "ZZ", "U"}) {
    auto address = home();
    address.country = country;
    EXPECT_FALSE(check_address(address)) << country;
  }
  PatchedAddress changes{.city = "Lyon", .country = "QQ"};
  const auto refused = check_address(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errors.at(0).field, "country");
}

TEST(UserRules, AnAccountClosesAtTheFifthFailureForTwiceAsLongEachTime) {
  EXPECT_EQ(closed_after(0), seconds(0));
  EXPECT_EQ(closed_after(4), seconds(0));
  EXPECT_EQ(closed_after(5), seconds(30));
  EXPECT_EQ(closed_after(6), seconds(60));
  EXPECT_EQ(closed_after(11), seconds(1920));
  EXPECT_EQ(closed_after(12), hours(1));
  EXPECT_EQ(closed_after(1'000'000'000), hours(1));
}

TEST(UserRules, FailuresAreCountedByEmailInAnyCaseAndByNetwork) {
  EXPECT_EQ(account_subject("Anna@Example.com"), account_subject("anna@example.com"));
  EXPECT_NE(account_subject("anna@example.com"), account_subject("bert@example.com"));
  EXPECT_EQ(address_subject("192.0.2.1"), "address:192.0.2.1");
  EXPECT_EQ(address_subject("2001:db8::1"), address_subject("2001:db8::ffff:1"));
  EXPECT_NE(address_subject("2001:db8::1"), address_subject("2001:db8:0:1::1"));
  EXPECT_LE(account_subject(std::string(255, 'x')).size(), 80U);
  EXPECT_LE(address_subject(std::string(300, 'x')).size(), 80U);
}

TEST(UserRules, OnlyAddressesAreStoredAsAddresses) {
  EXPECT_EQ(clean_ip("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(clean_ip("fe80::1%eth0"), "fe80::1");
  EXPECT_FALSE(clean_ip(""));
  EXPECT_FALSE(clean_ip("unix"));
}

TEST(UserRules, ASealedSuccessorIsReadWithItsPredecessorOnly) {
  const auto token = new_refresh_token();
  const auto successor = new_refresh_token();
  const auto sealed = seal_successor(token, successor);
  EXPECT_NE(sealed, successor);
  EXPECT_EQ(unseal_successor(token, sealed), successor);
  EXPECT_NE(unseal_successor(new_refresh_token(), sealed), successor);
  EXPECT_FALSE(unseal_successor(token, ""));
  EXPECT_TRUE(well_formed_token(token));
  EXPECT_FALSE(well_formed_token(token + "x"));
}

TEST(UserRules, ARefreshTokenIsFreshOnceThenJustUsedThenReused) {
  const auto time = now();
  const auto later = time + hours(1);
  EXPECT_EQ(state_of({.expires_at = later}, time), TokenState::fresh);
  EXPECT_EQ(state_of({.expires_at = time}, time), TokenState::over);
  EXPECT_EQ(state_of({.expires_at = later, .used_at = time - seconds(10)}, time), TokenState::just_used);
  EXPECT_EQ(state_of({.expires_at = later, .used_at = time - seconds(11)}, time), TokenState::reused);
  EXPECT_EQ(state_of({.expires_at = later, .used_at = time, .revoked_at = time}, time), TokenState::over);
}

TEST(UserRules, OneActsForOneselfAdminsAndServicesForAll) {
  const auto id = Uuid::v7();
  EXPECT_TRUE(may_act_for({.kind = Caller::Kind::customer, .user_id = id}, id));
  EXPECT_TRUE(may_act_for({.kind = Caller::Kind::admin, .user_id = Uuid::v7()}, id));
  EXPECT_TRUE(may_act_for({.kind = Caller::Kind::service, .name = "order"}, id));
  EXPECT_FALSE(may_act_for({.kind = Caller::Kind::customer, .user_id = Uuid::v7()}, id));
  EXPECT_FALSE(may_act_for({}, id));
}

}  // namespace
}  // namespace souk::user::rules
