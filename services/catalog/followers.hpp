#pragma once

#include "caches.hpp"
#include "core/task_group.hpp"
#include "service.hpp"

namespace souk::catalog {

// What the catalog does without being asked: it takes availability from the inventory and ratings from the reviews into
// its documents, keeps its caches up to date, and drops old events.
class Service::Followers {
 public:
  Followers(Repository& repository, Caches& caches, Sources sources)
      : repository_(repository), caches_(caches), sources_(std::move(sources)) {}

  void start(TaskGroup& group);

  Task<> take_availability(Context context, const events::EventPage& page);
  Task<> take_ratings(Context context, const events::EventPage& page);

 private:
  // A consumer of another service's feed whose cursor lies in the catalog's store.
  void follow(TaskGroup& group, std::string name, Feed source,
              Task<> (Followers::*handle)(Context, const events::EventPage&));
  void follow_own_feed(TaskGroup& group);
  Task<Result<events::EventPage>> read_own_feed(Context context, events::ReadEvents request, bool for_memory);
  Task<> forget_in_memory(const events::EventPage& page);
  Task<> forget_in_redis(Context context, const events::EventPage& page);
  Task<rules::Availability> all_availability(Context context);
  Task<> save(Context context, Change& change, std::vector<Product> changed, std::string consumer,
              const events::EventPage& page);
  Task<> prune(TaskGroup& group);

  Repository& repository_;
  Caches& caches_;
  Sources sources_;
};

}  // namespace souk::catalog
