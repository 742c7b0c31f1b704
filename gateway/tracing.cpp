#include "gateway/tracing.hpp"

#include "telemetry/trace.hpp"

namespace souk::gateway {

Task<http::Response> answer_traced(http::Request request, std::string_view route,
                                   std::function<Task<http::Response>(http::Request)> answer) {
  auto span = trace::Span::of_request(request.context, json::enum_name(request.method), route);
  auto response = co_await answer(std::move(request));
  span.set("http.response.status_code", response.status);
  if (response.status >= 500) span.fail();
  co_return response;
}

}  // namespace souk::gateway
