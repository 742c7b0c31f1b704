#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/batcher.hpp"
#include "core/failure.hpp"
#include "postgres/error.hpp"

// One commit for many requests that wait at the same time, each still granted or refused on its own.
namespace souk::order {

// What came of one member of a batch.
template <class Reply>
struct Outcome {
  std::optional<Reply> reply{};
  std::exception_ptr failure{};

  Reply take() {
    if (failure) std::rethrow_exception(failure);
    return *std::move(reply);
  }
};

// Runs `write` (one statement and commit for all) on the members. It must do nothing where a member was written before,
// and say so: then a lost connection, whose outcome is unknown, is asked again. A statement that fails is halved until
// the guilty member stands alone.
template <class Request, class Reply, class Write>
Task<std::vector<Outcome<Reply>>> write_batch(std::vector<Request> requests, Write& write, bool again = true) {
  std::exception_ptr failure;
  bool repeat = false;
  bool halve = false;
  try {
    auto replies = co_await write(requests);
    if (replies.size() != requests.size()) throw std::logic_error("a batch must answer each of its members");
    std::vector<Outcome<Reply>> outcomes;
    for (auto& reply : replies) outcomes.push_back({.reply = std::move(reply)});
    co_return outcomes;
  } catch (const UnknownOutcome&) {
    failure = std::current_exception();
    repeat = again;
  } catch (const pg::Error& error) {
    failure = std::current_exception();
    halve = requests.size() > 1;
    repeat = !halve && again && (error.is_transient() || error.is_unique_violation());
  } catch (...) {
    failure = std::current_exception();
  }
  if (repeat) co_return co_await write_batch<Request, Reply>(std::move(requests), write, false);
  if (!halve) co_return std::vector<Outcome<Reply>>(requests.size(), Outcome<Reply>{.failure = failure});
  std::vector<Request> rest(
      std::make_move_iterator(requests.begin() + static_cast<std::ptrdiff_t>(requests.size() / 2)),
      std::make_move_iterator(requests.end()));
  requests.resize(requests.size() - rest.size());
  auto outcomes = co_await write_batch<Request, Reply>(std::move(requests), write, again);
  for (auto& outcome : co_await write_batch<Request, Reply>(std::move(rest), write, again)) {
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

// A batcher of such writes: `write` takes const std::vector<Request>& and returns Task<std::vector<Reply>>.
template <class Request, class Reply>
class BatchedWrite {
 public:
  template <class Write>
  BatchedWrite(Executor home, typename Batcher<Request, Outcome<Reply>>::Limits limits, Write write)
      : batcher_(home, limits, [write = std::make_shared<Write>(std::move(write))](std::vector<Request> requests) {
          return run(write, std::move(requests));
        }) {}

  // Throws what befell this member alone.
  Task<Reply> submit(Request request) {
    auto outcome = co_await batcher_.submit(std::move(request));
    co_return outcome.take();
  }

 private:
  template <class Write>
  static Task<std::vector<Outcome<Reply>>> run(std::shared_ptr<Write> write, std::vector<Request> requests) {
    co_return co_await write_batch<Request, Reply>(std::move(requests), *write);
  }

  Batcher<Request, Outcome<Reply>> batcher_;
};

}  // namespace souk::order
