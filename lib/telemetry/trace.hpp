#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/context.hpp"

// Traces: spans that OpenTelemetry understands. Off unless start() was called; then a Span costs one load.
//   trace::Span span(context, trace::Kind::client, "postgres order.find");
//   co_await … span.context() …   // its own children
namespace souk::trace {

enum class Kind { internal = 1, server = 2, client = 3 };  // OTLP's numbers

// A span that is over.
struct Record {
  std::string trace_id;   // 32 hexadecimal digits
  std::string span_id;    // 16
  std::string parent_id;  // 16, or empty for the first of a trace
  std::string name;
  Kind kind = Kind::internal;
  std::int64_t start_ns = 0;  // since 1970
  std::int64_t end_ns = 0;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<std::pair<std::string, std::int64_t>> numbers;
  bool failed = false;
};

struct Options {
  std::int64_t sampled_percent = 100;  // of the traces that begin here; those of others say themselves
  std::size_t max_waiting = 8192;      // spans that wait to be exported; more are dropped and counted
};

// From now on spans are kept until take() fetches them. Before the first request.
void start(Options options);
void stop();

namespace detail {
extern std::atomic<bool> on;
}
inline bool enabled() { return detail::on.load(std::memory_order_relaxed); }

// At most `most` spans that are over, oldest first.
std::vector<Record> take(std::size_t most);
// Counts spans that were taken and could not be handed on.
void note_lost(std::size_t spans);

// One stretch of work, from here to the end of the object's life. Does nothing while tracing is off, or where the
// context's trace is not sampled.
class Span {
 public:
  Span() = default;
  // A part of what the context does.
  Span(const Context& parent, Kind kind, std::string_view name) {
    if (enabled()) begin(parent, kind, {}, name);
  }
  // With the name in two parts, put together only if somebody will read it.
  Span(const Context& parent, Kind kind, std::string_view system, std::string_view name) {
    if (enabled()) begin(parent, kind, system, name);
  }
  Span(Span&&) noexcept = default;
  Span& operator=(Span&& other) noexcept;
  ~Span() { end(); }

  // What a server does for a client: goes on with the client's trace where there is one, and otherwise begins one,
  // sampled or not. Changes `context` to what the request's own work is to carry.
  static Span of_request(Context& context, std::string_view method, std::string_view route);

  explicit operator bool() const { return record_ != nullptr; }
  void set(std::string_view name, std::string value);
  void set(std::string_view name, std::int64_t value);
  void fail();  // it did not do what it should have
  // The context with this span as the parent; the same one where there is no span.
  Context context(const Context& of) const;
  void end();

 private:
  void begin(const Context& parent, Kind kind, std::string_view system, std::string_view name);

  std::unique_ptr<Record> record_;
};

}  // namespace souk::trace
