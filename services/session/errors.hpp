#pragma once

#include "core/result.hpp"

// The refusals of the session service.
namespace souk::session::errors {

inline Refusal invalid_token() {
  return refuse(ErrorKind::unauthenticated, "auth.invalid_token", "The session is unknown or over. Log in again.");
}

inline Refusal not_found() { return refuse(ErrorKind::not_found, "session.not_found", "You have no such session."); }

inline Refusal not_ready() {
  return Refusal(Error{.kind = ErrorKind::unavailable,
                       .code = "session.not_ready",
                       .detail = "Sessions cannot be checked yet. Try again in a moment.",
                       .retry_after_s = 1});
}

}  // namespace souk::session::errors
