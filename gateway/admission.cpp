#include "gateway/admission.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace souk::gateway {

// Who waits. `granted` is decided under the line's mutex; the timer belongs to the waiter's own worker.
struct Admission::Waiter {
  Waiter(Executor e, Duration limit) : executor(e), timer(e, limit) {}

  Executor executor;
  Timer timer;
  bool granted = false;
};

namespace {

metrics::Gauge& requests(const std::string& name, const std::string& state) {
  return metrics::gauge("souk_admission_requests", "Requests that run or wait for a place.",
                        {{"class", name}, {"state", state}});
}

metrics::Counter& refusals(const std::string& name, const std::string& reason) {
  return metrics::counter("souk_admission_refused_total", "Requests refused with 503 to keep the others fast.",
                          {{"class", name}, {"reason", reason}});
}

double count_of(const std::atomic<std::int64_t>& number) {
  return static_cast<double>(number.load(std::memory_order_relaxed));
}

}  // namespace

Admission::Line::Line(const char* name, Class wanted, const Limits& all)
    : limit(wanted),
      limits(all),
      running_gauge(requests(name, "running")),
      waiting_gauge(requests(name, "waiting")),
      wait_seconds(metrics::histogram("souk_admission_wait_seconds", "Time in the queue of those who had to wait.",
                                      {{"class", name}})),
      queue_full(refusals(name, "queue_full")),
      too_long(refusals(name, "waited_too_long")),
      shed(refusals(name, "slow")),
      publish([this] {
        running_gauge.set(count_of(running));
        waiting_gauge.set(count_of(waiting));
      }) {}

Admission::Admission(Limits limits)
    : limits_(limits), normal_("normal", limits_.normal, limits_), checkout_("checkout", limits_.checkout, limits_) {}

bool Admission::take(Line& line) {
  auto running = line.running.load();
  while (running < line.limit.running) {
    if (line.running.compare_exchange_weak(running, running + 1)) return true;
  }
  return false;
}

std::optional<Admission::Ticket> Admission::try_enter(http::Priority priority) {
  auto& line = line_of(priority);
  // Nobody overtakes who waits already.
  if (line.waiting.load() != 0 || !take(line)) return std::nullopt;
  return Ticket(line);
}

bool Admission::full(http::Priority priority) const {
  const auto& line = priority == http::Priority::checkout ? checkout_ : normal_;
  return line.running.load(std::memory_order_relaxed) >= line.limit.running &&
         line.waiting.load(std::memory_order_relaxed) >= line.limit.waiting;
}

void Admission::note_shed(http::Priority priority) { line_of(priority).shed.add(); }

Task<std::optional<Admission::Ticket>> Admission::enter(http::Priority priority) {
  auto& line = line_of(priority);
  if (auto ticket = try_enter(priority)) co_return ticket;
  const auto executor = co_await asio::this_coro::executor;
  const auto started = Clock::now();
  std::shared_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(line.mutex);
    if (line.waiting.load() >= line.limit.waiting) {
      line.queue_full.add();
      co_return std::nullopt;
    }
    if (line.waiters.empty()) line.empty_at = started;
    const bool standing = started - line.empty_at > line.limits.standing_after;
    waiter = std::make_shared<Waiter>(executor, standing ? line.limits.standing_wait : line.limits.burst_wait);
    line.waiters.push_back(waiter);
    line.waiting.fetch_add(1);
  }
  pass_on(line);  // a place may have become free just before we were in the queue
  boost::system::error_code ignored;
  // Granted before the timer was awaited: its cancel() came through post(), after this await began.
  co_await waiter->timer.async_wait(asio::redirect_error(use_task, ignored));
  bool granted = false;
  {
    const std::lock_guard lock(line.mutex);
    granted = waiter->granted;
    if (!granted) {
      line.waiters.remove(waiter);
      line.waiting.fetch_sub(1);
    }
  }
  line.wait_seconds.observe(std::chrono::duration<double>(Clock::now() - started).count());
  if (granted) co_return Ticket(line);
  line.too_long.add();
  co_return std::nullopt;
}

// Gives free places to who waits.
void Admission::pass_on(Line& line) {
  const std::lock_guard lock(line.mutex);
  while (!line.waiters.empty() && take(line)) {
    auto waiter = std::move(line.waiters.front());
    line.waiters.pop_front();
    line.waiting.fetch_sub(1);
    waiter->granted = true;
    asio::post(waiter->executor, [waiter] { waiter->timer.cancel(); });
  }
}

}  // namespace souk::gateway
