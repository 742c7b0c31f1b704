#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/task.hpp"
#include "http/router.hpp"

namespace souk::gateway {

// Something the process cannot work without. `check` throws when it cannot be used; its context ends after 1 s.
struct ReadinessCheck {
  std::string name;
  std::function<Task<>(Context)> check;
};

// GET /healthz (the process answers), /readyz (200, or 503 when a check fails; each check's status in the reply) and
// /metrics, for the internal port.
void add_operations_routes(http::Router& router, std::vector<ReadinessCheck> checks);

// The handler of the internal server. Routes with Access::internal need `Authorization: Bearer <key>`, the others
// nothing; with an empty key nobody gets in.
std::function<Task<http::Response>(http::Request)> internal_handler(const http::Router& router, std::string key);

}  // namespace souk::gateway
