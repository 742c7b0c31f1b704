#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "json/json.hpp"

namespace souk::http {

// OTHER stands for every method that no route has; HEAD reaches a handler as GET.
BOOST_DEFINE_ENUM_CLASS(Method, GET, POST, PUT, PATCH, DELETE, OTHER)

using Headers = std::vector<std::pair<std::string, std::string>>;

// A request as a handler sees it: complete, within the limits, its path matched.
struct Request {
  Context context;
  Method method{};
  std::string target;  // as sent: path and query
  std::string path;    // decoded
  std::vector<std::pair<std::string, std::string>> path_parameters;
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  Headers headers;
  std::string body;
  std::string client_address;  // of the connection; never from X-Forwarded-For

  // Case-insensitive; empty when absent.
  std::string_view header(std::string_view name) const;
  // "{id}" of the route's path. Throws std::logic_error for a name the route does not have.
  const std::string& parameter(std::string_view name) const;
  std::optional<std::string> cookie(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Set instead of `body` for bytes that many replies share (caches): they are sent without a copy.
  std::shared_ptr<const std::string> shared_body;
  Headers headers;

  Response& with_header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

// JSON reply of a value that was found or made.
template <class T>
Response reply(const T& value, int status = 200) {
  return Response{.status = status, .body = json::write(value)};
}
Response no_content();

// RFC 9457 application/problem+json for a refusal; the one place where an ErrorKind becomes a status.
Response problem(const Error& error, std::string_view request_id);
int status_of(ErrorKind kind);
// "Not Found" for 404; "Unknown" for a status that HTTP does not name.
std::string_view reason_of(int status);

// The body of every refusal (RFC 9457).
struct Problem {
  std::string type;
  std::string title;
  int status = 0;
  std::string detail;
  std::string code;
  std::string request_id;
  std::optional<std::vector<FieldError>> errors;
};

template <class T>
Response reply(const Result<T>& result, const Request& request, int status = 200) {
  return result ? reply(*result, status) : problem(result.error(), request.context.request_id());
}

// Strong entity tag of a body: the first half of its SHA-256.
std::string etag_of(std::string_view body);
// Whether a list of entity tags (If-None-Match, If-Match) names `etag`; "*" names every one.
bool lists_etag(std::string_view list, std::string_view etag);
// For writes: 412 request.precondition_failed when the request has an If-Match that does not name the object's tag.
Result<void> check_if_match(const Request& request, std::string_view etag);

// Header names and the like: ASCII letters of either case are the same.
bool equal_ignoring_case(std::string_view a, std::string_view b);

BOOST_DESCRIBE_STRUCT(Problem, (), (type, title, status, detail, code, request_id, errors))

}  // namespace souk::http

namespace souk {
BOOST_DESCRIBE_STRUCT(FieldError, (), (field, code, detail))
}
