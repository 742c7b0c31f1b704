#pragma once

#include "caches.hpp"
#include "core/task_group.hpp"
#include "inventory/api.hpp"
#include "review/api.hpp"
#include "service.hpp"

namespace souk::catalog {

// What the catalog does without being asked: it takes availability from the inventory and ratings from the reviews into
// its documents, keeps its caches up to date, and drops old events.
class Service::Followers {
 public:
  Followers(Repository& repository, Caches& caches, inventory::Api& inventory, review::Api& reviews)
      : repository_(repository), caches_(caches), inventory_(inventory), reviews_(reviews) {}

  void start(TaskGroup& group);

  Task<> take_availability(Context context, const events::EventPage& page);
  Task<> take_ratings(Context context, const events::EventPage& page);

 private:
  // A consumer of another service's feed whose cursor lies in the catalog's store.
  void follow(TaskGroup& group, std::string name,
              std::function<Task<Result<events::EventPage>>(Context, events::ReadEvents)> source,
              Task<> (Followers::*handle)(Context, const events::EventPage&));
  void follow_own_feed(TaskGroup& group);
  Task<Result<events::EventPage>> read_own_feed(Context context, events::ReadEvents request, bool for_memory);
  Task<> forget_in_memory(const events::EventPage& page);
  Task<> forget_in_redis(Context context, const events::EventPage& page);
  Task<std::string> first_cursor(Context context);
  Task<rules::Availability> all_availability(Context context);
  Task<> save(Context context, Change& change, std::vector<Product> changed, std::string consumer,
              const events::EventPage& page);
  Task<> prune(TaskGroup& group);

  Repository& repository_;
  Caches& caches_;
  inventory::Api& inventory_;
  review::Api& reviews_;
};

}  // namespace souk::catalog
