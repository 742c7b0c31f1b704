#include "telemetry/log.hpp"

#include <simdjson.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "core/report.hpp"
#include "core/settings.hpp"
#include "core/time.hpp"

namespace souk::log {
namespace {

Setting<std::string> log_level("SOUK_LOG_LEVEL", "Lowest level that is logged: debug, info, warning or error.", "info");

std::atomic<Level> lowest = Level::info;

std::string& process() {
  static auto* name = new std::string;
  return *name;
}

// One write a line and no buffer: what was logged before a crash or a kill is there. Never destroyed, so that
// destructors of other statics may log.
spdlog::logger& logger() {
  static auto* instance = [] {
    auto* made = new spdlog::logger("souk", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  std::unreachable();
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  std::unreachable();
}

Level parse_level(std::string_view text) {
  for (const auto level : {Level::debug, Level::info, Level::warning, Level::error}) {
    if (text == name_of(level)) return level;
  }
  throw std::invalid_argument("SOUK_LOG_LEVEL is \"" + std::string(text) +
                              "\" but must be debug, info, warning or error.");
}

void add_member(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line += ",\"";
  line += name;
  line += "\":";
  json::write_string(line, value);
}

// Texts of libraries need not be UTF-8, lines of JSON must be.
void make_utf8(std::string& line) {
  if (simdjson::validate_utf8(line.data(), line.size())) return;
  for (char& c : line) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
}

}  // namespace

void set_level(Level level) { lowest.store(level, std::memory_order_relaxed); }

bool enabled(Level level) { return level >= lowest.load(std::memory_order_relaxed); }

void set_process(std::string name) { process() = std::move(name); }

void start() {
  set_level(parse_level(log_level.get()));
  set_exception_reporter([](std::string_view where, std::string_view what) {
    error("exception outside of a request", kv("where", where), kv("what", what));
  });
}

void stop() { logger().flush(); }

void detail::write_line(Level level, std::string_view message, const Context* context, std::string fields) {
  std::string line = "{\"time\":\"" + to_rfc3339(now()) + "\",\"level\":\"";
  line += name_of(level);
  line += "\",\"msg\":";
  json::write_string(line, message);
  add_member(line, "process", process());
  if (context != nullptr) {
    add_member(line, "request_id", context->request_id());
    const std::string_view trace = context->traceparent();
    if (trace.size() == 55) {  // "00-<trace>-<span>-<flags>"
      add_member(line, "trace_id", trace.substr(3, 32));
      add_member(line, "span_id", trace.substr(36, 16));
    }
  }
  line += fields;
  line.push_back('}');
  make_utf8(line);
  logger().log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace souk::log
