#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace souk::json {

// A string of Min … Max bytes of UTF-8; the reader refuses others and the schema says so. Holds it otherwise like any
// string. Without NUL, which PostgreSQL cannot store.
template <std::size_t Min, std::size_t Max>
struct Text : std::string {
  static constexpr std::size_t min_length = Min;
  static constexpr std::size_t max_length = Max;

  using std::string::string;
  Text(std::string text) : std::string(std::move(text)) {}  // NOLINT: converts on purpose
  Text(std::string_view text) : std::string(text) {}        // NOLINT
};

// A whole number from Min to Max.
template <std::int64_t Min, std::int64_t Max>
struct Int {
  static constexpr std::int64_t min = Min;
  static constexpr std::int64_t max = Max;

  std::int64_t value = Min;

  constexpr Int() = default;
  constexpr Int(std::int64_t number) : value(number) {}      // NOLINT: converts on purpose
  constexpr operator std::int64_t() const { return value; }  // NOLINT
};

// JSON that is carried as it is: a document stored elsewhere, a gateway's reply.
struct Raw {
  std::string text = "null";

  bool operator==(const Raw&) const = default;
};

}  // namespace souk::json
