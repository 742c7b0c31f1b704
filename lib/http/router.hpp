#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.hpp"
#include "http/message.hpp"

namespace souk::http {

// Who may use a route. The gateway's authentication fills Context::caller; the router refuses with 401 or 403.
enum class Access {
  anyone,    // works without a session; with one, the caller is known
  customer,  // needs a session
  admin,     // needs a session of an admin
  internal   // internal port only
};

enum class Priority { normal, checkout };  // admission classes under overload: checkout before browsing

// A route's definition: the router, OpenAPI and validation come from it alone.
struct RouteInfo {
  std::string operation_id;  // "add_cart_item"
  std::string summary;
  std::string tag;  // "Carts"
  Access access = Access::anyone;
  int success_status = 200;
  std::vector<int> other_statuses{};  // e.g. 202 of a checkout; same schema unless documented in the summary
  // Stable codes this operation itself refuses with; "409 order.already_shipped" documents the status as well.
  std::vector<std::string> errors{};
  bool idempotency_key = false;  // the Idempotency-Key header is required
  bool conditional = false;      // GET of a single object: ETag, If-None-Match
  std::size_t body_limit = 64 * 1024;
  Duration time_limit = std::chrono::seconds(10);
  Priority priority = Priority::normal;
  // The reply is the same for everybody: it is given even while sessions cannot be looked up.
  bool ignores_caller = false;
  std::string media_type = "application/json";  // of the reply, for add_raw
};

struct NoBody {};
BOOST_DESCRIBE_STRUCT(NoBody, (), ())
struct NoQuery {};
BOOST_DESCRIBE_STRUCT(NoQuery, (), ())

using Handler = std::function<Task<Response>(Request)>;

// What the router knows of a route, schemas included.
struct Route {
  Method method{};
  std::string path;  // "/v1/carts/{id}/items"
  RouteInfo info;
  // JSON Schemas, written into the given collection; empty text for none.
  std::function<std::string(json::Schemas&)> request_schema;
  std::function<std::string(json::Schemas&)> reply_schema;
  std::function<std::vector<std::pair<std::string, std::string>>(json::Schemas&)> query_schema;  // name -> schema
  std::vector<std::string> required_query{};
  Handler handler;
};

// Collects the routes of all services. Matching is by segments; a literal beats a parameter. Routes are added before
// the first request; add throws std::logic_error for a route that is there already or whose path is not "/a/{b}".
class Router {
 public:
  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // A handler that decodes nothing itself: body and query were read and validated.
  //   router.add<AddItem, NoQuery, Cart>(Method::POST, "/v1/carts/{id}/items", {.operation_id = "add_cart_item", …},
  //       [&carts](Request request, AddItem body, NoQuery) { return add_item(carts, std::move(request),
  //       std::move(body)); });
  // `handler` returns Task<Result<Reply>> (answered with info.success_status, or as a problem), or Task<Response>
  // where a reply needs headers or another status. It must not be a capturing lambda coroutine itself.
  template <class Body, class Query, class Reply, class F>
  void add(Method method, std::string path, RouteInfo info, F handler);

  // For replies that are not JSON: pictures, metrics.
  void add_raw(Method method, std::string path, RouteInfo info, Handler handler);

  const std::vector<Route>& routes() const { return routes_; }

  // The route that would answer; null when there is none. `target` is a path, with or without query, as sent.
  const Route* find(Method method, std::string_view target) const;
  // The body that the route takes; the default of RouteInfo where there is no route.
  std::size_t body_limit(Method method, std::string_view target) const;

  // Decides everything before the handler: 404, 405 with Allow, access, media type, Idempotency-Key, the route's time
  // limit. Never throws: exceptions become problems here (Unavailable and Overloaded: 503 with Retry-After;
  // UnknownOutcome and DeadlineExceeded: 504; others: 500, text only in the log).
  Task<Response> handle(Request request) const;

  // OpenAPI 3.1 of the public routes.
  std::string openapi(std::string_view version) const;

 private:
  struct Node;
  struct Match;
  struct Measures;
  void insert(Route route);
  Match match(Method method, std::string_view target) const;
  Task<Response> answer(std::size_t index, Request request) const;

  std::vector<Route> routes_;
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Measures>> measures_;  // one a route, and the last for requests that match none
};

}  // namespace souk::http

#include "http/router_detail.hpp"
