#pragma once

#include <array>
#include <atomic>
#include <string>

#include "telemetry/metrics.hpp"

namespace souk::http {

// souk_http_requests_total{route,method,status} and souk_http_request_seconds{route} of one route.
class RouteMetrics {
 public:
  RouteMetrics(std::string method, std::string route);

  void observe(int status, double seconds);

 private:
  std::string method_;
  std::string route_;
  metrics::Histogram& seconds_;
  // A counter is made when its status is first seen, so that /metrics lists none that never happened.
  std::array<std::atomic<metrics::Counter*>, 500> counters_{};  // by status - 100
};

}  // namespace souk::http
