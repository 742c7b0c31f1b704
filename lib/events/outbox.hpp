#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/embedded.hpp"
#include "events/event.hpp"
#include "postgres/pool.hpp"

namespace souk::events {

namespace migrations {
std::span<const EmbeddedFile> embedded_files();  // outbox_events, event_cursors
}

// The outbox of one service's database: an event commits together with the change that it tells of.
// A feed's cursor is (epoch, sequence), and an event is given out only when the snapshot's xmin has passed every
// transaction that may still commit an earlier one: none is skipped, and events of one key keep their order.
class Outbox {
 public:
  explicit Outbox(pg::Pool& pool);
  ~Outbox();

  // Writes the event in the transaction. After commit() of the transaction call committed(), so that readers that
  // wait in this process look at once; others poll.
  template <class Payload>
  Task<> append(pg::Transaction& tx, std::string type, std::string key, const Payload& payload) {
    return append_json(tx, std::move(type), std::move(key), json::Raw{json::write(payload)});
  }
  Task<> append_json(pg::Transaction& tx, std::string type, std::string key, json::Raw payload);
  // Events of one type about several objects, in one statement.
  struct Keyed {
    std::string key;
    json::Raw payload;
  };
  Task<> append_all(pg::Transaction& tx, std::string type, std::vector<Keyed> events);
  void committed();

  // Implements the events() of an Api.
  Task<EventPage> read(Context context, ReadEvents request);

  // Deletes events older than 7 days. Returns how many.
  Task<std::int64_t> prune(Context context);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::events
