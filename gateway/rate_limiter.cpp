#include "gateway/rate_limiter.hpp"

#include <algorithm>

namespace souk::gateway {
namespace {

constexpr Duration window = std::chrono::minutes(1);

std::int64_t seconds_up(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(std::max(duration, Duration::zero())).count();
}

}  // namespace

RateLimiter::RateLimiter(std::int64_t per_minute, std::size_t max_keys)
    : per_minute_(per_minute), max_keys_(max_keys), interval_(window / per_minute) {}

RateLimiter::Decision RateLimiter::take(const std::string& key, Deadline now) {
  auto& shard = shards_[std::hash<std::string>{}(key) % shards_.size()];
  const std::lock_guard lock(shard.mutex);
  if (shard.full_at.size() >= max_keys_ / shards_.size()) make_room(shard, now);
  auto& full_at = shard.full_at[key];
  const auto next = std::max(full_at, now) + interval_;
  Decision decision{.limit = per_minute_};
  if (next - now > window) {
    decision.allowed = false;
    decision.retry_after_s = std::max<std::int64_t>(1, seconds_up(next - now - window));
    decision.reset_s = seconds_up(full_at - now);
    return decision;
  }
  full_at = next;
  decision.remaining = (window - (next - now)) / interval_;
  decision.reset_s = seconds_up(next - now);
  return decision;
}

void RateLimiter::make_room(Shard& shard, Deadline now) const {
  std::erase_if(shard.full_at, [now](const auto& entry) { return entry.second <= now; });
  // Still full: more clients at once than we keep. Letting them start anew is better than to grow without bound.
  if (shard.full_at.size() >= max_keys_ / shards_.size()) shard.full_at.clear();
}

}  // namespace souk::gateway
