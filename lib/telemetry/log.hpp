#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "core/context.hpp"
#include "json/write.hpp"

// JSON lines on stderr: {"time":…,"level":"info","msg":"order confirmed","request_id":…,"order_id":…}
//   log::info(context, "order confirmed", log::kv("order_id", order.id));
// Never a password, token, card or whole body.
namespace souk::log {

enum class Level { debug, info, warning, error };

template <class T>
struct Field {
  std::string_view name;
  const T& value;
};
template <class T>
Field<T> kv(std::string_view name, const T& value) {
  return {name, value};
}

// Lowest level that is written; from SOUK_LOG_LEVEL.
void set_level(Level level);
bool enabled(Level level);
// Written into every line from then on, where several processes share a log: "order". Before the first line.
void set_process(std::string name);
void start();  // also makes report_exception() write here
void stop();   // writes what is buffered

namespace detail {
void write_line(Level level, std::string_view message, const Context* context, std::string fields);
template <class... T>
std::string fields_json(const Field<T>&... fields) {
  std::string out;
  ((out.push_back(','), json::write_string(out, fields.name), out.push_back(':'), json::write_value(out, fields.value)),
   ...);
  return out;
}
}  // namespace detail

template <class... T>
void write(Level level, const Context* context, std::string_view message, const Field<T>&... fields) {
  if (enabled(level)) detail::write_line(level, message, context, detail::fields_json(fields...));
}
template <class... T>
void debug(const Context& c, std::string_view message, const Field<T>&... f) {
  write(Level::debug, &c, message, f...);
}
template <class... T>
void info(const Context& c, std::string_view message, const Field<T>&... f) {
  write(Level::info, &c, message, f...);
}
template <class... T>
void warning(const Context& c, std::string_view message, const Field<T>&... f) {
  write(Level::warning, &c, message, f...);
}
template <class... T>
void error(const Context& c, std::string_view message, const Field<T>&... f) {
  write(Level::error, &c, message, f...);
}
// Outside of any request.
template <class... T>
void info(std::string_view message, const Field<T>&... f) {
  write(Level::info, nullptr, message, f...);
}
template <class... T>
void warning(std::string_view message, const Field<T>&... f) {
  write(Level::warning, nullptr, message, f...);
}
template <class... T>
void error(std::string_view message, const Field<T>&... f) {
  write(Level::error, nullptr, message, f...);
}

}  // namespace souk::log
