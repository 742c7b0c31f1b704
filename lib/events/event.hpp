#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/json.hpp"

namespace souk::events {

// Something that happened in a service, as its outbox tells it.
struct Event {
  std::string cursor;  // its place in the feed; opaque to consumers
  Uuid id;
  std::string type;   // "order.confirmed"
  std::string key;    // id of the object it is about; events of one key keep their order
  json::Raw payload;  // a described struct of the service's api.hpp
  Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(Event, (), (cursor, id, type, key, payload, created_at))

// What lies after `after` in the feed, oldest first; empty `after` is the beginning.
struct ReadEvents {
  std::string after;
  json::Int<1, 1000> limit = 100;
  json::Int<0, 10000> wait_ms = 0;  // with no event there: wait so long for one
};
BOOST_DESCRIBE_STRUCT(ReadEvents, (), (after, limit, wait_ms))

struct EventPage {
  std::vector<Event> events;
  std::string next;  // pass as `after` next time; equal to the given one when there was nothing
  // The feed began anew (restore, pruned past the cursor): the consumer must resynchronise in full, and then handle
  // `events`, which are the oldest that are left.
  bool reset = false;
  // The cursor that the page was asked with. Set by run_consumer for store_cursor; not part of the reply.
  std::string after{};
};
BOOST_DESCRIBE_STRUCT(EventPage, (), (events, next, reset))

}  // namespace souk::events
