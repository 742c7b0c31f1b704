#include "http/otlp.hpp"

#include <boost/describe.hpp>
#include <cstdlib>
#include <map>
#include <optional>

#include "core/settings.hpp"
#include "json/json.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

// Names are spelled as in OTLP's JSON encoding, so that the structs are the document.
namespace souk::http::otlp {

struct Value {
  std::optional<std::string> stringValue{};
  std::optional<std::string> intValue{};  // 64 bits as text, as Protobuf's JSON has them
};
BOOST_DESCRIBE_STRUCT(Value, (), (stringValue, intValue))
struct Attribute {
  std::string key;
  Value value;
};
BOOST_DESCRIBE_STRUCT(Attribute, (), (key, value))
struct Status {
  std::int64_t code = 0;  // 0 unset, 2 error
};
BOOST_DESCRIBE_STRUCT(Status, (), (code))
struct Span {
  std::string traceId;
  std::string spanId;
  std::optional<std::string> parentSpanId;
  std::string name;
  std::int64_t kind = 1;
  std::string startTimeUnixNano;
  std::string endTimeUnixNano;
  std::vector<Attribute> attributes;
  Status status;
};
BOOST_DESCRIBE_STRUCT(Span, (),
                      (traceId, spanId, parentSpanId, name, kind, startTimeUnixNano, endTimeUnixNano, attributes,
                       status))
struct Scope {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Scope, (), (name))
struct ScopeSpans {
  Scope scope;
  std::vector<Span> spans;
};
BOOST_DESCRIBE_STRUCT(ScopeSpans, (), (scope, spans))
struct Resource {
  std::vector<Attribute> attributes;
};
BOOST_DESCRIBE_STRUCT(Resource, (), (attributes))
struct ResourceSpans {
  Resource resource;
  std::vector<ScopeSpans> scopeSpans;
};
BOOST_DESCRIBE_STRUCT(ResourceSpans, (), (resource, scopeSpans))
struct Export {
  std::vector<ResourceSpans> resourceSpans;
};
BOOST_DESCRIBE_STRUCT(Export, (), (resourceSpans))

}  // namespace souk::http::otlp

namespace souk::http {
namespace {

Setting<std::string> endpoint("SOUK_OTLP_ENDPOINT",
                              "OpenTelemetry collector for traces, as http://host:4318; empty: what "
                              "OTEL_EXPORTER_OTLP_ENDPOINT says, and without it no traces.",
                              "");
Setting<std::int64_t> percent("SOUK_TRACE_PERCENT",
                              "Of the traces that begin here, how many are exported; a request with a traceparent says "
                              "itself.",
                              100, 0, 100);

constexpr std::size_t batch = 512;
constexpr auto pause = std::chrono::milliseconds(500);
constexpr auto send_limit = std::chrono::seconds(3);

otlp::Attribute text(std::string key, std::string value) { return {std::move(key), {.stringValue = std::move(value)}}; }

otlp::Span to_otlp(const trace::Record& record) {
  otlp::Span span{.traceId = record.trace_id,
                  .spanId = record.span_id,
                  .name = record.name,
                  .kind = static_cast<std::int64_t>(record.kind),
                  .startTimeUnixNano = std::to_string(record.start_ns),
                  .endTimeUnixNano = std::to_string(record.end_ns),
                  .status = {.code = record.failed ? 2 : 0}};
  if (!record.parent_id.empty()) span.parentSpanId = record.parent_id;
  for (const auto& [key, value] : record.attributes) span.attributes.push_back(text(key, value));
  for (const auto& [key, value] : record.numbers) {
    span.attributes.push_back({key, {.intValue = std::to_string(value)}});
  }
  return span;
}

}  // namespace

std::string otlp_json(const std::vector<trace::Record>& spans, const std::string& service, const std::string& version) {
  otlp::ScopeSpans scope{.scope = {.name = "souk"}};
  for (const auto& span : spans) scope.spans.push_back(to_otlp(span));
  otlp::ResourceSpans resource;
  resource.resource.attributes = {text("service.name", service), text("service.version", version)};
  resource.scopeSpans.push_back(std::move(scope));
  otlp::Export body;
  body.resourceSpans.push_back(std::move(resource));
  return json::write(body);
}

OtlpExporter::Options OtlpExporter::Options::from_settings(std::string version) {
  Options options{.endpoint = http::endpoint.get(), .sampled_percent = percent.get(), .version = std::move(version)};
  // The name that every program with OpenTelemetry knows.
  const char* standard = std::getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (options.endpoint.empty() && standard != nullptr) options.endpoint = standard;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  return options;
}

OtlpExporter::OtlpExporter(Runtime& runtime, Options options)
    : runtime_(runtime), options_(std::move(options)), client_(runtime), group_(runtime.executor(0)) {
  trace::note_lost(0);  // so that /metrics has the counts before the first loss
  if (options_.endpoint.empty()) return;
  trace::start({.sampled_percent = options_.sampled_percent});
  group_.spawn("otlp exporter", run());
}

OtlpExporter::~OtlpExporter() {
  trace::stop();
  group_.stop();
  runtime_.block_on(group_.drain());
}

Task<> OtlpExporter::run() {
  bool more = true;
  while (more) {
    more = co_await group_.sleep(pause);
    for (auto spans = trace::take(batch); !spans.empty(); spans = trace::take(batch)) {
      if (!co_await send(std::move(spans)) && !more) break;
    }
  }
}

// False when the spans are lost. Only the first of several failures is logged.
Task<bool> OtlpExporter::send(std::vector<trace::Record> spans) {
  static auto& exported = metrics::counter("souk_trace_spans_exported_total", "Spans that the collector has taken.");
  std::string problem;
  try {
    ClientRequest request{.method = Method::POST, .url = options_.endpoint + "/v1/traces", .timeout = send_limit};
    request.body = otlp_json(spans, options_.service, options_.version);
    const auto reply = co_await client_.fetch(Context("", "", Caller{}, Clock::now() + send_limit), std::move(request));
    if (reply.status >= 300) problem = "the collector answered " + std::to_string(reply.status);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  if (problem.empty()) {
    exported.add(static_cast<double>(spans.size()));
  } else {
    trace::note_lost(spans.size());
    if (!failing_) log::warning("traces cannot be exported and are dropped", log::kv("why", problem));
  }
  failing_ = !problem.empty();
  co_return problem.empty();
}

}  // namespace souk::http
