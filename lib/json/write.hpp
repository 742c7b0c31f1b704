#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <charconv>
#include <cmath>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/money.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/types.hpp"

namespace souk::json {

template <class T>
concept Described = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <class T>
concept DescribedEnum = boost::describe::has_describe_enumerators<T>::value;
template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// Appends `text` as a JSON string. Invalid UTF-8 must have been refused where it came in.
void write_string(std::string& out, std::string_view text);

// The name of an enumerator, spelled as on the wire.
template <DescribedEnum E>
std::string_view enum_name(E value) {
  std::string_view name = "";
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    if (enumerator.value == value) name = enumerator.name;
  });
  return name;
}

template <DescribedEnum E>
std::optional<E> enum_from(std::string_view text) {
  std::optional<E> value;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    if (text == enumerator.name) value = enumerator.value;
  });
  return value;
}

inline void write_value(std::string& out, std::string_view value) { write_string(out, value); }
inline void write_value(std::string& out, const std::string& value) { write_string(out, value); }
inline void write_value(std::string& out, const char* value) { write_string(out, value); }
inline void write_value(std::string& out, const Uuid& value) { write_string(out, value.to_string()); }
inline void write_value(std::string& out, Timestamp value) { write_string(out, to_rfc3339(value)); }
inline void write_value(std::string& out, Amount value) { out += value.to_string(); }
inline void write_value(std::string& out, const Raw& value) { out += value.text; }

template <class T>
  requires std::is_arithmetic_v<T>
void write_value(std::string& out, T value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else {
    if constexpr (std::floating_point<T>) {
      if (!std::isfinite(value)) {
        out += "null";
        return;
      }
    }
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
  }
}

template <std::int64_t Min, std::int64_t Max>
void write_value(std::string& out, Int<Min, Max> value) {
  write_value(out, value.value);
}
template <std::size_t Min, std::size_t Max>
void write_value(std::string& out, const Text<Min, Max>& value) {
  write_string(out, value);
}
template <DescribedEnum E>
void write_value(std::string& out, E value) {
  write_string(out, enum_name(value));
}
template <class T>
void write_value(std::string& out, const std::optional<T>& value);
template <class T>
void write_value(std::string& out, const std::vector<T>& values);
template <class T>
void write_value(std::string& out, const std::map<std::string, T>& values);

// Members in the order of their declaration; an empty optional is left out.
template <Described T>
void write_value(std::string& out, const T& value) {
  char separator = '{';
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    const auto& field = value.*member.pointer;
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (is_optional<Field>) {
      if (!field) return;
    }
    out.push_back(separator);
    separator = ',';
    out.push_back('"');
    out += member.name;
    out += "\":";
    write_value(out, field);
  });
  if (separator == '{') out.push_back('{');
  out.push_back('}');
}

template <class T>
void write_value(std::string& out, const std::optional<T>& value) {
  if (value) {
    write_value(out, *value);
  } else {
    out += "null";
  }
}

template <class T>
void write_value(std::string& out, const std::vector<T>& values) {
  out.push_back('[');
  bool first = true;
  for (const T& value : values) {
    if (!first) out.push_back(',');
    first = false;
    write_value(out, value);
  }
  out.push_back(']');
}

template <class T>
void write_value(std::string& out, const std::map<std::string, T>& values) {
  char separator = '{';
  for (const auto& [key, value] : values) {
    out.push_back(separator);
    separator = ',';
    write_string(out, key);
    out.push_back(':');
    write_value(out, value);
  }
  if (separator == '{') out.push_back('{');
  out.push_back('}');
}

template <class T>
std::string write(const T& value) {
  std::string out;
  write_value(out, value);
  return out;
}

}  // namespace souk::json
