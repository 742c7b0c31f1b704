#include "core/money.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

namespace souk {
namespace {

TEST(Amount, ReadsAndWritesTwoDecimals) {
  for (const auto* text : {"0.00", "0.05", "12.50", "-0.05", "99999999.99", "-99999999.99"}) {
    EXPECT_EQ(Amount::parse(text)->to_string(), text);
  }
  EXPECT_EQ(Amount::parse("12")->minor(), 1200);
  EXPECT_EQ(Amount::parse("12.5")->minor(), 1250);
  EXPECT_EQ(Amount::parse("12.500")->minor(), 1250);
}

TEST(Amount, RefusesWhatItCannotHoldExactly) {
  for (const auto* text : {"", "-", ".", "1.", ".5", "1.005", "1e2", "1,5", " 1", "0x1", "--1"}) {
    ASSERT_FALSE(Amount::parse(text)) << text;
    EXPECT_EQ(Amount::parse(text).error().code, "amount.malformed") << text;
  }
  for (const auto* text : {"100000000", "99999999.995", "123456789012345678901234567890"}) {
    EXPECT_FALSE(Amount::parse(text)) << text;
  }
  EXPECT_EQ(Amount::parse("100000000.00").error().code, "amount.out_of_range");
}

TEST(Amount, ArithmeticThatOverflowsThrows) {
  const Amount largest(INT64_MAX);
  EXPECT_THROW(largest + Amount(1), std::overflow_error);
  EXPECT_THROW(Amount(INT64_MIN) - Amount(1), std::overflow_error);
  EXPECT_THROW(largest * 2, std::overflow_error);
  EXPECT_THROW(multiply_rounded(largest, 3, 2), std::overflow_error);
}

TEST(Amount, RoundsHalfAwayFromZero) {
  EXPECT_EQ(multiply_rounded(Amount(5), 1, 2), Amount(3));
  EXPECT_EQ(multiply_rounded(Amount(-5), 1, 2), Amount(-3));
  EXPECT_EQ(multiply_rounded(Amount(1000), 825, 10000), Amount(83));
  EXPECT_THROW(multiply_rounded(Amount(1), 1, 0), std::invalid_argument);
}

TEST(Amount, RoundingIsNeverOffByMoreThanHalfAUnit) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto minor = static_cast<std::int64_t>(random() % 20'000'000'000) - 10'000'000'000;
    const auto numerator = static_cast<std::int64_t>(random() % 30'000);
    const auto rounded = multiply_rounded(Amount(minor), numerator, 10'000);
    const auto difference = static_cast<__int128>(rounded.minor()) * 10'000 - static_cast<__int128>(minor) * numerator;
    EXPECT_LE(difference < 0 ? -difference : difference, 5'000);
  }
}

}  // namespace
}  // namespace souk
