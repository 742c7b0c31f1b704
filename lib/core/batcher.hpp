#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/blocking_pool.hpp"
#include "core/task.hpp"

namespace souk {

// Executes requests that wait at the same time together: while one batch is under way the next one gathers, and it is
// sent as soon as the first returns. There is no timed wait, so a lone request is not delayed.
//
// `run` gets 1 … max_batch requests in arrival order and returns as many replies in the same order. When it throws,
// every request of the batch gets the exception; isolating a guilty request is the business of `run` (run_halving).
// One home worker executes the batches; submit() may be called on any worker and resumes there.
template <class Request, class Reply>
class Batcher {
 public:
  using Run = std::function<Task<std::vector<Reply>>(std::vector<Request>)>;

  struct Limits {
    std::size_t max_batch = 512;
    std::size_t max_waiting = 16384;  // more throw Overloaded
    std::size_t in_flight = 1;        // batches under way at once
  };

  Batcher(Executor home, Limits limits, Run run) : state_(std::make_shared<State>(home, limits, std::move(run))) {}

  Task<Reply> submit(Request request);

 private:
  using Signature = void(std::exception_ptr, std::optional<Reply>);
  struct Waiting {
    Request request;
    std::move_only_function<void(std::exception_ptr, std::optional<Reply>)> done;
  };
  struct State {
    State(Executor e, Limits l, Run r) : home(e), limits(l), run(std::move(r)) {}
    Executor home;
    Limits limits;
    Run run;
    std::mutex mutex;
    std::deque<Waiting> waiting;
    std::size_t running = 0;
  };

  static std::vector<Waiting> take(State& state);
  static Task<> work(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

template <class Request, class Reply>
Task<Reply> Batcher<Request, Reply>::submit(Request request) {
  const auto executor = co_await asio::this_coro::executor;
  const auto state = state_;
  auto enqueue = [state, executor, request = std::move(request)](auto handler) mutable {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto done = [executor, shared, guard = asio::make_work_guard(executor)](std::exception_ptr e,
                                                                            std::optional<Reply> reply) {
      asio::post(executor, [shared, e, reply = std::move(reply)]() mutable { (*shared)(e, std::move(reply)); });
    };
    bool start = false;
    {
      const std::lock_guard lock(state->mutex);
      if (state->waiting.size() < state->limits.max_waiting) {
        state->waiting.push_back({std::move(request), std::move(done)});
        start = state->running < state->limits.in_flight;
        if (start) ++state->running;
      } else {
        done(std::make_exception_ptr(Overloaded("too many requests wait for the same service")), std::nullopt);
      }
    }
    if (start) {
      asio::post(state->home, [state] { asio::co_spawn(state->home, work(state), asio::detached); });
    }
  };
  auto reply =
      co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, Signature>(std::move(enqueue), use_task);
  co_return *std::move(reply);
}

template <class Request, class Reply>
std::vector<typename Batcher<Request, Reply>::Waiting> Batcher<Request, Reply>::take(State& state) {
  const std::lock_guard lock(state.mutex);
  std::vector<Waiting> batch;
  const auto size = std::min(state.waiting.size(), state.limits.max_batch);
  batch.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    batch.push_back(std::move(state.waiting.front()));
    state.waiting.pop_front();
  }
  if (batch.empty()) --state.running;
  return batch;
}

template <class Request, class Reply>
Task<> Batcher<Request, Reply>::work(std::shared_ptr<State> state) {
  for (;;) {
    auto batch = take(*state);
    if (batch.empty()) co_return;
    std::vector<Request> requests;
    requests.reserve(batch.size());
    for (auto& waiting : batch) requests.push_back(std::move(waiting.request));
    std::vector<Reply> replies;
    std::exception_ptr exception;
    try {
      replies = co_await state->run(std::move(requests));
      if (replies.size() != batch.size()) throw std::logic_error("a batch must answer each of its requests");
    } catch (...) {
      exception = std::current_exception();
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (exception) {
        batch[i].done(exception, std::nullopt);
      } else {
        batch[i].done(nullptr, std::move(replies[i]));
      }
    }
  }
}

}  // namespace souk
