#include "gateway/gateway.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "core/embedded.hpp"
#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "core/settings.hpp"
#include "gateway/credentials.hpp"
#include "gateway/tracing.hpp"
#include "telemetry/log.hpp"
#include "telemetry/trace.hpp"

namespace souk::gateway {

namespace pages {
std::span<const EmbeddedFile> embedded_files();  // docs.html
}

namespace {

Setting<std::int64_t> rate_limit_client("SOUK_RATE_LIMIT_CLIENT",
                                        "Requests a minute of one client address; 0 for no limit.", 6000, 0,
                                        1'000'000'000);
Setting<std::int64_t> rate_limit_session("SOUK_RATE_LIMIT_SESSION", "Requests a minute of one session; 0 for no limit.",
                                         3000, 0, 1'000'000'000);
Setting<bool> rate_limit_loopback("SOUK_RATE_LIMIT_LOOPBACK",
                                  "Whether clients on this machine (tests, a reverse proxy) have rate limits too.",
                                  false);
Setting<std::int64_t> max_in_flight("SOUK_MAX_IN_FLIGHT", "Requests that may run at once, without checkouts.", 1000, 1,
                                    1'000'000);
Setting<std::int64_t> max_in_flight_checkout("SOUK_MAX_IN_FLIGHT_CHECKOUT",
                                             "Checkouts and payments that may run at once.", 500, 1, 1'000'000);

Setting<std::int64_t> max_waiting("SOUK_MAX_WAITING",
                                  "Requests, without checkouts, that may wait for one of SOUK_MAX_IN_FLIGHT.", 1000, 0,
                                  1'000'000);
Setting<std::int64_t> max_waiting_checkout(
    "SOUK_MAX_WAITING_CHECKOUT", "Checkouts and payments that may wait for one of SOUK_MAX_IN_FLIGHT_CHECKOUT.", 1000,
    0, 1'000'000);

constexpr auto authentication_time = std::chrono::seconds(2);

std::optional<RateLimiter> limiter(std::int64_t per_minute) {
  if (per_minute == 0) return std::nullopt;
  return std::optional<RateLimiter>(std::in_place, per_minute);
}

bool is_loopback(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  return !error && parsed.is_loopback();
}

// A customer with IPv6 has a network of at least 64 bits to choose addresses from.
std::string client_key(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address_v6(address, error);
  if (error) return address;
  auto bytes = parsed.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

http::Response limited(const RateLimiter::Decision& decision, std::string_view request_id) {
  return http::problem(Error{.kind = ErrorKind::too_many_requests,
                             .code = "rate_limited",
                             .detail = "Too many requests; wait as long as Retry-After says.",
                             .retry_after_s = static_cast<int>(decision.retry_after_s)},
                       request_id);
}

void add_limit_headers(http::Response& response, const RateLimiter::Decision& decision) {
  response.with_header("RateLimit-Limit", std::to_string(decision.limit));
  response.with_header("RateLimit-Remaining", std::to_string(decision.remaining));
  response.with_header("RateLimit-Reset", std::to_string(decision.reset_s));
}

http::Response overloaded(std::string_view request_id) {
  return http::problem(Error{.kind = ErrorKind::unavailable,
                             .code = "overloaded",
                             .detail = "Too many requests at once; try again shortly.",
                             .retry_after_s = 1},
                       request_id);
}

http::Priority priority_of(const http::Route* route) {
  return route == nullptr ? http::Priority::normal : route->info.priority;
}

// Only the two who are limited: a static each, so that refusing looks nothing up.
metrics::Counter& limited_requests(std::string_view whose) {
  static const auto make = [](const char* limit) -> metrics::Counter& {
    return metrics::counter("souk_gateway_rate_limited_total", "Requests refused with 429.", {{"limit", limit}});
  };
  static auto& client = make("client");
  static auto& session = make("session");
  return whose == "client" ? client : session;
}

http::Response docs_page() {
  http::Response response{.content_type = "text/html; charset=utf-8",
                          .body = std::string(pages::embedded_files()[0].text)};
  response.with_header("Content-Security-Policy",
                       "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                       "base-uri 'none'; frame-ancestors 'none'");
  return response.with_header("Cache-Control", "no-cache");
}

}  // namespace

Options Options::from_settings(std::string version) {
  return {.version = std::move(version),
          .per_client_a_minute = rate_limit_client.get(),
          .per_session_a_minute = rate_limit_session.get(),
          .limit_loopback = rate_limit_loopback.get(),
          .admission = {.normal = {max_in_flight.get(), max_waiting.get()},
                        .checkout = {max_in_flight_checkout.get(), max_waiting_checkout.get()}}};
}

Gateway::Gateway(http::Router& router, Authenticator authenticator, Options options)
    : router_(router),
      authenticator_(std::move(authenticator)),
      options_(std::move(options)),
      clients_(limiter(options_.per_client_a_minute)),
      sessions_(limiter(options_.per_session_a_minute)),
      admission_(options_.admission) {
  add_documents();
  limited_requests("client").add(0);  // so that /metrics has both before the first refusal
}

void Gateway::add_documents() {
  router_.add_raw(http::Method::GET, "/openapi.json",
                  {.operation_id = "get_openapi",
                   .summary = "This API as an OpenAPI 3.1 document",
                   .tag = "Documents",
                   .conditional = true},
                  [this](http::Request) {
                    http::Response response{.shared_body = openapi_};
                    response.with_header("ETag", openapi_etag_).with_header("Cache-Control", "no-cache");
                    return http::detail::ready(std::move(response));
                  });
  router_.add_raw(
      http::Method::GET, "/docs",
      {.operation_id = "get_docs", .summary = "The API as a page", .tag = "Documents", .media_type = "text/html"},
      [](http::Request) { return http::detail::ready(docs_page()); });
}

std::function<Task<http::Response>(http::Request)> Gateway::handler() {
  openapi_ = std::make_shared<const std::string>(router_.openapi(options_.version));
  openapi_etag_ = http::etag_of(*openapi_);
  return [this](http::Request request) { return handle(std::move(request)); };
}

Task<http::Response> Gateway::handle(http::Request request) {
  const auto* route = router_.find(request.method, request.target);
  if (!trace::enabled()) return answer(std::move(request), route);
  return answer_traced(std::move(request), route == nullptr ? std::string_view("unmatched") : route->path,
                       [this, route](http::Request traced) { return answer(std::move(traced), route); });
}

// Refusals for overload come before everything that costs: limits take a lock, and sessions a call to Redis.
Task<http::Response> Gateway::answer(http::Request request, const http::Route* route) {
  const auto priority = priority_of(route);
  if (load_ != nullptr && load_->sheds(priority)) {
    admission_.note_shed(priority);
    co_return overloaded(request.context.request_id());
  }
  auto ticket = admission_.try_enter(priority);
  if (!ticket) {
    auto waited = co_await admission_.enter(priority);
    if (!waited) co_return overloaded(request.context.request_id());
    ticket.emplace(*std::move(waited));
  }
  const auto client = limit_client(request.client_address);
  if (client && !client->allowed) {
    limited_requests("client").add();
    auto response = limited(*client, request.context.request_id());
    add_limit_headers(response, *client);
    co_return response;
  }
  const auto caller = co_await authenticate(request, route);
  if (!caller) co_return http::problem(caller.error(), request.context.request_id());
  const auto session = limit_session(request.client_address, *caller);
  const auto& nearest = session ? session : client;
  http::Response response;
  if (session && !session->allowed) {
    limited_requests("session").add();
    response = limited(*session, request.context.request_id());
  } else {
    request.context = request.context.with_caller(*caller);
    response = co_await router_.handle(std::move(request));
    // All is done, and the client does not hear of it.
    if (route != nullptr && route->info.idempotency_key) SOUK_FAILPOINT("gateway.before_keyed_reply");
  }
  if (nearest) add_limit_headers(response, *nearest);
  co_return response;
}

bool Gateway::turns_away(http::Method method, std::string_view target) {
  return admission_.full(priority_of(router_.find(method, target)));
}

// An invalid token is refused on every route, so that a client learns that its session is over. An old cookie is not:
// the browser sends it whether the page wants it or not.
Task<Result<Caller>> Gateway::authenticate(const http::Request& request, const http::Route* route) {
  const auto credentials = credentials_of(request);
  if (!credentials) co_return std::unexpected(credentials.error());
  if (!*credentials) co_return Caller{};
  const Context context = request.context.limited(authentication_time);
  const bool may_go_on = route != nullptr && route->info.ignores_caller;
  try {
    auto caller = co_await authenticator_(context, (*credentials)->token);
    if (caller && caller->kind == Caller::Kind::service) throw std::logic_error("a session cannot be a service");
    if (caller || (caller.error().kind != ErrorKind::unauthenticated && !may_go_on)) co_return caller;
    if (caller.error().kind == ErrorKind::unauthenticated && !(*credentials)->from_cookie) co_return invalid_token();
    co_return Caller{};
  } catch (const Unavailable& e) {
    log::warning(context, "sessions cannot be looked up", log::kv("what", std::string_view(e.what())));
  } catch (const std::exception& e) {
    log::error(context, "authentication failed", log::kv("what", std::string_view(e.what())));
  }
  if (may_go_on) co_return Caller{};
  co_return refuse(ErrorKind::unavailable, "unavailable",
                   "Sessions cannot be looked up now; nothing was changed. Try again shortly.");
}

std::optional<RateLimiter::Decision> Gateway::limit_client(const std::string& address) {
  if (!clients_ || (!options_.limit_loopback && is_loopback(address))) return std::nullopt;
  return clients_->take(client_key(address));
}

std::optional<RateLimiter::Decision> Gateway::limit_session(const std::string& address, const Caller& caller) {
  if (!sessions_ || caller.session_id.empty()) return std::nullopt;
  if (!options_.limit_loopback && is_loopback(address)) return std::nullopt;
  return sessions_->take(caller.session_id);
}

}  // namespace souk::gateway
