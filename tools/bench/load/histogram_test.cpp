#include "histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace souk::load {
namespace {

TEST(Histogram, AnEmptyOneHasNoPercentiles) {
  const Histogram histogram;
  EXPECT_EQ(histogram.percentile(99), 0);
  EXPECT_EQ(histogram.mean(), 0.0);
}

TEST(Histogram, SmallDurationsAreExact) {
  Histogram histogram;
  for (std::uint64_t us = 1; us <= 100; ++us) histogram.add(us);
  EXPECT_EQ(histogram.percentile(50), 50);
  EXPECT_EQ(histogram.percentile(99), 99);
  EXPECT_EQ(histogram.percentile(100), 100);
  EXPECT_EQ(histogram.max(), 100);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, PercentilesAreAtMostOnePartIn64TooHighAndNeverTooLow) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> all;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const auto us = random() >> (24 + random() % 40);
    all.push_back(us);
    histogram.add(us);
  }
  std::ranges::sort(all);
  for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto place = static_cast<std::size_t>(std::ceil(percent / 100.0 * 20'000.0)) - 1;
    const auto told = histogram.percentile(percent);
    EXPECT_GE(told, all[place]) << percent;
    EXPECT_LE(told, all[place] + all[place] / 64 + 1) << percent;
  }
}

}  // namespace
}  // namespace souk::load
