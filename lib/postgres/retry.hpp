#pragma once

#include <chrono>
#include <exception>
#include <type_traits>

#include "core/context.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "postgres/error.hpp"

namespace souk::pg {

// Waits a random time below `limit` (full jitter). False when the context has not so much time left.
Task<bool> sleep_before_retry(Context context, Duration limit);

// Calls `function` again, up to 3 attempts in all, while it throws a transient Error (serialization failure, deadlock).
// `function` runs the whole transaction from its begin(): a callable, not itself a coroutine, that returns a Task:
//   co_return co_await pg::retry_transient(context, [&] { return reserve_once(context, request); });
template <class Function>
std::invoke_result_t<Function&> retry_transient(Context context, Function function) {
  constexpr int attempts = 3;
  Duration limit = std::chrono::milliseconds(10);
  for (int attempt = 1;; ++attempt, limit *= 4) {
    std::exception_ptr failure;
    try {
      co_return co_await function();
    } catch (const Error& error) {
      if (!error.is_transient() || attempt == attempts) throw;
      failure = std::current_exception();
    }
    if (!co_await sleep_before_retry(context, limit)) std::rethrow_exception(failure);
  }
}

}  // namespace souk::pg
