#include "http/response_writer.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "telemetry/log.hpp"

namespace souk::http {
namespace {

// "Date: …" of this second.
const std::string& date_line() {
  thread_local std::time_t second = 0;
  thread_local std::string line;
  const auto now = std::time(nullptr);
  if (now != second) {
    second = now;
    line = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(now));
  }
  return line;
}

void add_number(std::string& out, std::size_t number) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (std::ranges::any_of(name, breaks) || std::ranges::any_of(value, breaks)) {
    log::error("a reply header with a line break was left out", log::kv("header", name));
    return;
  }
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

struct Seen {
  bool cache_control = false;
  bool content_type_options = false;
  bool referrer_policy = false;
};

Seen add_headers(std::string& out, const Headers& headers) {
  Seen seen;
  for (const auto& [name, value] : headers) {
    // Framing is decided here alone.
    if (equal_ignoring_case(name, "Content-Length") || equal_ignoring_case(name, "Transfer-Encoding") ||
        equal_ignoring_case(name, "Connection")) {
      continue;
    }
    seen.cache_control |= equal_ignoring_case(name, "Cache-Control");
    seen.content_type_options |= equal_ignoring_case(name, "X-Content-Type-Options");
    seen.referrer_policy |= equal_ignoring_case(name, "Referrer-Policy");
    add_header(out, name, value);
  }
  return seen;
}

bool is_json(std::string_view type) { return type.starts_with("application/json") || type.find("+json") != type.npos; }

}  // namespace

std::string_view write_response(std::string& out, const Response& response, const ReplyOptions& options) {
  const std::string_view body = response.shared_body ? *response.shared_body : response.body;
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  out += "HTTP/1.1 ";
  add_number(out, static_cast<std::size_t>(response.status));
  out.push_back(' ');
  out += reason_of(response.status);
  out += "\r\n";
  out += date_line();
  if (has_body) {
    if (!response.content_type.empty()) add_header(out, "Content-Type", response.content_type);
    out += "Content-Length: ";
    add_number(out, body.size());
    out += "\r\n";
  }
  const auto seen = add_headers(out, response.headers);
  if (!seen.content_type_options) out += "X-Content-Type-Options: nosniff\r\n";
  if (!seen.referrer_policy) out += "Referrer-Policy: no-referrer\r\n";
  if (!seen.cache_control && is_json(response.content_type)) out += "Cache-Control: no-store\r\n";
  add_header(out, "X-Request-Id", options.request_id);
  if (!options.keep_alive) {
    out += "Connection: close\r\n";
  } else if (options.http_10) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  if (!has_body || options.is_head) return {};
  if (body.size() > copied_body) return body;
  out += body;
  return {};
}

}  // namespace souk::http
