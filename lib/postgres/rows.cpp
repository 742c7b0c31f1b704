#include "postgres/rows.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <stdexcept>

namespace souk::pg {
namespace {

template <class T>
T read_number(std::string_view text, std::string_view wanted) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) detail::bad_column(text, wanted);
  return value;
}

// Reads the elements of an array one after the other.
class ArrayReader {
 public:
  explicit ArrayReader(std::string_view text) : text_(text) {}

  std::vector<std::optional<std::string>> read() {
    std::vector<std::optional<std::string>> elements;
    take('{');
    if (!at_end() && peek() == '}') {
      take('}');
    } else {
      elements.push_back(element());
      while (!at_end() && peek() == ',') {
        take(',');
        elements.push_back(element());
      }
      take('}');
    }
    if (!at_end()) bad();
    return elements;
  }

 private:
  [[noreturn]] void bad() const { detail::bad_column(text_, "an array of one dimension"); }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return text_[at_]; }
  void take(char c) {
    if (at_end() || peek() != c) bad();
    ++at_;
  }
  char next() {
    if (at_end()) bad();
    return text_[at_++];
  }

  std::optional<std::string> element() { return !at_end() && peek() == '"' ? quoted() : plain(); }

  std::optional<std::string> quoted() {
    std::string value;
    take('"');
    for (char c = next(); c != '"'; c = next()) value.push_back(c == '\\' ? next() : c);
    return value;
  }

  std::optional<std::string> plain() {
    std::string value;
    while (!at_end() && peek() != ',' && peek() != '}') {
      const char c = next();
      if (c == '{' || c == '"') bad();
      value.push_back(c == '\\' ? next() : c);
    }
    if (value.empty()) bad();
    if (value == "NULL") return std::nullopt;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

Rows::Rows(pg_result* result) : result_(result) {}

std::size_t Rows::size() const { return result_ ? static_cast<std::size_t>(PQntuples(result_.get())) : 0; }

std::int64_t Rows::affected() const {
  const std::string_view text = result_ ? PQcmdTuples(result_.get()) : "";
  return text.empty() ? 0 : read_number<std::int64_t>(text, "a count");
}

// libpq only prints a warning for a cell that is not there; here it is our bug and must not pass as NULL.
bool Row::is_null(int column) const {
  const auto* result = rows_->raw();
  if (result == nullptr || index_ < 0 || index_ >= PQntuples(result) || column < 0 || column >= PQnfields(result)) {
    throw std::runtime_error("no such column " + std::to_string(column) + " or row " + std::to_string(index_) +
                             " in a result");
  }
  return PQgetisnull(result, index_, column) != 0;
}

std::string_view Row::text(int column) const {
  if (is_null(column)) return {};
  return {PQgetvalue(rows_->raw(), index_, column),
          static_cast<std::size_t>(PQgetlength(rows_->raw(), index_, column))};
}

std::vector<std::optional<std::string>> parse_array(std::string_view text) { return ArrayReader(text).read(); }

namespace detail {

void bad_column(std::string_view text, std::string_view wanted) {
  constexpr std::size_t shown = 80;
  std::string message = "a column holds '";
  message += text.substr(0, shown);
  message += text.size() > shown ? "…' where " : "' where ";
  message += wanted;
  message += " is wanted";
  throw std::runtime_error(message);
}

void read_column(std::string_view text, std::string& out) { out.assign(text); }

void read_column(std::string_view text, bool& out) {
  if (text != "t" && text != "f") bad_column(text, "a boolean");
  out = text == "t";
}

void read_column(std::string_view text, int& out) { out = read_number<int>(text, "an int"); }

void read_column(std::string_view text, std::int64_t& out) {
  out = read_number<std::int64_t>(text, "a whole number of 64 bits");
}

void read_column(std::string_view text, double& out) { out = read_number<double>(text, "a number"); }

void read_column(std::string_view text, Amount& out) {
  const auto amount = Amount::parse(text);
  if (!amount) bad_column(text, "an amount of money");
  out = *amount;
}

void read_column(std::string_view text, Uuid& out) {
  const auto id = Uuid::parse(text);
  if (!id) bad_column(text, "a UUID");
  out = *id;
}

void read_column(std::string_view text, Timestamp& out) {
  const auto time = parse_timestamp(text);
  if (!time) bad_column(text, "a timestamp");
  out = *time;
}

void read_column(std::string_view text, json::Raw& out) { out.text.assign(text); }

}  // namespace detail

}  // namespace souk::pg
