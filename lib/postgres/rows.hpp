#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/money.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/json.hpp"

struct pg_result;

namespace souk::pg {

class Rows;

// One row of a result. Columns are read by position, in the text format.
class Row {
 public:
  Row(const Rows& rows, int index) : rows_(&rows), index_(index) {}

  bool is_null(int column) const;
  std::string_view text(int column) const;  // valid while the Rows live

  // std::string, bool, int, std::int64_t, double, Amount, Uuid, Timestamp, json::Raw, described enums (by name),
  // json::Text, json::Int, std::vector of these (a PostgreSQL array), or std::optional of these for a column that may
  // be NULL. Throws std::runtime_error when the value does not fit: then the SQL and the code disagree.
  template <class T>
  T get(int column) const;

  // A described struct from consecutive columns, in the order of its members.
  template <json::Described T>
  T to(int first_column = 0) const;

 private:
  const Rows* rows_;
  int index_;
};

// The result of a statement; owns it.
class Rows {
 public:
  Rows() = default;                  // none
  explicit Rows(pg_result* result);  // takes ownership

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  Row operator[](std::size_t index) const { return Row(*this, static_cast<int>(index)); }
  Row front() const { return (*this)[0]; }
  // Rows changed by INSERT, UPDATE, DELETE.
  std::int64_t affected() const;
  pg_result* raw() const { return result_.get(); }

  class Iterator {
   public:
    Iterator(const Rows& rows, std::size_t index) : rows_(&rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  template <json::Described T>
  std::vector<T> to() const {
    std::vector<T> values;
    values.reserve(size());
    for (const Row row : *this) values.push_back(row.to<T>());
    return values;
  }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

// Elements of a PostgreSQL array in its text form: {a,"b c",NULL}.
std::vector<std::optional<std::string>> parse_array(std::string_view text);

namespace detail {

[[noreturn]] void bad_column(std::string_view text, std::string_view wanted);

void read_column(std::string_view text, std::string& out);
void read_column(std::string_view text, bool& out);
void read_column(std::string_view text, int& out);
void read_column(std::string_view text, std::int64_t& out);
void read_column(std::string_view text, double& out);
void read_column(std::string_view text, Amount& out);
void read_column(std::string_view text, Uuid& out);
void read_column(std::string_view text, Timestamp& out);
void read_column(std::string_view text, json::Raw& out);

template <std::size_t Min, std::size_t Max>
void read_column(std::string_view text, json::Text<Min, Max>& out) {
  out.assign(text);
}
template <std::int64_t Min, std::int64_t Max>
void read_column(std::string_view text, json::Int<Min, Max>& out) {
  read_column(text, out.value);
}
template <json::DescribedEnum E>
void read_column(std::string_view text, E& out) {
  const auto value = json::enum_from<E>(text);
  if (!value) bad_column(text, "an enumerator");
  out = *value;
}
template <class T>
void read_column(std::string_view text, std::vector<T>& out) {
  for (const auto& element : parse_array(text)) {
    if constexpr (json::is_optional<T>) {
      T value;
      if (element) read_column(std::string_view(*element), value.emplace());
      out.push_back(std::move(value));
    } else {
      if (!element) bad_column("NULL", "an array element");
      T value{};
      read_column(std::string_view(*element), value);
      out.push_back(std::move(value));
    }
  }
}

}  // namespace detail

template <class T>
T Row::get(int column) const {
  if constexpr (json::is_optional<T>) {
    if (is_null(column)) return std::nullopt;
    return get<typename T::value_type>(column);
  } else {
    if (is_null(column)) detail::bad_column("NULL", "a value");
    T value{};
    detail::read_column(text(column), value);
    return value;
  }
}

template <json::Described T>
T Row::to(int first_column) const {
  T value{};
  int column = first_column;
  boost::mp11::mp_for_each<json::Members<T>>([&](auto member) {
    using Field = std::remove_cvref_t<decltype(value.*member.pointer)>;
    value.*member.pointer = get<Field>(column++);
  });
  return value;
}

}  // namespace souk::pg
