#pragma once

#include "core/result.hpp"

// The refusals of the notification service.
namespace souk::notification::errors {

inline Refusal invalid_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor", "The cursor is not one of this list; begin without one.");
}

inline Refusal not_found() {
  return refuse(ErrorKind::not_found, "notification.not_found", "There is no such message.");
}

inline Refusal already_sent() {
  return refuse(ErrorKind::conflict, "notification.already_sent",
                "The mail was handed over. A second one would only confuse its reader.");
}

}  // namespace souk::notification::errors
