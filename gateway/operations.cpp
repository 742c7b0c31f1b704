#include "gateway/operations.hpp"

#include <map>
#include <memory>

#include "core/crypto.hpp"
#include "core/report.hpp"
#include "gateway/credentials.hpp"
#include "gateway/tracing.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/trace.hpp"

namespace souk::gateway {

struct CheckStatus {
  std::string status;  // ok or failed
  std::optional<std::string> detail;
};
BOOST_DESCRIBE_STRUCT(CheckStatus, (), (status, detail))

struct Readiness {
  std::string status;  // ready or not_ready
  std::map<std::string, CheckStatus> checks;
};
BOOST_DESCRIBE_STRUCT(Readiness, (), (status, checks))

namespace {

constexpr auto check_time = std::chrono::seconds(1);
using Checks = std::shared_ptr<const std::vector<ReadinessCheck>>;

Task<CheckStatus> run_check(const ReadinessCheck& check, Context context) {
  try {
    co_await check.check(context.limited(check_time));
    co_return CheckStatus{.status = "ok"};
  } catch (...) {
    const auto what = describe(std::current_exception());
    log::warning(context, "a readiness check failed", log::kv("check", check.name), log::kv("what", what));
    co_return CheckStatus{.status = "failed", .detail = what};
  }
}

Task<http::Response> ready(Checks checks, Context context) {
  Readiness readiness{.status = "ready"};
  for (const auto& check : *checks) {
    auto status = co_await run_check(check, context);
    if (status.status != "ok") readiness.status = "not_ready";
    readiness.checks[check.name] = std::move(status);
  }
  co_return http::reply(readiness, readiness.status == "ready" ? 200 : 503);
}

http::Response metrics_page() {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics::serialize()};
}

Task<http::Response> handle_internal(const http::Router& router, const std::string& key, http::Request request) {
  const auto credentials = credentials_of(request);
  if (!credentials) co_return http::problem(credentials.error(), request.context.request_id());
  if (*credentials) {
    if (key.empty() || !equal_constant_time((*credentials)->token, key)) {
      co_return http::problem(invalid_token().error(), request.context.request_id());
    }
    request.context = request.context.as_service("peer");
  }
  co_return co_await router.handle(std::move(request));
}

}  // namespace

void add_operations_routes(http::Router& router, std::vector<ReadinessCheck> checks) {
  const auto shared = std::make_shared<const std::vector<ReadinessCheck>>(std::move(checks));
  router.add_raw(http::Method::GET, "/healthz", {.operation_id = "get_health", .tag = "Operations"},
                 [](http::Request) { return http::detail::ready(http::Response{.body = R"({"status":"ok"})"}); });
  router.add_raw(http::Method::GET, "/readyz", {.operation_id = "get_readiness", .tag = "Operations"},
                 [shared](http::Request request) { return ready(shared, request.context); });
  router.add_raw(http::Method::GET, "/metrics",
                 {.operation_id = "get_metrics", .tag = "Operations", .media_type = "text/plain"},
                 [](http::Request) { return http::detail::ready(metrics_page()); });
}

std::function<Task<http::Response>(http::Request)> internal_handler(const http::Router& router, std::string key) {
  const auto shared = std::make_shared<const std::string>(std::move(key));
  return [&router, shared](http::Request request) {
    const auto answer = [&router, shared](http::Request asked) {
      return handle_internal(router, *shared, std::move(asked));
    };
    if (!trace::enabled()) return answer(std::move(request));
    // Calls between services belong to a trace; what looks at the process from outside does not.
    const auto* route = router.find(request.method, request.target);
    if (route == nullptr || route->info.access != http::Access::internal) return answer(std::move(request));
    return answer_traced(std::move(request), route->path, answer);
  };
}

}  // namespace souk::gateway
