#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "json/json.hpp"

namespace souk::pg {

// The parameters of one execution, in PostgreSQL's text format.
class Params {
 public:
  template <class... Args>
  static Params of(const Args&... args) {
    Params params;
    params.values_.reserve(sizeof...(Args));
    (params.add(args), ...);
    return params;
  }

  // Takes what Row::get gives: strings, numbers, bool, Uuid, Amount, Timestamp, json::Raw, described enums (their
  // names), std::optional (NULL when empty) and std::vector (an array).
  template <class T>
  void add(const T& value) {
    if constexpr (json::is_optional<T>) {
      if (value) {
        add(*value);
      } else {
        values_.push_back(std::nullopt);
      }
    } else {
      values_.push_back(encode(value));
    }
  }

  void add(std::nullopt_t) { values_.push_back(std::nullopt); }

  std::size_t size() const { return values_.size(); }
  const std::optional<std::string>& operator[](std::size_t index) const { return values_[index]; }

 private:
  static std::string encode(std::string_view value) { return std::string(value); }
  static std::string encode(const std::string& value) { return value; }
  static std::string encode(const char* value) { return value; }
  static std::string encode(bool value) { return value ? "t" : "f"; }
  static std::string encode(const Uuid& value) { return value.to_string(); }
  static std::string encode(Amount value) { return value.to_string(); }
  static std::string encode(Timestamp value) { return to_rfc3339(value); }
  static std::string encode(const json::Raw& value) { return value.text; }
  template <class T>
    requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
  static std::string encode(T value) {
    // Not json::write: PostgreSQL takes "nan" and "inf", JSON has neither.
    char digits[40];
    return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
  }
  template <std::int64_t Min, std::int64_t Max>
  static std::string encode(json::Int<Min, Max> value) {
    return std::to_string(value.value);
  }
  template <json::DescribedEnum E>
  static std::string encode(E value) {
    return std::string(json::enum_name(value));
  }
  template <class T>
  static std::string encode(const std::vector<T>& values) {
    std::string out = "{";
    for (const auto& value : values) {
      if (out.size() > 1) out.push_back(',');
      if constexpr (json::is_optional<T>) {
        if (!value) {
          out += "NULL";
          continue;
        }
        append_element(out, encode(*value));
      } else {
        append_element(out, encode(value));
      }
    }
    out.push_back('}');
    return out;
  }
  static void append_element(std::string& out, std::string_view element);

  std::vector<std::optional<std::string>> values_;
};

}  // namespace souk::pg
