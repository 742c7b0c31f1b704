#include <fmt/format.h>

#include "loop.hpp"

namespace souk::load {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string times(const Histogram& histogram) {
  return fmt::format(R"({{"mean": {:.1f}, "p50": {}, "p90": {}, "p99": {}, "p999": {}, "max": {}}})", histogram.mean(),
                     histogram.percentile(50), histogram.percentile(90), histogram.percentile(99),
                     histogram.percentile(99.9), histogram.max());
}

}  // namespace

std::string Measured::to_json() const {
  std::string why;
  for (const auto& [reason, count] : reasons)
    why += fmt::format("{}{}: {}", why.empty() ? "" : ", ", quoted(reason), count);
  return fmt::format(
      R"({{"operations": {}, "total": {}, "failures": {}, "unfinished": {}, "seconds": {:.6f}, "rate": {:.2f}, "cpu_seconds": {:.6f}, )"
      R"("latency_us": {}, "last_request_us": {}, "reasons": {{{}}}}})",
      operations, total, failures, unfinished, seconds, seconds > 0 ? static_cast<double>(operations) / seconds : 0.0,
      cpu_seconds, times(latency), times(last_request), why);
}

}  // namespace souk::load
