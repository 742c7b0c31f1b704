#pragma once

#include <simdjson.h>

#include <bitset>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "json/write.hpp"

namespace souk::json {

// strict: input from outside. Unknown, duplicate and missing fields are refused.
// lenient: what we or a peer wrote. Unknown fields are passed over, absent ones keep the struct's defaults.
enum class Mode { strict, lenient };

// The nesting that input may have.
inline constexpr int max_depth = 32;

// Reads a described struct (or vector) from JSON. The refusal is `invalid` with code "request.malformed" for text that
// is not JSON, or "request.invalid" with every wrong field and its path in `errors`.
template <class T>
Result<T> read(std::string_view text, Mode mode = Mode::strict);

// For what we wrote ourselves: lenient, and a failure is a bug or a broken store (throws std::runtime_error).
template <class T>
T read_trusted(std::string_view text);

// Reads a described struct of text fields from name=value pairs: the query of a URL. Strict.
template <class T>
Result<T> read_parameters(std::span<const std::pair<std::string, std::string>> parameters);

namespace detail {

namespace od = simdjson::ondemand;

// Where the reader stands and what was wrong so far.
class Reader {
 public:
  explicit Reader(Mode mode) : mode_(mode) {}

  bool strict() const { return mode_ == Mode::strict; }
  bool malformed() const { return malformed_; }
  bool failed() const { return malformed_ || !errors_.empty(); }
  std::size_t error_count() const { return errors_.size(); }

  // The text is not JSON: nothing more can be read.
  void set_malformed(simdjson::error_code code) {
    if (!malformed_) malformed_text_ = simdjson::error_message(code);
    malformed_ = true;
  }
  void add(std::string code, std::string detail);
  void wrong_type(std::string_view expected);
  Error error() &&;

  // Steps into a member or an element for the lifetime of the object.
  class Step {
   public:
    Step(Reader& reader, std::string_view member);
    Step(Reader& reader, std::size_t index);
    ~Step() {
      reader_.path_.resize(length_);
      --reader_.depth_;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    Reader& reader_;
    std::size_t length_;
  };
  bool too_deep() const { return depth_ > max_depth; }

 private:
  Mode mode_;
  bool malformed_ = false;
  std::string malformed_text_;
  std::string path_;
  int depth_ = 0;
  std::vector<FieldError> errors_;
};

// True when the value has the wanted type; otherwise the error is noted.
bool expect(Reader& reader, od::value& value, od::json_type type, std::string_view name);

void check_length(Reader& reader, std::string_view text, std::size_t min, std::size_t max);
void check_range(Reader& reader, std::int64_t value, std::int64_t min, std::int64_t max);

void read_value(Reader& reader, od::value value, std::string& out);
void read_value(Reader& reader, od::value value, bool& out);
void read_value(Reader& reader, od::value value, double& out);
void read_value(Reader& reader, od::value value, std::int64_t& out);
void read_value(Reader& reader, od::value value, Amount& out);
void read_value(Reader& reader, od::value value, Uuid& out);
void read_value(Reader& reader, od::value value, Timestamp& out);
void read_value(Reader& reader, od::value value, Raw& out);

// The same from plain text, for parameters.
void read_text(Reader& reader, std::string_view text, std::string& out);
void read_text(Reader& reader, std::string_view text, bool& out);
void read_text(Reader& reader, std::string_view text, double& out);
void read_text(Reader& reader, std::string_view text, std::int64_t& out);
void read_text(Reader& reader, std::string_view text, Amount& out);
void read_text(Reader& reader, std::string_view text, Uuid& out);
void read_text(Reader& reader, std::string_view text, Timestamp& out);

template <class T>
  requires(std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, std::int64_t>)
void read_value(Reader& reader, od::value value, T& out) {
  std::int64_t wide = 0;
  const auto errors = reader.error_count();
  read_value(reader, value, wide);
  if (reader.malformed() || reader.error_count() != errors) return;
  check_range(reader, wide, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
              static_cast<std::int64_t>(std::min<std::uint64_t>(std::numeric_limits<T>::max(), INT64_MAX)));
  out = static_cast<T>(wide);
}

template <std::int64_t Min, std::int64_t Max>
void read_value(Reader& reader, od::value value, Int<Min, Max>& out) {
  const auto errors = reader.error_count();
  read_value(reader, value, out.value);
  if (!reader.malformed() && reader.error_count() == errors) check_range(reader, out.value, Min, Max);
}
template <std::int64_t Min, std::int64_t Max>
void read_text(Reader& reader, std::string_view text, Int<Min, Max>& out) {
  const auto errors = reader.error_count();
  read_text(reader, text, out.value);
  if (reader.error_count() == errors) check_range(reader, out.value, Min, Max);
}

template <std::size_t Min, std::size_t Max>
void read_text(Reader& reader, std::string_view text, Text<Min, Max>& out) {
  out.assign(text);
  check_length(reader, out, Min, Max);
}
template <std::size_t Min, std::size_t Max>
void read_value(Reader& reader, od::value value, Text<Min, Max>& out) {
  if (!expect(reader, value, od::json_type::string, "a string")) return;
  std::string_view text;
  if (const auto e = value.get_string().get(text)) return reader.set_malformed(e);
  read_text(reader, text, out);
}

template <DescribedEnum E>
void read_text(Reader& reader, std::string_view text, E& out) {
  if (const auto found = enum_from<E>(text)) {
    out = *found;
    return;
  }
  std::string names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto enumerator) {
    names += names.empty() ? "must be one of " : ", ";
    names += enumerator.name;
  });
  reader.add("value", std::move(names));
}
template <DescribedEnum E>
void read_value(Reader& reader, od::value value, E& out) {
  if (!expect(reader, value, od::json_type::string, "a string")) return;
  std::string_view text;
  if (const auto e = value.get_string().get(text)) return reader.set_malformed(e);
  read_text(reader, text, out);
}

template <class T>
void read_value(Reader& reader, od::value value, std::optional<T>& out);
template <class T>
void read_value(Reader& reader, od::value value, std::vector<T>& out);
template <class T>
void read_value(Reader& reader, od::value value, std::map<std::string, T>& out);

template <class T>
void read_text(Reader& reader, std::string_view text, std::optional<T>& out) {
  read_text(reader, text, out.emplace());
}

template <class T>
void note_missing(Reader& reader, const std::bitset<64>& seen) {
  std::size_t index = 0;
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    using Field = std::remove_cvref_t<decltype(std::declval<T&>().*member.pointer)>;
    if constexpr (!is_optional<Field>) {
      if (!seen[index]) {
        const Reader::Step step(reader, member.name);
        reader.add("missing", "is required");
      }
    }
    ++index;
  });
}

template <Described T>
void read_value(Reader& reader, od::value value, T& out) {
  static_assert(boost::mp11::mp_size<Members<T>>::value <= 64);
  if (!expect(reader, value, od::json_type::object, "an object")) return;
  od::object object;
  if (const auto e = value.get_object().get(object)) return reader.set_malformed(e);
  std::bitset<64> seen;
  for (auto item : object) {
    od::field field;
    if (const auto e = std::move(item).get(field)) return reader.set_malformed(e);
    std::string_view key_view;
    if (const auto e = field.unescaped_key().get(key_view)) return reader.set_malformed(e);
    const std::string key(key_view);
    const Reader::Step step(reader, key);
    if (reader.too_deep()) return reader.add("depth", "is nested too deeply");
    bool known = false;
    std::size_t index = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      if (!known && key == member.name) {
        known = true;
        if (seen[index] && reader.strict()) return reader.add("duplicate", "is given twice");
        seen.set(index);
        read_value(reader, field.value(), out.*member.pointer);
      }
      ++index;
    });
    if (reader.malformed()) return;
    if (!known && reader.strict()) reader.add("unknown", "is not a field here");
  }
  if (reader.strict()) note_missing<T>(reader, seen);
}

template <class T>
void read_value(Reader& reader, od::value value, std::optional<T>& out) {
  od::json_type type;
  if (const auto e = value.type().get(type)) return reader.set_malformed(e);
  if (type == od::json_type::null) {
    if (const auto e = value.is_null().error()) return reader.set_malformed(e);
    out.reset();
    return;
  }
  read_value(reader, value, out.emplace());
}

template <class T>
void read_value(Reader& reader, od::value value, std::vector<T>& out) {
  out.clear();
  if (!expect(reader, value, od::json_type::array, "an array")) return;
  od::array array;
  if (const auto e = value.get_array().get(array)) return reader.set_malformed(e);
  for (auto item : array) {
    od::value element;
    if (const auto e = std::move(item).get(element)) return reader.set_malformed(e);
    const Reader::Step step(reader, out.size());
    if (reader.too_deep()) return reader.add("depth", "is nested too deeply");
    if constexpr (std::same_as<T, bool>) {
      bool flag = false;
      read_value(reader, element, flag);
      out.push_back(flag);
    } else {
      read_value(reader, element, out.emplace_back());
    }
    if (reader.malformed()) return;
  }
}

template <class T>
void read_value(Reader& reader, od::value value, std::map<std::string, T>& out) {
  out.clear();
  if (!expect(reader, value, od::json_type::object, "an object")) return;
  od::object object;
  if (const auto e = value.get_object().get(object)) return reader.set_malformed(e);
  for (auto item : object) {
    od::field field;
    if (const auto e = std::move(item).get(field)) return reader.set_malformed(e);
    std::string_view key_view;
    if (const auto e = field.unescaped_key().get(key_view)) return reader.set_malformed(e);
    const std::string key(key_view);
    const Reader::Step step(reader, key);
    if (reader.too_deep()) return reader.add("depth", "is nested too deeply");
    read_value(reader, field.value(), out[key]);
    if (reader.malformed()) return;
  }
}

// Parses `text` and hands its root, an object or array, to `visit`; notes whatever is wrong in the reader.
void parse(Reader& reader, std::string_view text, const std::function<void(od::value)>& visit);

}  // namespace detail

template <class T>
Result<T> read(std::string_view text, Mode mode) {
  detail::Reader reader(mode);
  T out{};
  detail::parse(reader, text, [&](detail::od::value root) { detail::read_value(reader, root, out); });
  if (reader.failed()) return std::unexpected(std::move(reader).error());
  return out;
}

template <class T>
T read_trusted(std::string_view text) {
  auto value = read<T>(text, Mode::lenient);
  if (!value) {
    std::string fields;
    for (const auto& error : value.error().errors) fields += " " + error.field + " " + error.detail + ";";
    throw std::runtime_error("unreadable stored JSON: " + value.error().detail + fields);
  }
  return *std::move(value);
}

template <class T>
Result<T> read_parameters(std::span<const std::pair<std::string, std::string>> parameters) {
  detail::Reader reader(Mode::strict);
  T out{};
  std::bitset<64> seen;
  for (const auto& [name, text] : parameters) {
    const detail::Reader::Step step(reader, name);
    bool known = false;
    std::size_t index = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      if (!known && name == member.name) {
        known = true;
        if (seen[index]) {
          reader.add("duplicate", "is given twice");
        } else {
          detail::read_text(reader, text, out.*member.pointer);
        }
        seen.set(index);
      }
      ++index;
    });
    if (!known) reader.add("unknown", "is not a parameter here");
  }
  detail::note_missing<T>(reader, seen);
  if (reader.failed()) return std::unexpected(std::move(reader).error());
  return out;
}

}  // namespace souk::json
