#include "json/read.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace souk::json::detail {
namespace {

// On-Demand's token runs to the next structural character, so it may end in white space.
std::string_view trimmed(std::string_view token) {
  while (!token.empty() &&
         (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' || token.back() == '\t')) {
    token.remove_suffix(1);
  }
  return token;
}

void check_no_nul(Reader& reader, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) reader.add("value", "must not contain NUL");
}

std::optional<std::string_view> read_string(Reader& reader, od::value& value) {
  if (!expect(reader, value, od::json_type::string, "a string")) return std::nullopt;
  std::string_view text;
  if (const auto e = value.get_string().get(text)) {
    reader.set_malformed(e);
    return std::nullopt;
  }
  return text;
}

template <class T>
void read_from_string(Reader& reader, od::value& value, T& out) {
  if (const auto text = read_string(reader, value)) read_text(reader, *text, out);
}

// A parser keeps its buffers between documents. A thread has one, and another while that one is in use.
struct Parser {
  simdjson::ondemand::parser parser;
  std::string padded;
};

void parse_with(Parser& parser, Reader& reader, std::string_view text, const std::function<void(od::value)>& visit) {
  parser.padded.assign(text);
  parser.padded.append(simdjson::SIMDJSON_PADDING, '\0');
  od::document document;
  if (const auto e = parser.parser.iterate(parser.padded.data(), text.size(), parser.padded.size()).get(document)) {
    return reader.set_malformed(e);
  }
  od::json_type type;
  if (const auto e = document.type().get(type)) return reader.set_malformed(e);
  if (type != od::json_type::object && type != od::json_type::array) {
    return reader.wrong_type("an object");
  }
  od::value root;
  if (const auto e = document.get_value().get(root)) return reader.set_malformed(e);
  visit(root);
  // Past the last token there is no location; anything else is text after the document.
  if (!reader.failed() && document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    reader.set_malformed(simdjson::TRAILING_CONTENT);
  }
}

}  // namespace

void Reader::add(std::string code, std::string detail) {
  // A hostile body must not make a reply of any size.
  if (errors_.size() < 20) errors_.push_back({path_, std::move(code), std::move(detail)});
}

void Reader::wrong_type(std::string_view expected) { add("type", fmt::format("must be {}", expected)); }

Error Reader::error() && {
  if (malformed_) {
    return Error{
        .kind = ErrorKind::invalid, .code = "request.malformed", .detail = "Not valid JSON: " + malformed_text_};
  }
  return Error{.kind = ErrorKind::invalid,
               .code = "request.invalid",
               .detail = "Some fields are missing or wrong; see errors.",
               .errors = std::move(errors_)};
}

Reader::Step::Step(Reader& reader, std::string_view member) : reader_(reader), length_(reader.path_.size()) {
  ++reader.depth_;
  if (!reader.path_.empty()) reader.path_.push_back('.');
  reader.path_ += member.substr(0, 100);
}

Reader::Step::Step(Reader& reader, std::size_t index) : reader_(reader), length_(reader.path_.size()) {
  ++reader.depth_;
  reader.path_ += fmt::format("[{}]", index);
}

bool expect(Reader& reader, od::value& value, od::json_type type, std::string_view name) {
  if (reader.malformed()) return false;
  od::json_type actual;
  if (const auto e = value.type().get(actual)) {
    reader.set_malformed(e);
    return false;
  }
  if (actual == type) return true;
  reader.wrong_type(name);
  return false;
}

void check_length(Reader& reader, std::string_view text, std::size_t min, std::size_t max) {
  check_no_nul(reader, text);
  if (text.size() >= min && text.size() <= max) return;
  if (min == 1 && text.empty()) return reader.add("length", "must not be empty");
  reader.add("length", min == 0 ? fmt::format("must be at most {} bytes long", max)
                                : fmt::format("must be {} to {} bytes long", min, max));
}

void check_range(Reader& reader, std::int64_t value, std::int64_t min, std::int64_t max) {
  if (value < min || value > max) reader.add("range", fmt::format("must be from {} to {}", min, max));
}

void read_value(Reader& reader, od::value value, std::string& out) {
  const auto text = read_string(reader, value);
  if (!text) return;
  check_no_nul(reader, *text);
  out.assign(*text);
}

void read_value(Reader& reader, od::value value, bool& out) {
  if (!expect(reader, value, od::json_type::boolean, "true or false")) return;
  if (const auto e = value.get_bool().get(out)) reader.set_malformed(e);
}

void read_value(Reader& reader, od::value value, double& out) {
  if (!expect(reader, value, od::json_type::number, "a number")) return;
  if (const auto e = value.get_double().get(out)) reader.set_malformed(e);
}

void read_value(Reader& reader, od::value value, std::int64_t& out) {
  if (!expect(reader, value, od::json_type::number, "a whole number")) return;
  double number = 0;
  // A number such as 1.5 or 2^63 is JSON, and wrong here; "1-2" is not JSON.
  if (value.get_int64().get(out) == simdjson::SUCCESS) return;
  if (const auto e = value.get_double().get(number)) return reader.set_malformed(e);
  out = 0;
  if (number == std::floor(number)) {
    reader.add("range", "is out of range");
  } else {
    reader.wrong_type("a whole number");
  }
}

void read_value(Reader& reader, od::value value, Amount& out) {
  if (!expect(reader, value, od::json_type::number, "a number")) return;
  const auto token = trimmed(value.raw_json_token());
  double ignored = 0;
  if (const auto e = value.get_double().get(ignored)) return reader.set_malformed(e);
  read_text(reader, token, out);
}

void read_value(Reader& reader, od::value value, Uuid& out) { read_from_string(reader, value, out); }
void read_value(Reader& reader, od::value value, Timestamp& out) { read_from_string(reader, value, out); }

void read_value(Reader& reader, od::value value, Raw& out) {
  if (reader.malformed()) return;
  std::string_view text;
  if (const auto e = simdjson::to_json_string(value).get(text)) return reader.set_malformed(e);
  out.text.assign(trimmed(text));
}

void read_text(Reader& reader, std::string_view text, std::string& out) {
  check_no_nul(reader, text);
  out.assign(text);
}

void read_text(Reader& reader, std::string_view text, bool& out) {
  if (text != "true" && text != "false") return reader.wrong_type("true or false");
  out = text == "true";
}

void read_text(Reader& reader, std::string_view text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(out)) reader.wrong_type("a number");
}

void read_text(Reader& reader, std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) reader.wrong_type("a whole number");
}

void read_text(Reader& reader, std::string_view text, Amount& out) {
  const auto amount = Amount::parse(text);
  if (!amount)
    return reader.add(amount.error().code == "amount.out_of_range" ? "range" : "value", amount.error().detail);
  out = *amount;
}

void read_text(Reader& reader, std::string_view text, Uuid& out) {
  const auto id = Uuid::parse(text);
  if (!id) return reader.add("format", "must be a UUID");
  out = *id;
}

void read_text(Reader& reader, std::string_view text, Timestamp& out) {
  const auto time = parse_timestamp(text);
  if (!time) return reader.add("format", "must be a time such as 2026-03-01T12:00:00Z (RFC 3339)");
  out = *time;
}

void parse(Reader& reader, std::string_view text, const std::function<void(od::value)>& visit) {
  thread_local Parser shared;
  thread_local bool shared_in_use = false;
  if (shared_in_use) {
    Parser own;
    return parse_with(own, reader, text, visit);
  }
  shared_in_use = true;
  struct Release {
    ~Release() { shared_in_use = false; }
  } release;
  parse_with(shared, reader, text, visit);
}

}  // namespace souk::json::detail
