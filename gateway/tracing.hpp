#pragma once

#include <functional>
#include <string_view>

#include "core/task.hpp"
#include "http/message.hpp"

namespace souk::gateway {

// Answers a request within a span of its own, which carries the client's trace on. For while tracing is on.
// `route` outlives the call.
Task<http::Response> answer_traced(http::Request request, std::string_view route,
                                   std::function<Task<http::Response>(http::Request)> answer);

}  // namespace souk::gateway
