#include "http/router.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "core/blocking_pool.hpp"
#include "core/failure.hpp"
#include "core/report.hpp"
#include "http/route_metrics.hpp"
#include "http/url.hpp"
#include "telemetry/log.hpp"

namespace souk::http {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);
constexpr auto method_count = static_cast<std::size_t>(Method::OTHER);

Response refusal(const Request& request, ErrorKind kind, std::string code, std::string detail) {
  return problem(Error{.kind = kind, .code = std::move(code), .detail = std::move(detail)},
                 request.context.request_id());
}

// Splits "/a/b" into "a" and "b". The segments stay as sent, so that an escaped slash does not separate.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.starts_with('/')) return segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool has_escape(std::string_view text) { return text.find('%') != std::string_view::npos; }

std::optional<Error> refuse_access(Access access, const Caller& caller) {
  const bool needs_session = access == Access::customer || access == Access::admin;
  if (needs_session && !caller.is_customer()) {
    return Error{.kind = ErrorKind::unauthenticated,
                 .code = "auth.required",
                 .detail = "Log in and send the session token as Authorization: Bearer."};
  }
  if (access == Access::admin && !caller.is_admin()) {
    return Error{.kind = ErrorKind::forbidden, .code = "auth.forbidden", .detail = "Only administrators may do this."};
  }
  // Not even its existence is told outside.
  if (access == Access::internal && caller.kind != Caller::Kind::service) {
    return Error{.kind = ErrorKind::not_found, .code = "route.not_found", .detail = "There is nothing at this path."};
  }
  return std::nullopt;
}

std::optional<Error> refuse_key(const Request& request) {
  const auto key = request.header("Idempotency-Key");
  const bool printable = std::ranges::all_of(key, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!key.empty() && key.size() <= 255 && printable) return std::nullopt;
  return Error{
      .kind = ErrorKind::invalid,
      .code = "idempotency.key_required",
      .detail = "Send an Idempotency-Key header of 1 to 255 printable ASCII characters, new for each attempt."};
}

bool is_json(std::string_view content_type) {
  const auto end = content_type.find_first_of("; \t");
  return equal_ignoring_case(content_type.substr(0, end), "application/json");
}

// The answer for an exception. Its text is for the log alone.
Response answer_exception(const Context& context, const Route& route) {
  Error error{.kind = ErrorKind::internal, .code = "internal", .detail = ""};
  const auto exception = std::current_exception();
  try {
    throw;
  } catch (const Overloaded&) {
    error = {.kind = ErrorKind::unavailable,
             .code = "overloaded",
             .detail = "Too many requests at once; try again shortly.",
             .retry_after_s = 1};
  } catch (const Unavailable&) {
    error = {.kind = ErrorKind::unavailable,
             .code = "unavailable",
             .detail = "A part of the shop cannot be reached now; nothing was changed. Try again shortly.",
             .retry_after_s = 2};
  } catch (const UnknownOutcome&) {
    error = {.kind = ErrorKind::timeout,
             .code = "timeout",
             .detail = "No answer in time: it may have happened. Look it up, or repeat with the same Idempotency-Key."};
  } catch (...) {  // a bug: the default
  }
  const auto level = error.kind == ErrorKind::internal ? log::Level::error : log::Level::warning;
  log::write(level, &context, "request failed", log::kv("operation", route.info.operation_id),
             log::kv("what", describe(exception)));
  return problem(error, context.request_id());
}

// ETag and If-None-Match for the reply of a single object (RFC 9110 section 13.1.2).
void make_conditional(Response& response, std::string_view if_none_match) {
  if (response.status != 200) return;
  const auto named = [](std::string_view name) {
    return [name](const auto& header) { return equal_ignoring_case(header.first, name); };
  };
  auto tag = std::ranges::find_if(response.headers, named("ETag"));
  if (tag == response.headers.end()) {
    response.with_header("ETag", etag_of(response.shared_body ? *response.shared_body : response.body));
    tag = std::prev(response.headers.end());
  }
  const bool unchanged = !if_none_match.empty() && lists_etag(if_none_match, tag->second);
  if (std::ranges::none_of(response.headers, named("Cache-Control"))) {
    response.with_header("Cache-Control", "private, no-cache");  // may be kept, must be asked for again
  }
  if (!unchanged) return;
  response.status = 304;
  response.body.clear();
  response.shared_body.reset();
}

Task<Response> run(const Route& route, Request request) {
  const Context context = request.context;
  try {
    co_return co_await route.handler(std::move(request));
  } catch (...) {
    co_return answer_exception(context, route);
  }
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::array<std::size_t, method_count> routes;  // by method
  bool ends = false;

  Node() { routes.fill(none); }
};

struct Router::Match {
  std::size_t route = none;
  std::vector<Method> allowed;  // of the path, whatever the method
};

struct Router::Measures : RouteMetrics {
  using RouteMetrics::RouteMetrics;
};

namespace {

// All ends of the tree that the path reaches, the most literal first.
template <class Node, class Visit>
bool walk(const Node& node, std::span<const std::string_view> segments, Visit& visit) {
  if (segments.empty()) return node.ends && visit(node);
  const auto rest = segments.subspan(1);
  const auto literal = node.literals.find(segments[0]);
  if (literal != node.literals.end() && walk(*literal->second, rest, visit)) return true;
  return node.parameter && !segments[0].empty() && walk(*node.parameter, rest, visit);
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

// What stands in `path` where the route's pattern has "{name}".
std::vector<std::pair<std::string, std::string>> parameters_of(std::string_view pattern, std::string_view path) {
  std::vector<std::pair<std::string, std::string>> parameters;
  const auto names = segments_of(pattern);
  const auto values = segments_of(path);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!is_parameter(names[i])) continue;
    parameters.emplace_back(names[i].substr(1, names[i].size() - 2), percent_decode(values[i]).value_or(""));
  }
  return parameters;
}

Response not_allowed(const Request& request, const std::vector<Method>& allowed) {
  std::string allow;
  for (const auto each : allowed) {
    if (!allow.empty()) allow += ", ";
    allow += json::enum_name(each);
    if (each == Method::GET) allow += ", HEAD";
  }
  auto response =
      refusal(request, ErrorKind::method_not_allowed, "route.method_not_allowed", "This path allows " + allow + ".");
  return response.with_header("Allow", allow);
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {
  measures_.push_back(std::make_unique<Measures>("none", "unmatched"));
}

Router::~Router() = default;

void Router::insert(Route route) {
  const auto name = std::string(json::enum_name(route.method)) + " " + route.path;
  if (!route.path.starts_with('/') || route.method == Method::OTHER) throw std::logic_error("not a route: " + name);
  Node* node = root_.get();
  for (const auto segment : segments_of(route.path)) {
    if (is_parameter(segment) ? segment.size() < 3 || !segment.ends_with('}') : segment.find('{') != segment.npos) {
      throw std::logic_error("not a route: " + name);
    }
    auto& next = is_parameter(segment) ? node->parameter : node->literals[std::string(segment)];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  auto& place = node->routes[static_cast<std::size_t>(route.method)];
  if (place != none) throw std::logic_error("two routes " + name);
  place = routes_.size();
  node->ends = true;
  measures_.insert(std::prev(measures_.end()),
                   std::make_unique<Measures>(std::string(json::enum_name(route.method)), route.path));
  routes_.push_back(std::move(route));
}

void Router::add_raw(Method method, std::string path, RouteInfo info, Handler handler) {
  insert(Route{.method = method, .path = std::move(path), .info = std::move(info), .handler = std::move(handler)});
}

Router::Match Router::match(Method method, std::string_view target) const {
  const auto segments = segments_of(path_of(target));
  // Escaped segments are rare: their decoded texts are kept only as long as the search.
  std::vector<std::string> decoded(has_escape(target) ? segments.size() : 0);
  std::vector<std::string_view> compared(segments);
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    decoded[i] = percent_decode(segments[i]).value_or("");
    compared[i] = decoded[i];
  }
  Match found;
  if (segments.empty()) return found;
  auto visit = [&](const Node& node) {
    if (method != Method::OTHER) found.route = node.routes[static_cast<std::size_t>(method)];
    for (std::size_t i = 0; i < method_count; ++i) {
      const auto each = static_cast<Method>(i);
      if (node.routes[i] != none && std::ranges::find(found.allowed, each) == found.allowed.end()) {
        found.allowed.push_back(each);
      }
    }
    return found.route != none;
  };
  walk(*root_, std::span<const std::string_view>(compared), visit);
  return found;
}

const Route* Router::find(Method method, std::string_view target) const {
  const auto index = match(method, target).route;
  return index == none ? nullptr : &routes_[index];
}

std::size_t Router::body_limit(Method method, std::string_view target) const {
  const auto* route = find(method, target);
  return route == nullptr ? RouteInfo{}.body_limit : route->info.body_limit;
}

Task<Response> Router::handle(Request request) const {
  const auto started = Clock::now();
  const Context context = request.context;
  const auto method = request.method;
  const auto path = request.path;
  if (request.target.empty()) request.target = percent_encode_path(request.path);
  const auto found = match(method, request.target);
  Response response;
  if (found.route != none) {
    request.path_parameters = parameters_of(routes_[found.route].path, path_of(request.target));
    response = co_await answer(found.route, std::move(request));
  } else if (found.allowed.empty()) {
    response = refusal(request, ErrorKind::not_found, "route.not_found", "There is nothing at this path.");
  } else {
    response = not_allowed(request, found.allowed);
  }
  const auto seconds = std::chrono::duration<double>(Clock::now() - started).count();
  (found.route == none ? measures_.back() : measures_[found.route])->observe(response.status, seconds);
  log::debug(context, "request", log::kv("method", method), log::kv("path", path), log::kv("status", response.status),
             log::kv("seconds", seconds));
  co_return response;
}

Task<Response> Router::answer(std::size_t index, Request request) const {
  const auto& route = routes_[index];
  const auto& info = route.info;
  if (const auto error = refuse_access(info.access, request.context.caller())) {
    co_return problem(*error, request.context.request_id());
  }
  if (request.body.size() > info.body_limit) {
    co_return refusal(request, ErrorKind::too_large, "request.too_large",
                      "The body may have at most " + std::to_string(info.body_limit) + " bytes here.");
  }
  if (info.idempotency_key) {
    if (const auto error = refuse_key(request)) co_return problem(*error, request.context.request_id());
  }
  request.context = request.context.limited(info.time_limit);
  const bool conditional = info.conditional && route.method == Method::GET;
  const std::string if_none_match(conditional ? request.header("If-None-Match") : "");
  auto response = co_await run(route, std::move(request));
  if (conditional) make_conditional(response, if_none_match);
  co_return response;
}

Result<void> detail::check_body(const Request& request, bool expects_body) {
  if (!expects_body) {
    // Many clients send an empty object where nothing is wanted.
    if (request.body.empty() || request.body == "{}") return {};
    return refuse(ErrorKind::invalid, "request.unexpected_body", "This request takes no body.");
  }
  if (request.body.empty()) {
    return refuse(ErrorKind::invalid, "request.malformed", "A JSON body is required.");
  }
  if (!is_json(request.header("Content-Type"))) {
    return refuse(ErrorKind::unsupported_media_type, "request.unsupported_media_type",
                  "Send the body as Content-Type: application/json.");
  }
  return {};
}

}  // namespace souk::http
