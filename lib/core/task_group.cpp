#include "core/task_group.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <exception>
#include <vector>

#include "core/report.hpp"

namespace souk {

struct TaskGroup::State {
  explicit State(Executor e) : executor(e), drained(e) { drained.expires_at(Deadline::max()); }

  Executor executor;
  Timer drained;
  std::vector<Timer*> sleepers;
  std::atomic<std::size_t> running = 0;
  std::atomic<bool> stopping = false;

  void end_sleeps() {
    for (auto* timer : sleepers) timer->cancel();
  }
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(executor)) {}

TaskGroup::~TaskGroup() = default;

void TaskGroup::spawn(std::string name, Task<> task) {
  state_->running.fetch_add(1);
  asio::co_spawn(state_->executor, std::move(task), [state = state_, name = std::move(name)](std::exception_ptr e) {
    if (e) report_exception("task " + name, e);
    if (state->running.fetch_sub(1) == 1) state->drained.cancel();
  });
}

void TaskGroup::stop() {
  state_->stopping = true;
  wake();
}

void TaskGroup::wake() {
  asio::post(state_->executor, [state = state_] { state->end_sleeps(); });
}

bool TaskGroup::stopping() const { return state_->stopping; }

Task<> TaskGroup::drain() {
  const auto state = state_;
  while (state->running.load() > 0) {
    boost::system::error_code ignored;
    state->drained.expires_at(Deadline::max());
    co_await state->drained.async_wait(asio::redirect_error(use_task, ignored));
  }
}

Task<bool> TaskGroup::sleep(Duration duration) {
  const auto state = state_;
  if (state->stopping) co_return false;
  Timer timer(state->executor, duration);
  state->sleepers.push_back(&timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_task, ignored));
  std::erase(state->sleepers, &timer);
  co_return !state->stopping;
}

std::size_t TaskGroup::size() const { return state_->running; }

Executor TaskGroup::executor() const { return state_->executor; }

}  // namespace souk
