#pragma once

#include "core/result.hpp"

// The refusals of the notification service.
namespace souk::notification::errors {

inline Refusal invalid_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor", "The cursor is not one of this list; begin without one.");
}

}  // namespace souk::notification::errors
