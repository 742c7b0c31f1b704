#pragma once

#include "core/result.hpp"

// The refusals of the user service.
namespace souk::user::errors {

inline Refusal invalid_credentials() {
  return refuse(ErrorKind::unauthenticated, "auth.invalid_credentials", "The e-mail or the password is wrong.");
}

inline Refusal too_many_attempts(int retry_after_s) {
  return Refusal(Error{.kind = ErrorKind::too_many_requests,
                       .code = "auth.too_many_attempts",
                       .detail = "Too many logins have failed; wait as long as Retry-After says.",
                       .retry_after_s = retry_after_s});
}

inline Refusal suspended() {
  return refuse(ErrorKind::forbidden, "auth.suspended", "This account is suspended. Write to the shop.");
}

inline Refusal invalid_refresh_token() {
  return refuse(ErrorKind::unauthenticated, "auth.invalid_refresh_token",
                "The refresh token is unknown, used or over. Log in again.");
}

inline Refusal password_is_email() {
  return refuse(ErrorKind::unprocessable, "auth.password_is_email", "Choose a password that is not your e-mail.");
}

inline Refusal not_found() { return refuse(ErrorKind::not_found, "user.not_found", "There is no such account."); }

inline Refusal email_taken() {
  return refuse(ErrorKind::conflict, "user.email_taken", "There is an account with this e-mail already.");
}

inline Refusal address_not_found() {
  return refuse(ErrorKind::not_found, "user.address_not_found", "You have no such address.");
}

inline Refusal too_many_addresses() {
  return refuse(ErrorKind::conflict, "user.too_many_addresses", "Delete an address first: 50 are the most.");
}

inline Refusal precondition_failed() {
  return refuse(ErrorKind::precondition_failed, "request.precondition_failed",
                "The object has changed since you read it; read it again and repeat your change.");
}

// Wrong fields of the input, as the JSON reader reports them.
inline Refusal invalid(std::vector<FieldError> fields) {
  return Refusal(Error{.kind = ErrorKind::invalid,
                       .code = "request.invalid",
                       .detail = "Some fields are missing or wrong; see errors.",
                       .errors = std::move(fields)});
}

}  // namespace souk::user::errors
