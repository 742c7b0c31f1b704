#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace souk::load {

// Counts of durations in buckets that grow with their value, as HdrHistogram's do: exact below 128 µs, from there on at
// most 1.6 % wide. Everything from a microsecond to hours is kept in a few kilobytes.
class Histogram {
 public:
  void add(std::uint64_t us) {
    const auto bucket = bucket_of(us);
    if (bucket >= counts_.size()) counts_.resize(bucket + 1);
    ++counts_[bucket];
    ++count_;
    sum_ += us;
    max_ = std::max(max_, us);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }

  // The duration that `percent` of all do not exceed: the upper end of its bucket, never above max(). 0 when empty.
  std::uint64_t percentile(double percent) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(percent / 100.0 * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen >= std::max<std::uint64_t>(wanted, 1)) return std::min(end_of(bucket), max_);
    }
    return max_;
  }

 private:
  static constexpr std::uint64_t exact = 128;
  static constexpr std::uint64_t half = exact / 2;  // buckets a power of two

  static std::size_t bucket_of(std::uint64_t us) {
    if (us < exact) return us;
    const auto shift = static_cast<std::uint64_t>(std::bit_width(us)) - 7;
    return exact + (shift - 1) * half + (us >> shift) - half;
  }
  static std::uint64_t end_of(std::size_t bucket) {
    if (bucket < exact) return bucket;
    const auto shift = (bucket - exact) / half + 1;
    const auto top = (bucket - exact) % half + half;
    return ((top + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace souk::load
