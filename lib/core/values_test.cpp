#include <gtest/gtest.h>

#include "core/card_number.hpp"
#include "core/crypto.hpp"
#include "core/random.hpp"
#include "core/settings.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"

namespace souk {
namespace {

TEST(UuidText, RoundTripsAndRefusesOtherText) {
  const auto id = Uuid::v7();
  EXPECT_EQ(Uuid::parse(id.to_string()), id);
  EXPECT_EQ(Uuid::parse("019AB2F0-0000-7000-8000-00000000000A")->to_string(), "019ab2f0-0000-7000-8000-00000000000a");
  for (const auto* text : {"", "019ab2f0", "019ab2f000007000800000000000000a", "019ab2f0-0000-7000-8000-00000000000g",
                           "{19ab2f0-0000-7000-8000-00000000000a}"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
  }
}

TEST(UuidVersion7, SortsByTimeAndCarriesVersionAndVariant) {
  const auto text = Uuid::v7().to_string();
  EXPECT_EQ(text[14], '7');
  EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos);
  EXPECT_NE(Uuid::v7(), Uuid::v7());
}

TEST(TimestampText, RoundTripsWithTheFractionItNeeds) {
  for (const auto* text :
       {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.123Z", "2026-03-01T12:00:00.123456Z", "1969-12-31T23:59:59Z"}) {
    EXPECT_EQ(to_rfc3339(*parse_timestamp(text)), text);
  }
}

TEST(TimestampText, UnderstandsOffsetsAndPostgresql) {
  EXPECT_EQ(to_rfc3339(*parse_timestamp("2026-03-01T12:00:00+05:30")), "2026-03-01T06:30:00Z");
  EXPECT_EQ(to_rfc3339(*parse_timestamp("2026-03-01 12:00:00.5")), "2026-03-01T12:00:00.500Z");
  for (const auto* text : {"", "2026-03-01", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:00:00Zx",
                           "2026-03-01T12:00:00.Z", "2026-3-1T12:00:00Z"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(Base64Url, RoundTripsAndRefusesNonCanonicalText) {
  for (std::size_t length = 0; length < 40; ++length) {
    std::vector<std::uint8_t> bytes(length);
    random_bytes(bytes);
    const auto decoded = from_base64url(base64url(bytes));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, std::string(bytes.begin(), bytes.end()));
  }
  // The last four bits of "AB" would be lost.
  for (const auto* text : {"A", "AB==", "A+B/", "AB"}) EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Crypto, KnownAnswers) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(CardNumber, IsSeenInEveryWayOfWritingIt) {
  // The test numbers of the card schemes: 13, 14, 15, 16 and 19 digits.
  for (const auto* text : {"4222222222222", "30569309025904", "378282246310005", "4242424242424242",
                           "6304000000000000000", "4242 4242 4242 4242", "4242-4242-4242-4242", "3782 822463 10005",
                           "tok_4242424242424242", "card4242424242424242", "no. 4242.4242.4242.4242, valid",
                           "4242 4242 4242 4242 123", "12/27 5555555555554444"}) {
    EXPECT_TRUE(has_card_number(text)) << text;
  }
}

TEST(CardNumber, IsNotSeenInTokensAndOtherNumbers) {
  for (const auto* text :
       {"", "4242424242424241", "424242424242", "tok_success", "pm_1MqLiJLkdIwHu7ixUEgbFdYF", "pay_29QQoUBi66xm2f",
        "5O190127TN364715T", "919876543210@upi", "019ab2f0-0000-7000-8000-000000000000", "0000000000000000",
        "42424242424242424242424242", "4242 4242 4242 4241"}) {
    EXPECT_FALSE(has_card_number(text)) << text;
  }
}

Setting<std::int64_t> test_number("SOUK_UNITTEST_NUMBER", "A number.", 5, 1, 10);
Setting<std::chrono::milliseconds> test_duration("SOUK_UNITTEST_DURATION", "A duration.", std::chrono::seconds(1),
                                                 std::chrono::milliseconds(1), std::chrono::hours(1));

std::vector<std::string> load(std::vector<const char*> environment) {
  environment.push_back(nullptr);
  return load_settings(environment.data(), {"SOUK_ELSEWHERE"});
}

TEST(Settings, AreReadWithinTheirBounds) {
  EXPECT_TRUE(load({"SOUK_UNITTEST_NUMBER=7", "SOUK_UNITTEST_DURATION=30m", "HOME=/", "SOUK_ELSEWHERE=x"}).empty());
  EXPECT_EQ(test_number.get(), 7);
  EXPECT_EQ(test_duration.get(), std::chrono::minutes(30));
}

TEST(Settings, WrongValuesAndMisspeltNamesAreToldInASentence) {
  EXPECT_EQ(load({"SOUK_UNITTEST_NUMBER=11"}),
            std::vector<std::string>{"SOUK_UNITTEST_NUMBER must be a whole number from 1 to 10, not '11'"});
  EXPECT_EQ(load({"SOUK_UNITTEST_NUMBER=1x", "SOUK_UNITTEST_DURATION=5"}).size(), 2u);
  EXPECT_EQ(load({"SOUK_UNITEST_NUMBER=1"}),
            std::vector<std::string>{"SOUK_UNITEST_NUMBER is not a setting; `souk settings` lists them"});
}

}  // namespace
}  // namespace souk
