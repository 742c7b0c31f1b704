#include "gateway/credentials.hpp"

#include <algorithm>

namespace souk::gateway {
namespace {

constexpr std::size_t longest_token = 512;
constexpr std::string_view cookie_name = "__Host-souk_session";

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= longest_token &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// Browsers send Origin with every write; those that do not say where a request comes from in Sec-Fetch-Site.
bool from_same_origin(const http::Request& request) {
  auto origin = request.header("Origin");
  if (origin.empty()) return request.header("Sec-Fetch-Site") == "same-origin";
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  origin.remove_prefix(scheme + 3);
  return http::equal_ignoring_case(origin, request.header("Host"));
}

}  // namespace

Refusal invalid_token() {
  return refuse(ErrorKind::unauthenticated, "auth.invalid_token", "The session is unknown or over; log in again.");
}

Result<std::optional<Credentials>> credentials_of(const http::Request& request) {
  auto authorization = request.header("Authorization");
  if (!authorization.empty()) {
    const auto space = std::min(authorization.find(' '), authorization.size());
    const bool bearer = http::equal_ignoring_case(authorization.substr(0, space), "Bearer");
    authorization.remove_prefix(space);
    while (authorization.starts_with(' ')) authorization.remove_prefix(1);
    if (!bearer || !is_token(authorization)) return invalid_token();
    return Credentials{.token = std::string(authorization)};
  }
  auto cookie = request.cookie(cookie_name);
  if (!cookie || !is_token(*cookie)) return std::nullopt;
  if (request.method != http::Method::GET && !from_same_origin(request)) {
    return refuse(ErrorKind::forbidden, "auth.cross_origin",
                  "Writes with a cookie must come from the shop's own pages.");
  }
  return Credentials{.token = *std::move(cookie), .from_cookie = true};
}

}  // namespace souk::gateway
