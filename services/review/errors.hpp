#pragma once

#include "core/result.hpp"

namespace souk::review::errors {

inline Refusal not_found() { return refuse(ErrorKind::not_found, "review.not_found", "There is no such review."); }
inline Refusal already_reviewed() {
  return refuse(ErrorKind::conflict, "review.already_reviewed",
                "You have reviewed this product already; change that review instead.");
}
inline Refusal own_vote() {
  return refuse(ErrorKind::unprocessable, "review.own_vote", "Your own review cannot have your vote.");
}
inline Refusal invalid_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor", "The cursor is not one of this list; begin without it.");
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

}  // namespace souk::review::errors
