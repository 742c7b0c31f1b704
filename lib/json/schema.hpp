#pragma once

#include <concepts>
#include <map>
#include <string>
#include <string_view>

#include "json/write.hpp"

namespace souk::json {

// JSON Schema (2020-12) of described structs, as OpenAPI 3.1 wants it. Named types are collected once and referred to.
class Schemas {
 public:
  // The schema of T: inline for plain types, a reference into components() for structs.
  template <class T>
  std::string of();

  // Name -> schema, for "#/components/schemas/".
  const std::map<std::string, std::string>& components() const { return components_; }

 private:
  template <Described T>
  std::string of_struct();
  template <DescribedEnum T>
  static std::string of_enum();

  std::map<std::string, std::string> components_;
};

// "souk::order::Order" as "order.Order".
std::string component_name(std::string_view pretty_function);

template <class T>
std::string type_name() {
  return component_name(__PRETTY_FUNCTION__);
}

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
template <class T>
inline constexpr bool is_text = false;
template <std::size_t Min, std::size_t Max>
inline constexpr bool is_text<Text<Min, Max>> = true;
template <class T>
inline constexpr bool is_int = false;
template <std::int64_t Min, std::int64_t Max>
inline constexpr bool is_int<Int<Min, Max>> = true;

}  // namespace detail

template <class T>
std::string Schemas::of() {
  if constexpr (is_optional<T>) {
    return of<typename T::value_type>();
  } else if constexpr (detail::is_vector<T>) {
    return R"({"type":"array","items":)" + of<typename T::value_type>() + "}";
  } else if constexpr (detail::is_map<T>) {
    return R"({"type":"object","additionalProperties":)" + of<typename T::mapped_type>() + "}";
  } else if constexpr (detail::is_text<T>) {
    return R"({"type":"string","minLength":)" + std::to_string(T::min_length) + R"(,"maxLength":)" +
           std::to_string(T::max_length) + "}";
  } else if constexpr (detail::is_int<T>) {
    return R"({"type":"integer","minimum":)" + std::to_string(T::min) + R"(,"maximum":)" + std::to_string(T::max) + "}";
  } else if constexpr (std::same_as<T, bool>) {
    return R"({"type":"boolean"})";
  } else if constexpr (std::integral<T>) {
    return R"({"type":"integer"})";
  } else if constexpr (std::floating_point<T>) {
    return R"({"type":"number"})";
  } else if constexpr (std::same_as<T, Amount>) {
    return R"({"type":"number","multipleOf":0.01,"minimum":-99999999.99,"maximum":99999999.99})";
  } else if constexpr (std::same_as<T, Uuid>) {
    return R"({"type":"string","format":"uuid"})";
  } else if constexpr (std::same_as<T, Timestamp>) {
    return R"({"type":"string","format":"date-time"})";
  } else if constexpr (std::same_as<T, Raw>) {
    return "{}";
  } else if constexpr (DescribedEnum<T>) {
    return of_enum<T>();
  } else if constexpr (Described<T>) {
    return of_struct<T>();
  } else {
    static_assert(std::convertible_to<T, std::string_view>, "no JSON Schema for this type");
    return R"({"type":"string"})";
  }
}

template <DescribedEnum T>
std::string Schemas::of_enum() {
  std::string names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
    if (!names.empty()) names.push_back(',');
    write_string(names, enumerator.name);
  });
  return R"({"type":"string","enum":[)" + names + "]}";
}

template <Described T>
std::string Schemas::of_struct() {
  const std::string name = type_name<T>();
  std::string reference = R"({"$ref":"#/components/schemas/)" + name + "\"}";
  // The name goes in before the members are visited, so that a type may contain itself.
  if (!components_.emplace(name, "").second) return reference;
  std::string properties;
  std::string required;
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    using Field = std::remove_cvref_t<decltype(std::declval<T&>().*member.pointer)>;
    if (!properties.empty()) properties.push_back(',');
    write_string(properties, member.name);
    properties += ":" + of<Field>();
    if constexpr (!is_optional<Field>) {
      if (!required.empty()) required.push_back(',');
      write_string(required, member.name);
    }
  });
  std::string schema = R"({"type":"object","properties":{)" + properties + "}";
  if (!required.empty()) schema += R"(,"required":[)" + required + "]";
  components_[name] = schema + "}";
  return reference;
}

}  // namespace souk::json
