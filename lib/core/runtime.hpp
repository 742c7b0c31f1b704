#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "core/task.hpp"

namespace souk {

// The worker threads: one io_context each, and a coroutine stays on the worker where it was started. What belongs to
// one worker (its database connections, its Redis connection) needs no lock.
class Runtime {
 public:
  explicit Runtime(std::size_t workers);
  ~Runtime();  // stops and joins
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  std::size_t size() const { return contexts_.size(); }
  Executor executor(std::size_t worker) { return contexts_[worker]->get_executor(); }

  // Runs `task` on a worker and waits for its value. For main and tests; never from a worker thread.
  template <class T>
  T block_on(Task<T> task, std::size_t worker = 0);

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<std::unique_ptr<asio::executor_work_guard<Executor>>> guards_;
  std::vector<std::jthread> threads_;
};

// Which worker the current thread is: 0 … size() − 1. Throws std::logic_error on any other thread.
std::size_t this_worker();
bool on_worker();

}  // namespace souk

#include <boost/asio/co_spawn.hpp>
#include <future>

namespace souk {

template <class T>
T Runtime::block_on(Task<T> task, std::size_t worker) {
  auto promise = std::make_shared<std::promise<T>>();
  auto future = promise->get_future();
  asio::co_spawn(executor(worker), std::move(task), [promise]<class... Value>(std::exception_ptr e, Value&&... value) {
    if (e) {
      promise->set_exception(e);
    } else {
      promise->set_value(std::forward<Value>(value)...);
    }
  });
  return future.get();
}

}  // namespace souk
