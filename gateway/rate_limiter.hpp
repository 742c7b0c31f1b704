#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/task.hpp"

namespace souk::gateway {

// A token bucket a key: `per_minute` requests at once, refilled evenly over a minute. Kept as one moment a key (GCRA:
// when the bucket would be full again). Any thread.
class RateLimiter {
 public:
  struct Decision {
    bool allowed = true;
    std::int64_t limit = 0;
    std::int64_t remaining = 0;
    std::int64_t reset_s = 0;        // until the bucket is full
    std::int64_t retry_after_s = 0;  // until one more request is allowed
  };

  // At most so many keys are remembered; those whose bucket is full are forgotten first.
  explicit RateLimiter(std::int64_t per_minute, std::size_t max_keys = 200'000);

  Decision take(const std::string& key, Deadline now = Clock::now());

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Deadline> full_at;
  };

  void make_room(Shard& shard, Deadline now) const;

  std::int64_t per_minute_;
  std::size_t max_keys_;
  Duration interval_;
  std::array<Shard, 16> shards_;
};

}  // namespace souk::gateway
