#include "gateway/load.hpp"

#include <algorithm>

namespace souk::gateway {
namespace {

constexpr Duration period = std::chrono::milliseconds(10);
// An interval that was too slow doubles what is turned away, one that was not takes a quarter back: quickly down,
// gently up, so that it settles instead of swinging between all and nothing.
constexpr std::uint32_t first_share = 16;
// A worker that was stopped for long, by one slow task or by other programs, measures one great delay: that is no
// queue. Once something is turned away each measurement counts, so that a queue of seconds is met in seconds.
constexpr int fewest_to_begin_with = 3;
// Some are always let in: whether it is better now can be seen only by those.
constexpr std::uint32_t largest_share = 250;

}  // namespace

void Shedding::note(Duration delay, Deadline now) {
  if (interval_ends_ == Deadline{}) interval_ends_ = now + limits_.interval;
  least_ = std::min(least_, delay);
  ++measured_;
  if (now < interval_ends_ || (measured_ < fewest_to_begin_with && share(http::Priority::normal) == 0)) return;
  adapt(normal_, limits_.target);
  adapt(checkout_, limits_.target * limits_.checkout_factor);
  interval_ends_ = now + limits_.interval;
  least_ = Duration::max();
  measured_ = 0;
}

void Shedding::adapt(std::atomic<std::uint32_t>& share, Duration target) const {
  const auto current = share.load(std::memory_order_relaxed);
  const auto more = std::min(std::max(current * 2, first_share), largest_share);
  const auto less = current < first_share / 2 ? 0 : current - current / 4;
  share.store(least_ > target ? more : less, std::memory_order_relaxed);
}

LoadMonitor::Worker::Worker(Executor executor, std::size_t index, Shedding::Limits limits)
    : group(executor),
      shedding(limits),
      lag(metrics::gauge("souk_event_loop_lag_seconds", "How long what is ready waits for its worker.",
                         {{"worker", std::to_string(index)}})) {}

LoadMonitor::LoadMonitor(Runtime& runtime, Shedding::Limits limits) : runtime_(runtime) {
  for (std::size_t i = 0; i < runtime.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(runtime.executor(i), i, limits));
    workers_[i]->group.spawn("load monitor", measure(*workers_[i]));
  }
}

LoadMonitor::~LoadMonitor() {
  for (auto& worker : workers_) worker->group.stop();
  for (std::size_t i = 0; i < workers_.size(); ++i) runtime_.block_on(workers_[i]->group.drain(), i);
}

Task<> LoadMonitor::measure(Worker& worker) {
  for (;;) {
    const auto due = Clock::now() + period;
    if (!co_await worker.group.sleep(period)) co_return;
    const auto now = Clock::now();
    const auto late = std::max(now - due, Duration::zero());
    worker.shedding.note(late, now);
    worker.lag.set(std::chrono::duration<double>(late).count());
  }
}

bool LoadMonitor::sheds(http::Priority priority) {
  auto& worker = *workers_[this_worker()];
  const auto share = worker.shedding.share(priority);
  // Multiplying by an odd number visits all 256 places in an order without runs.
  return share != 0 && (++worker.turn * 159U & 255U) < share;
}

}  // namespace souk::gateway
