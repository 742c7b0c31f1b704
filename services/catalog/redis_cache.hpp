#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "redis/client.hpp"
#include "repository.hpp"

namespace souk::catalog {

// The spec's cache in Redis: product:{product_id} is the document (JSON, 1 hour). Beside it product:{id}:version, the
// newest `updated_at` known in microseconds: a fill with an older document is refused, also after an invalidation.
// Without Redis everything is a miss.
class RedisCache {
 public:
  explicit RedisCache(redis::Client& redis) : redis_(redis) {}

  Task<std::vector<StoredDocument>> find(Context context, std::vector<std::string> product_ids);
  Task<> fill(Context context, std::vector<DocumentPtr> documents);

  struct Changed {
    std::string product_id;
    Timestamp updated_at;
  };
  // Throws redis::Unavailable: the caller repeats it later.
  Task<> invalidate(Context context, std::vector<Changed> changed);
  // Forgets every product, in steps: after a restore the versions of before mean nothing.
  Task<> clear(Context context);

 private:
  bool resting() const;
  void rest();

  redis::Client& redis_;
  std::atomic<Clock::rep> resting_until_ = 0;
};

}  // namespace souk::catalog
