#pragma once

#include <optional>
#include <string>

#include "core/context.hpp"
#include "index.hpp"
#include "redis/client.hpp"

namespace souk::search {

// The specification's cache of results in Redis, 30 minutes: `search:{query_hash}` is the array of product ids,
// `search:{query_hash}:meta` the rest. The hash has the index's generation in it, so an old entry is never read again.
// Redis gone is no failure here: there is no cache then.
class ResultsCache {
 public:
  explicit ResultsCache(redis::Client& redis) : redis_(redis) {}

  Task<std::optional<Found>> find(Context context, std::string query_hash);
  Task<> store(Context context, std::string query_hash, Found found);

 private:
  redis::Client& redis_;
};

}  // namespace souk::search
