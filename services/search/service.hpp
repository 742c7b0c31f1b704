#pragma once

#include <atomic>

#include "core/blocking_pool.hpp"
#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "index.hpp"
#include "redis/client.hpp"
#include "results_cache.hpp"
#include "search/api.hpp"

namespace souk::search {

class Service final : public Api {
 public:
  Service(catalog::Api& catalog, redis::Client& redis);

  // Builds the index from the catalog and follows its events from then on.
  void start(TaskGroup& group);
  // The building that start() does first; for tests.
  Task<> build(Context context);

  Task<Result<SearchResults>> search(Context context, SearchProducts request) override;
  Task<Result<Suggestions>> suggest(Context context, Suggest request) override;
  Task<Result<IndexState>> state(Context context, catalog::Done request) override;

 private:
  Task<> run(TaskGroup& group);
  Task<bool> follow(TaskGroup& group);
  Task<> apply(Context context, const events::EventPage& page);
  Task<Result<std::vector<json::Raw>>> documents(Context context, std::vector<std::string> product_ids);

  catalog::Api& catalog_;
  ResultsCache cache_;
  Index index_;
  BlockingPool builder_;  // building takes a second of processor time, which no worker may lose
  std::string cursor_;    // where the catalog's feed was read to; only the following task uses it
  std::atomic<bool> built_ = false;
  std::atomic<bool> caught_up_ = false;
};

}  // namespace souk::search
