#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace souk {

// An amount of money in hundredths of its currency, which stands beside it. Whatever is DECIMAL(10,2) in the database.
// Sums and products that leave the range throw std::overflow_error: they are our mistake, input is bounded before.
class Amount {
 public:
  // DECIMAL(10,2) ends at 99,999,999.99.
  static constexpr std::int64_t max_minor = 9'999'999'999;

  constexpr Amount() = default;
  constexpr explicit Amount(std::int64_t minor) : minor_(minor) {}

  // "12", "12.5", "-0.05": at most two decimals, at most 99,999,999.99 either way; nothing is rounded.
  static Result<Amount> parse(std::string_view text);

  constexpr std::int64_t minor() const { return minor_; }
  std::string to_string() const;  // always two decimals: "12.50"

  Amount operator+(Amount other) const;
  Amount operator-(Amount other) const;
  Amount operator*(std::int64_t factor) const;
  Amount operator-() const { return Amount(-minor_); }
  Amount& operator+=(Amount other) { return *this = *this + other; }
  Amount& operator-=(Amount other) { return *this = *this - other; }
  constexpr auto operator<=>(const Amount&) const = default;

 private:
  std::int64_t minor_ = 0;
};

// amount × numerator ÷ denominator, rounded half away from zero: the one rounding rule of the platform.
Amount multiply_rounded(Amount amount, std::int64_t numerator, std::int64_t denominator);

}  // namespace souk
