#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/runtime.hpp"
#include "core/task.hpp"
#include "core/task_group.hpp"
#include "http/router.hpp"
#include "telemetry/metrics.hpp"

namespace souk::gateway {

// Decides from measured queueing delay how much is turned away, as CoDel does: a delay that comes and goes is a burst,
// one that never falls below the target for a whole interval is a queue that only grows.
class Shedding {
 public:
  struct Limits {
    Duration target = std::chrono::milliseconds(50);     // browsing is turned away above it
    Duration interval = std::chrono::milliseconds(100);  // how long it must stay above
    int checkout_factor = 4;                             // checkouts are turned away above so many targets
  };

  explicit Shedding(Limits limits) : limits_(limits) {}

  // A delay that was measured at `now`. One thread at a time.
  void note(Duration delay, Deadline now);
  // Of 256 requests of the class, how many are to be turned away. From any thread; one load.
  std::uint32_t share(http::Priority priority) const {
    return (priority == http::Priority::checkout ? checkout_ : normal_).load(std::memory_order_relaxed);
  }

 private:
  void adapt(std::atomic<std::uint32_t>& share, Duration target) const;

  Limits limits_;
  Deadline interval_ends_{};
  Duration least_ = Duration::max();  // of this interval
  int measured_ = 0;                  // in this interval
  std::atomic<std::uint32_t> normal_ = 0;
  std::atomic<std::uint32_t> checkout_ = 0;
};

// Measures, on each worker, how long what is ready waits until it runs: a timer that is due every 10 ms is late by
// just that. Each worker has a Shedding of its own, since its queue is its own.
class LoadMonitor {
 public:
  LoadMonitor(Runtime& runtime, Shedding::Limits limits);
  ~LoadMonitor();  // stops and waits; not on a worker
  LoadMonitor(const LoadMonitor&) = delete;
  LoadMonitor& operator=(const LoadMonitor&) = delete;

  // Whether this request is to be turned away. On a worker; some nanoseconds.
  bool sheds(http::Priority priority);

 private:
  struct Worker {
    Worker(Executor executor, std::size_t index, Shedding::Limits limits);
    TaskGroup group;
    Shedding shedding;
    std::uint32_t turn = 0;  // spreads the refused evenly among the accepted
    metrics::Gauge& lag;
  };
  static Task<> measure(Worker& worker);

  Runtime& runtime_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace souk::gateway
