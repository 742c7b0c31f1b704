#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/task.hpp"

namespace souk {

// Thrown when more work waits than a bounded queue holds; the HTTP layer answers 503 with Retry-After.
struct Overloaded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Threads for what blocks: hashing, files, blocking clients. Bounded: more than `queue` waiting jobs throw Overloaded.
class BlockingPool {
 public:
  BlockingPool(std::size_t threads, std::size_t queue) : queue_(queue), pool_(threads) {}
  ~BlockingPool() { pool_.join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `function` on a pool thread and resumes the caller on its own worker with the result or the exception.
  template <class Function>
  Task<std::invoke_result_t<Function>> run(Function function);

 private:
  std::size_t queue_;
  std::atomic<std::size_t> waiting_ = 0;
  asio::thread_pool pool_;
};

template <class Function>
Task<std::invoke_result_t<Function>> BlockingPool::run(Function function) {
  using Value = std::invoke_result_t<Function>;
  static_assert(!std::is_void_v<Value>, "return something, so that the caller sees that it is done");
  if (waiting_.fetch_add(1) >= queue_) {
    waiting_.fetch_sub(1);
    throw Overloaded("blocking pool is full");
  }
  const auto executor = co_await asio::this_coro::executor;
  auto job = [this, executor, function = std::move(function)](auto handler) mutable {
    // The work guard keeps the caller's io_context alive while only this job is outstanding.
    asio::post(pool_, [this, guard = asio::make_work_guard(executor), function = std::move(function),
                       handler = std::move(handler)]() mutable {
      std::optional<Value> value;
      std::exception_ptr exception;
      try {
        value.emplace(function());
      } catch (...) {
        exception = std::current_exception();
      }
      waiting_.fetch_sub(1);
      asio::post(guard.get_executor(), [handler = std::move(handler), value = std::move(value), exception]() mutable {
        handler(exception, std::move(value));
      });
    });
  };
  auto result = co_await asio::async_initiate<const asio::use_awaitable_t<Executor>,
                                              void(std::exception_ptr, std::optional<Value>)>(std::move(job), use_task);
  co_return *std::move(result);
}

}  // namespace souk
