#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/task.hpp"
#include "http/router.hpp"
#include "telemetry/metrics.hpp"

namespace souk::gateway {

// How many requests run at once. Each class has places and a short queue of its own, so that browsing never takes those
// of checkouts. Who finds neither a place nor room in the queue, or waits too long, is told to come again.
class Admission {
 public:
  struct Class {
    std::int64_t running;  // at once
    std::int64_t waiting;  // for a place
  };
  struct Limits {
    Class normal{1000, 1000};
    Class checkout{500, 1000};
    // The longest wait in a queue that was empty lately: a burst.
    Duration burst_wait = std::chrono::milliseconds(500);
    // The longest wait in one that has not been empty for `standing_after`: whoever waits there longer is not helped by
    // waiting, and those behind him neither.
    Duration standing_wait = std::chrono::milliseconds(50);
    Duration standing_after = std::chrono::seconds(1);
  };

  explicit Admission(Limits limits);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

 private:
  struct Waiter;
  struct Line;

 public:
  // One place, given by the destructor to who waits longest. The admission outlives it.
  class Ticket {
   public:
    explicit Ticket(Line& line) : line_(&line) {}
    Ticket(Ticket&& other) noexcept : line_(std::exchange(other.line_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (line_ != nullptr) give_back(*line_);
    }

   private:
    Line* line_;
  };

  // A place that is free now; nothing when there is none or others wait. Some nanoseconds.
  std::optional<Ticket> try_enter(http::Priority priority);
  // A place, when need be after waiting for it. Nothing when the queue is full or the wait was too long. On a worker.
  Task<std::optional<Ticket>> enter(http::Priority priority);
  // Whether enter() would refuse at once.
  bool full(http::Priority priority) const;
  // Counts a request that was turned away because the process is too slow (LoadMonitor).
  void note_shed(http::Priority priority);

 private:
  struct Line {
    Line(const char* name, Class limit, const Limits& limits);

    const Class limit;
    const Limits& limits;
    std::atomic<std::int64_t> running = 0;
    std::atomic<std::int64_t> waiting = 0;
    std::mutex mutex;
    std::list<std::shared_ptr<Waiter>> waiters;  // the first has waited longest
    Deadline empty_at{};                         // when nobody waited last
    metrics::Gauge& running_gauge;
    metrics::Gauge& waiting_gauge;
    metrics::Histogram& wait_seconds;
    metrics::Counter& queue_full;
    metrics::Counter& too_long;
    metrics::Counter& shed;
    metrics::OnCollect publish;
  };

  static bool take(Line& line);
  static void give_back(Line& line) {
    // The usual case without a lock. Who begins to wait looks for a free place once more after it is in the queue, so
    // none is overlooked (both orders are sequentially consistent).
    line.running.fetch_sub(1);
    if (line.waiting.load() != 0) pass_on(line);
  }
  static void pass_on(Line& line);
  Line& line_of(http::Priority priority) { return priority == http::Priority::checkout ? checkout_ : normal_; }

  const Limits limits_;
  Line normal_;
  Line checkout_;
};

}  // namespace souk::gateway
