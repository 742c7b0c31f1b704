#pragma once

#include <string_view>

namespace souk {

// Whether a text has what looks like the number of a payment card: 13 to 19 digits, the first one of an issuer of cards
// (ISO/IEC 7812-1: 2 to 6, and 8 for RuPay), the last one a valid check digit (Luhn), together or in groups. Such a
// text is never stored, logged or sent on (PCI DSS 3).
constexpr bool has_card_number(std::string_view text) {
  constexpr std::size_t shortest = 13;
  constexpr std::size_t longest = 19;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_gap = [](char c) { return c == ' ' || c == '-' || c == '.'; };
  for (std::size_t first = 0; first < text.size(); ++first) {
    if (!is_digit(text[first]) || (first > 0 && is_digit(text[first - 1]))) continue;
    if (text[first] < '2' || text[first] == '7' || text[first] == '9') continue;
    // The check runs from the right, so both ways of doubling are kept until the last digit is known.
    int sum[2] = {0, 0};
    std::size_t digits = 0;
    for (std::size_t at = first; at < text.size(); ++at) {
      if (!is_digit(text[at])) {
        if (is_gap(text[at]) && at + 1 < text.size() && is_digit(text[at + 1])) continue;
        break;
      }
      const int digit = text[at] - '0';
      const int doubled = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
      sum[digits % 2] += digit;
      sum[1 - digits % 2] += doubled;
      ++digits;
      const bool ends = at + 1 == text.size() || !is_digit(text[at + 1]);
      if (ends && digits >= shortest && digits <= longest && sum[(digits - 1) % 2] % 10 == 0) return true;
    }
  }
  return false;
}

}  // namespace souk
