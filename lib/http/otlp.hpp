#pragma once

#include <string>
#include <vector>

#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "http/client.hpp"
#include "telemetry/trace.hpp"

namespace souk::http {

// The body of an export: OTLP's ExportTraceServiceRequest in its JSON encoding.
std::string otlp_json(const std::vector<trace::Record>& spans, const std::string& service, const std::string& version);

// Sends spans to a collector, some hundred at a time, beside the requests. A collector that is slow or gone costs the
// spans (they are counted), never a request.
class OtlpExporter {
 public:
  struct Options {
    std::string endpoint{};  // "http://collector:4318", without /v1/traces; empty: tracing stays off
    std::int64_t sampled_percent = 100;
    std::string service = "souk";
    std::string version{};

    // SOUK_OTLP_ENDPOINT, otherwise OTEL_EXPORTER_OTLP_ENDPOINT; SOUK_TRACE_PERCENT.
    static Options from_settings(std::string version);
  };

  OtlpExporter(Runtime& runtime, Options options);
  ~OtlpExporter();  // sends what waits, for at most some seconds; not on a worker
  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

 private:
  Task<> run();
  Task<bool> send(std::vector<trace::Record> spans);

  Runtime& runtime_;
  Options options_;
  Client client_;
  TaskGroup group_;
  bool failing_ = false;
};

}  // namespace souk::http
