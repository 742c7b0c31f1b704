#pragma once

#include "core/result.hpp"

namespace souk::search::errors {

inline Refusal not_ready() {
  Error error{.kind = ErrorKind::unavailable,
              .code = "search.not_ready",
              .detail = "The search index is being built; try again in a few seconds.",
              .retry_after_s = 2};
  return Refusal(std::move(error));
}

}  // namespace souk::search::errors
