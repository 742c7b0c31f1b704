#pragma once

#include <optional>
#include <string>

#include "core/result.hpp"
#include "http/message.hpp"

namespace souk::gateway {

// What a request brings to say who asks.
struct Credentials {
  std::string token;
  bool from_cookie = false;
};

// The session token of `Authorization: Bearer`, otherwise of the cookie __Host-souk_session. Refuses an Authorization
// header that is not a bearer token, and writes by cookie that do not come from the same origin (another site's page
// makes the browser send the cookie, but cannot forge Origin).
Result<std::optional<Credentials>> credentials_of(const http::Request& request);

Refusal invalid_token();

}  // namespace souk::gateway
