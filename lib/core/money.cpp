#include "core/money.hpp"

#include <cstdlib>
#include <stdexcept>

namespace souk {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Refusal not_an_amount() {
  return refuse(ErrorKind::invalid, "amount.malformed", "must be a decimal number with at most two decimals");
}

}  // namespace

Result<Amount> Amount::parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto decimals = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && decimals.empty())) return not_an_amount();
  std::int64_t minor = 0;
  for (const char c : whole) {
    if (!is_digit(c)) return not_an_amount();
    minor = minor * 10 + (c - '0');
    if (minor > max_minor) break;
  }
  std::size_t places = 0;
  for (const char c : decimals) {
    if (!is_digit(c)) return not_an_amount();
    // "1.500" is 1.50; "1.005" has no exact amount.
    if (places >= 2 && c != '0') return not_an_amount();
    if (places < 2 && minor <= max_minor) minor = minor * 10 + (c - '0');
    ++places;
  }
  for (; places < 2 && minor <= max_minor; ++places) minor *= 10;
  if (minor > max_minor) return refuse(ErrorKind::invalid, "amount.out_of_range", "must be at most 99999999.99");
  return Amount(negative ? -minor : minor);
}

std::string Amount::to_string() const {
  const auto magnitude = minor_ < 0 ? 0 - static_cast<std::uint64_t>(minor_) : static_cast<std::uint64_t>(minor_);
  std::string text = std::to_string(magnitude);
  if (text.size() < 3) text.insert(0, 3 - text.size(), '0');
  text.insert(text.size() - 2, 1, '.');
  if (minor_ < 0) text.insert(0, 1, '-');
  return text;
}

Amount Amount::operator+(Amount other) const {
  std::int64_t sum;
  if (__builtin_add_overflow(minor_, other.minor_, &sum)) throw std::overflow_error("amount");
  return Amount(sum);
}

Amount Amount::operator-(Amount other) const {
  std::int64_t difference;
  if (__builtin_sub_overflow(minor_, other.minor_, &difference)) throw std::overflow_error("amount");
  return Amount(difference);
}

Amount Amount::operator*(std::int64_t factor) const {
  std::int64_t product;
  if (__builtin_mul_overflow(minor_, factor, &product)) throw std::overflow_error("amount");
  return Amount(product);
}

Amount multiply_rounded(Amount amount, std::int64_t numerator, std::int64_t denominator) {
  if (denominator <= 0) throw std::invalid_argument("denominator must be positive");
  const auto product = static_cast<__int128>(amount.minor()) * numerator;
  const auto half = static_cast<__int128>(denominator) / 2;
  const auto rounded = product >= 0 ? (product + half) / denominator : -((-product + half) / denominator);
  if (rounded > INT64_MAX || rounded < INT64_MIN) throw std::overflow_error("amount");
  return Amount(static_cast<std::int64_t>(rounded));
}

}  // namespace souk
