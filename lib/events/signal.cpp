#include "events/signal.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace souk::events {

struct Signal::Sleeper {
  Executor executor;
  Timer timer;
};

std::uint64_t Signal::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void Signal::notify() {
  std::vector<std::shared_ptr<Sleeper>> woken;
  {
    const std::lock_guard lock(mutex_);
    ++count_;
    woken.swap(sleepers_);
  }
  for (const auto& sleeper : woken) {
    asio::post(sleeper->executor, [sleeper] { sleeper->timer.cancel(); });
  }
}

Task<> Signal::wait(std::uint64_t seen, Duration limit) {
  const auto executor = co_await asio::this_coro::executor;
  const auto sleeper = std::make_shared<Sleeper>(executor, Timer(executor, limit));
  {
    const std::lock_guard lock(mutex_);
    if (count_ != seen) co_return;
    sleepers_.push_back(sleeper);
  }
  boost::system::error_code ignored;
  co_await sleeper->timer.async_wait(asio::redirect_error(use_task, ignored));
  const std::lock_guard lock(mutex_);
  std::erase(sleepers_, sleeper);
}

}  // namespace souk::events
