#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/task.hpp"

namespace souk::events {

// Wakes coroutines of any worker that wait for something to happen.
class Signal {
 public:
  // Read before looking, passed to wait() after: what happens in between is not missed.
  std::uint64_t count() const;
  void notify();
  // Until notify() was called after count() gave `seen`, or the time is over.
  Task<> wait(std::uint64_t seen, Duration limit);

 private:
  struct Sleeper;

  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::vector<std::shared_ptr<Sleeper>> sleepers_;
};

}  // namespace souk::events
