#include "telemetry/trace.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>

#include "core/random.hpp"
#include "telemetry/metrics.hpp"

namespace souk::trace {

std::atomic<bool> detail::on = false;

namespace {

// "00-<trace: 32>-<parent: 16>-<flags: 2>"
constexpr std::size_t header_size = 55;

struct Kept {
  std::mutex mutex;
  Options options;
  std::deque<Record> waiting;
  metrics::Counter& recorded = metrics::counter("souk_trace_spans_total", "Spans that were recorded.");
  metrics::Counter& queue_full = dropped("queue_full");
  metrics::Counter& not_exported = dropped("export_failed");

  static metrics::Counter& dropped(const std::string& reason) {
    return metrics::counter("souk_trace_spans_dropped_total", "Spans that nobody will see.", {{"reason", reason}});
  }
};

// Never destroyed: workers may end spans until the process ends.
Kept& kept() {
  static auto* instance = new Kept();
  return *instance;
}

std::string random_hex(std::size_t bytes) {
  std::array<std::uint8_t, 16> random{};
  const std::span<std::uint8_t> wanted(random.data(), bytes);
  random_bytes(wanted);
  wanted.back() |= 1;  // all zeros would be invalid
  std::string text;
  for (const auto byte : wanted) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

std::int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool sampled(std::string_view traceparent) {
  if (traceparent.size() != header_size) return false;
  const char last = traceparent.back();
  return ((last >= 'a' ? last - 'a' + 10 : last - '0') & 1) != 0;
}

Context with_traceparent(const Context& context, std::string traceparent) {
  return Context(context.request_id(), std::move(traceparent), context.caller(), context.deadline());
}

}  // namespace

void start(Options options) {
  {
    auto& all = kept();
    const std::lock_guard lock(all.mutex);
    all.options = options;
    all.waiting.clear();
  }
  detail::on = true;
}

void stop() { detail::on = false; }

std::vector<Record> take(std::size_t most) {
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  std::vector<Record> taken;
  while (taken.size() < most && !all.waiting.empty()) {
    taken.push_back(std::move(all.waiting.front()));
    all.waiting.pop_front();
  }
  return taken;
}

void note_lost(std::size_t spans) { kept().not_exported.add(static_cast<double>(spans)); }

void Span::begin(const Context& parent, Kind kind, std::string_view system, std::string_view name) {
  const std::string_view header = parent.traceparent();
  if (!sampled(header)) return;
  record_ = std::make_unique<Record>();
  record_->trace_id = header.substr(3, 32);
  record_->parent_id = header.substr(36, 16);
  record_->span_id = random_hex(8);
  if (!system.empty()) record_->name.append(system).push_back(' ');
  record_->name += name;
  record_->kind = kind;
  record_->start_ns = nanoseconds_now();
}

Span Span::of_request(Context& context, std::string_view method, std::string_view route) {
  Span span;
  if (!enabled()) return span;
  const bool began_elsewhere = context.traceparent().size() == header_size;
  if (!began_elsewhere) {
    const bool wanted = static_cast<std::int64_t>(random_below(100)) < kept().options.sampled_percent;
    const auto trace = random_hex(16);
    // Unsampled traces have an id too: the log's lines of a request belong together by it.
    context = with_traceparent(context, fmt::format("00-{}-{}-{}", trace, random_hex(8), wanted ? "01" : "00"));
  }
  span.begin(context, Kind::server, method, route);
  if (!span) return span;
  if (!began_elsewhere) span.record_->parent_id.clear();
  span.set("http.request.method", std::string(method));
  span.set("http.route", std::string(route));
  span.set("souk.request_id", context.request_id());
  context = span.context(context);
  return span;
}

Context Span::context(const Context& of) const {
  if (!record_) return of;
  return with_traceparent(of, "00-" + record_->trace_id + "-" + record_->span_id + "-01");
}

Span& Span::operator=(Span&& other) noexcept {
  if (this != &other) {
    end();
    record_ = std::move(other.record_);
  }
  return *this;
}

void Span::set(std::string_view name, std::string value) {
  if (record_) record_->attributes.emplace_back(name, std::move(value));
}

void Span::set(std::string_view name, std::int64_t value) {
  if (record_) record_->numbers.emplace_back(name, value);
}

void Span::fail() {
  if (record_) record_->failed = true;
}

void Span::end() {
  if (!record_) return;
  const auto record = std::move(record_);
  if (std::uncaught_exceptions() > 0) record->failed = true;
  record->end_ns = nanoseconds_now();
  auto& all = kept();
  const std::lock_guard lock(all.mutex);
  all.recorded.add();
  if (all.waiting.size() >= all.options.max_waiting) {
    all.queue_full.add();
  } else {
    all.waiting.push_back(std::move(*record));
  }
}

}  // namespace souk::trace
