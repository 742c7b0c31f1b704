#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task_group.hpp"
#include "events/event.hpp"
#include "postgres/pool.hpp"

namespace souk::events {

// Follows another service's feed. One loop in a task group; it sleeps with backoff while the source or its own
// database is gone, and exports its lag as a metric (souk_feed_lag_seconds{consumer=…}).
struct ConsumerOptions {
  std::string name;  // "notification.orders": the key of its cursor, and its metrics label
  std::function<Task<Result<EventPage>>(Context, ReadEvents)> source;
  // Handles the events and returns after the cursor `next` is stored with their effect (store_cursor in the same
  // transaction). After an exception the cursor is loaded again, and what lies behind it comes again.
  std::function<Task<>(Context, const EventPage&)> handle;
  // Where the consumer stopped last time.
  std::function<Task<std::string>(Context)> load_cursor;
};
void run_consumer(TaskGroup& group, ConsumerOptions options);

// Cursors of the consumers that keep them in their own PostgreSQL database (table event_cursors).
Task<std::string> load_cursor(pg::Pool& pool, Context context, std::string consumer);
Task<> store_cursor(pg::Transaction& tx, std::string consumer, std::string cursor);
// Moves the cursor from page.after to page.next. Throws StaleCursor when it is elsewhere: another process has handled
// the page, so this transaction must not commit; run_consumer then goes on from the stored cursor.
Task<> store_cursor(pg::Transaction& tx, std::string consumer, const EventPage& page);
struct StaleCursor : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace souk::events
