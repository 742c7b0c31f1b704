#pragma once

#include <stdexcept>

namespace souk {

// A dependency cannot be used now, and nothing was done: asking again later is safe. Answered with 503.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The answer was lost after the request was sent: it happened or it did not. Look the result up by its key; never run
// it again blindly. Answered with 504.
struct UnknownOutcome : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The time of the request was over before the work was done. Answered with 504.
struct DeadlineExceeded : UnknownOutcome {
  using UnknownOutcome::UnknownOutcome;
};

}  // namespace souk
