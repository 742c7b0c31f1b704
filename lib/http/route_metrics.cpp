#include "http/route_metrics.hpp"

#include <algorithm>

namespace souk::http {

RouteMetrics::RouteMetrics(std::string method, std::string route)
    : method_(std::move(method)),
      route_(std::move(route)),
      seconds_(metrics::histogram("souk_http_request_seconds", "Time to answer a request.", {{"route", route_}})) {}

void RouteMetrics::observe(int status, double seconds) {
  const auto code = std::clamp(status, 100, 599);
  auto& place = counters_[static_cast<std::size_t>(code - 100)];
  auto* counter = place.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter = &metrics::counter("souk_http_requests_total", "Requests answered.",
                                {{"route", route_}, {"method", method_}, {"status", std::to_string(code)}});
    place.store(counter, std::memory_order_release);
  }
  counter->add();
  seconds_.observe(seconds);
}

}  // namespace souk::http
