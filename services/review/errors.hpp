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

}  // namespace souk::review::errors
