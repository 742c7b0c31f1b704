#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "http/router.hpp"
#include "telemetry/metrics.hpp"

namespace souk::gateway {

// How many requests run at once, for each class its own places, so that browsing never takes those of checkouts.
class Admission {
 public:
  struct Limits {
    std::int64_t normal = 1000;
    std::int64_t checkout = 500;
  };

  explicit Admission(Limits limits);

  // One place, given back by the destructor.
  class Ticket {
   public:
    explicit Ticket(std::atomic<std::int64_t>& running) : running_(&running) {}
    Ticket(Ticket&& other) noexcept : running_(std::exchange(other.running_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (running_ != nullptr) running_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::atomic<std::int64_t>* running_;
  };

  // Nothing when the class is full.
  std::optional<Ticket> enter(http::Priority priority);

 private:
  struct Class {
    std::int64_t limit;
    metrics::Counter& refused;
    std::atomic<std::int64_t> running = 0;
  };

  Class normal_;
  Class checkout_;
};

}  // namespace souk::gateway
