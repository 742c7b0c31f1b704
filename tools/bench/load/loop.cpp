#include "loop.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <stdexcept>

namespace souk::load {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr auto drain_limit = std::chrono::seconds(5);
constexpr std::size_t most_reasons = 20;

Clock::duration seconds(double s) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
}

std::uint64_t us_between(Time from, Time to) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

double cpu_now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

class Loop {
 public:
  Loop(std::vector<std::unique_ptr<Client>>& clients, const Plan& plan)
      : plan_(plan), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed");
    for (auto& client : clients) states_.push_back({.client = client.get()});
    for (auto& state : states_) connect(state);
  }
  ~Loop() { close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Measured run() {
    const auto start = Clock::now();
    from_ = start + seconds(plan_.warmup_s);
    until_ = from_ + seconds(plan_.seconds);
    next_due_ = start;
    for (auto& state : states_) idle_.push_back(&state);
    if (plan_.rate <= 0) begin_all_idle(start);
    double cpu_from = 0;
    double cpu_until = 0;
    while (!over()) {
      const auto now = Clock::now();
      if (cpu_from == 0 && now >= from_) cpu_from = cpu_now();
      if (cpu_until == 0 && now >= until_) cpu_until = cpu_now();
      if (plan_.rate > 0) begin_due(now);
      wait();
    }
    for (const auto& state : states_) result_.unfinished += state.busy && counts(state.due) ? 1 : 0;
    for (const auto due : due_) result_.unfinished += counts(due) ? 1 : 0;
    result_.seconds = plan_.seconds;
    result_.cpu_seconds = (cpu_until == 0 ? cpu_now() : cpu_until) - cpu_from;
    return result_;
  }

 private:
  struct State {
    Client* client = nullptr;
    Time due{};
    bool busy = false;
  };

  void connect(State& state) const {
    state.client->connect();
    for (const int fd : state.client->descriptors()) {
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &state}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("epoll_ctl failed");
    }
  }

  // After the end, what is under way may finish, so that the next measurement does not begin in its midst.
  bool over() const {
    const auto now = Clock::now();
    if (now < until_) return false;
    return now > until_ + drain_limit || (idle_.size() == states_.size() && due_.empty());
  }

  void begin_all_idle(Time now) {
    auto idle = std::exchange(idle_, {});
    for (auto* state : idle) begin(*state, now);
  }

  void begin_due(Time now) {
    const auto step = seconds(1.0 / plan_.rate);
    while (next_due_ <= now && next_due_ < until_) {
      due_.push_back(next_due_);
      next_due_ += step;
    }
    while (!due_.empty() && !idle_.empty()) {
      auto* state = idle_.back();
      idle_.pop_back();
      const auto due = due_.front();
      due_.pop_front();
      begin(*state, due);
    }
  }

  void begin(State& state, Time due) {
    state.due = due;
    state.busy = true;
    settle(state, state.client->begin());
  }

  void settle(State& state, Progress progress) {
    // In the closed loop a client goes on at once; a client that keeps failing without waiting must not recurse.
    while (progress != Progress::waiting) {
      const auto now = Clock::now();
      if (progress == Progress::done) count(state, now);
      if (progress == Progress::failed) fail(state, now);
      if (plan_.rate > 0 && progress != Progress::prepared) break;
      if (now >= until_) break;
      if (plan_.rate <= 0) state.due = now;
      progress = state.client->begin();
    }
    if (progress == Progress::waiting) return;
    state.busy = false;
    idle_.push_back(&state);
  }

  // Closed loop: operations that end in the measured time. Open loop: those that are due in it.
  bool counts(Time due) const { return due >= from_ && due < until_; }

  void count(State& state, Time now) {
    ++result_.total;
    if (!counts(plan_.rate > 0 ? state.due : now)) return;
    ++result_.operations;
    result_.latency.add(us_between(state.due, now));
    result_.last_request.add(state.client->last_request_us());
  }

  void fail(State& state, Time now) {
    if (counts(plan_.rate > 0 ? state.due : now)) {
      ++result_.failures;
      auto reason = state.client->failure();
      if (result_.reasons.size() < most_reasons || result_.reasons.contains(reason))
        ++result_.reasons[std::move(reason)];
    }
    connect(state);
  }

  void wait() {
    auto limit = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::milliseconds(20));
    if (plan_.rate > 0 && due_.empty() && next_due_ < until_) {
      limit = std::clamp<std::chrono::nanoseconds>(next_due_ - Clock::now(), std::chrono::nanoseconds(0), limit);
    }
    const timespec timeout{.tv_sec = 0, .tv_nsec = limit.count()};
    epoll_event events[64];
    const int count = epoll_pwait2(epoll_, events, 64, &timeout, nullptr);
    if (count < 0 && errno != EINTR) throw std::runtime_error(std::string("epoll_pwait2: ") + std::strerror(errno));
    for (int i = 0; i < count; ++i) {
      auto& state = *static_cast<State*>(events[i].data.ptr);
      if (state.busy) {
        settle(state, state.client->go_on());
      } else {
        connect(state);  // an idle connection that tells something was closed
      }
    }
  }

  const Plan plan_;
  int epoll_;
  std::vector<State> states_;
  std::vector<State*> idle_;
  std::deque<Time> due_;
  Time next_due_;
  Time from_;
  Time until_;
  Measured result_;
};

}  // namespace

Measured run(std::vector<std::unique_ptr<Client>>& clients, const Plan& plan) { return Loop(clients, plan).run(); }

}  // namespace souk::load
