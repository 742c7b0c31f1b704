#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "gateway/admission.hpp"
#include "gateway/load.hpp"
#include "gateway/rate_limiter.hpp"
#include "http/router.hpp"

namespace souk::gateway {

// Who a session token belongs to. Refuses as `unauthenticated` one that is unknown, over or revoked.
using Authenticator = std::function<Task<Result<Caller>>(Context context, std::string token)>;

struct Options {
  std::string version = "0";
  std::int64_t per_client_a_minute = 6000;  // 0: no limit
  std::int64_t per_session_a_minute = 3000;
  bool limit_loopback = false;  // whether clients on this machine have limits too
  Admission::Limits admission{};

  // As the settings SOUK_RATE_LIMIT_…, SOUK_MAX_IN_FLIGHT… and SOUK_MAX_WAITING… say.
  static Options from_settings(std::string version);
};

// What stands between the public port and the routes: limits, admission, authentication. Adds /openapi.json and /docs.
class Gateway {
 public:
  // The router outlives the gateway, and the gateway the server.
  Gateway(http::Router& router, Authenticator authenticator, Options options);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // For the public server; after all routes were added.
  std::function<Task<http::Response>(http::Request)> handler();

  Task<http::Response> handle(http::Request request);

  // Turns requests away by measured delay; the monitor outlives the server. Before the first request.
  void watch(LoadMonitor& load) { load_ = &load; }
  // For ServerOptions::refuse: whether a request whose body has not arrived would be turned away in any case.
  bool turns_away(http::Method method, std::string_view target);

 private:
  Task<http::Response> answer(http::Request request, const http::Route* route);
  void add_documents();
  Task<Result<Caller>> authenticate(const http::Request& request, const http::Route* route);
  std::optional<RateLimiter::Decision> limit_client(const std::string& address);
  std::optional<RateLimiter::Decision> limit_session(const std::string& address, const Caller& caller);

  http::Router& router_;
  Authenticator authenticator_;
  Options options_;
  std::optional<RateLimiter> clients_;
  std::optional<RateLimiter> sessions_;
  Admission admission_;
  LoadMonitor* load_ = nullptr;
  std::shared_ptr<const std::string> openapi_;
  std::string openapi_etag_;
};

}  // namespace souk::gateway
