#pragma once

#include <string>

#include "telemetry/metrics.hpp"

namespace souk::metrics {

// souk_cache_lookups_total{cache,result} of one cache. Keep it: making it looks the counters up.
class CacheLookups {
 public:
  explicit CacheLookups(const std::string& cache) : hits_(lookups(cache, "hit")), misses_(lookups(cache, "miss")) {}

  void count(bool hit) { (hit ? hits_ : misses_).add(); }

 private:
  static Counter& lookups(const std::string& cache, const std::string& result) {
    return counter("souk_cache_lookups_total", "Look-ups in a cache.", {{"cache", cache}, {"result", result}});
  }

  Counter& hits_;
  Counter& misses_;
};

}  // namespace souk::metrics
