#include "turns.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <vector>

#include "core/runtime.hpp"

namespace souk::cart {
namespace {

constexpr std::size_t most_waiting = 1000;

}  // namespace

struct Turns::Turn::Waiting {
  Waiting(Executor executor, Deadline deadline) : timer(executor, deadline) {}

  Timer timer;
  bool granted = false;
};

struct Turns::Turn::State {
  // A name is there while somebody has the turn.
  using Queues = std::unordered_map<std::string, std::deque<std::shared_ptr<Waiting>>>;
  std::vector<Queues> workers;
};

Turns::Turns(std::size_t workers) : state_(std::make_shared<Turn::State>()) { state_->workers.resize(workers); }

Turns::Turn::Turn(std::shared_ptr<State> state, std::size_t worker, std::string name)
    : state_(std::move(state)), worker_(worker), name_(std::move(name)) {}

Turns::Turn::~Turn() {
  if (!state_) return;
  auto& queues = state_->workers[worker_];
  const auto found = queues.find(name_);
  auto& waiting = found->second;
  if (waiting.empty()) {
    queues.erase(found);
    return;
  }
  waiting.front()->granted = true;
  waiting.front()->timer.cancel();
  waiting.pop_front();
}

Task<std::optional<Turns::Turn>> Turns::take(std::string name, Deadline deadline) {
  const auto state = state_;
  const auto worker = this_worker();
  auto& queues = state->workers[worker];
  const auto [found, is_first] = queues.try_emplace(name);
  if (is_first) co_return Turn(state, worker, std::move(name));
  if (found->second.size() >= most_waiting) co_return std::nullopt;
  const auto waiting = std::make_shared<Turn::Waiting>(co_await asio::this_coro::executor, deadline);
  found->second.push_back(waiting);
  boost::system::error_code ignored;
  co_await waiting->timer.async_wait(asio::redirect_error(use_task, ignored));
  if (waiting->granted) co_return Turn(state, worker, std::move(name));
  std::erase(queues[name], waiting);
  co_return std::nullopt;
}

}  // namespace souk::cart
