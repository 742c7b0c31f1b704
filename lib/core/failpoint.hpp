#pragma once

#include <atomic>
#include <stdexcept>
#include <string_view>

#include "core/task.hpp"

// A named place where a test can break the program: SOUK_FAILPOINT("order.before_pivot_commit");
// Off unless set by the variable SOUK_FAILPOINT: comma-separated `name:action`, where action is
//   kill          SIGKILL to this process
//   error         throws FailpointError
//   delay(MS)     waits so many milliseconds
//   pause         waits until the file $SOUK_HOME/failpoint-release exists
// An action may end in `@N`: only the N-th time the place is reached (from 1). Costs one relaxed load when off.
// Only in coroutines.
#define SOUK_FAILPOINT(name)                                                \
  do {                                                                      \
    if (::souk::failpoints_armed()) co_await ::souk::reach_failpoint(name); \
  } while (false)

namespace souk {

struct FailpointError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads a specification as described above and arms it. Throws std::invalid_argument with a sentence on a bad one.
void arm_failpoints(std::string_view specification);

namespace detail {
inline std::atomic<bool> any_failpoint_armed = false;
}
inline bool failpoints_armed() { return detail::any_failpoint_armed.load(std::memory_order_relaxed); }

Task<> reach_failpoint(std::string_view name);

}  // namespace souk
