#include "http/message.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/crypto.hpp"

namespace souk::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

const std::string& Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : path_parameters) {
    if (key == name) return value;
  }
  throw std::logic_error("the route has no parameter " + std::string(name));
}

std::optional<std::string> Request::cookie(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (!equal_ignoring_case(key, "cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name)
        return std::string(pair.substr(equals + 1));
    }
  }
  return std::nullopt;
}

Response no_content() { return Response{.status = 204, .content_type = ""}; }

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return 400;
    case ErrorKind::unauthenticated: return 401;
    case ErrorKind::payment_required: return 402;
    case ErrorKind::forbidden: return 403;
    case ErrorKind::not_found: return 404;
    case ErrorKind::method_not_allowed: return 405;
    case ErrorKind::conflict: return 409;
    case ErrorKind::precondition_failed: return 412;
    case ErrorKind::too_large: return 413;
    case ErrorKind::unsupported_media_type: return 415;
    case ErrorKind::unprocessable: return 422;
    case ErrorKind::too_many_requests: return 429;
    case ErrorKind::internal: return 500;
    case ErrorKind::unavailable: return 503;
    case ErrorKind::timeout: return 504;
  }
  std::unreachable();
}

std::string_view reason_of(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

Response problem(const Error& error, std::string_view request_id) {
  const int status = status_of(error.kind);
  Problem body{.type = "urn:souk:problem:" + error.code,
               .title = std::string(reason_of(status)),
               .status = status,
               .detail = error.detail,
               .code = error.code,
               .request_id = std::string(request_id)};
  if (error.kind == ErrorKind::internal) body.detail = "Something went wrong on our side; it has been logged.";
  if (!error.errors.empty()) body.errors = error.errors;
  Response response{.status = status, .content_type = "application/problem+json", .body = json::write(body)};
  if (status == 401) response.with_header("WWW-Authenticate", "Bearer");
  if (error.retry_after_s) {
    response.with_header("Retry-After", std::to_string(*error.retry_after_s));
  } else if (status == 429 || status == 503) {
    response.with_header("Retry-After", "1");
  }
  return response;
}

std::string etag_of(std::string_view body) {
  const auto digest = sha256(body);
  return "\"" + hex(std::span(digest).first(16)) + "\"";
}

bool lists_etag(std::string_view list, std::string_view etag) {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto tag = trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

Result<void> check_if_match(const Request& request, std::string_view etag) {
  const auto wanted = request.header("If-Match");
  if (wanted.empty() || lists_etag(wanted, etag)) return {};
  return refuse(ErrorKind::precondition_failed, "request.precondition_failed",
                "The object has changed since you read it; read it again and repeat your change.");
}

}  // namespace souk::http
