#include "events/outbox.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "events/cursor.hpp"
#include "events/signal.hpp"

// How the feed is ordered, and why nothing is skipped.
//
// Events are given out in the order of `sequence`. Of two transactions that change the same object, the second appends
// its event while it holds the object's lock, after the first has committed, so it gets the higher number: events of
// one key keep their order. (The order of transaction ids would not do: a transaction may get its id first and the
// object's lock last.)
//
// A transaction that took a lower number may commit later than one that took a higher. So a number S is given out only
// when every transaction that may hold a number up to S has ended. Such a transaction had its id before it took the
// number (append_event sees to that), so before S was seen by the horizon statement, so its id is lower than any id
// assigned after that. We have one assigned, X, and wait until the snapshot's xmin has passed it.

namespace souk::events {
namespace {

using namespace std::chrono_literals;

constexpr Duration poll_interval = 100ms;
constexpr Duration first_recheck = 3ms;
constexpr Duration time_for_last_look = 50ms;
constexpr Duration place_check_interval = 1s;

// OFFSET 0 keeps the planner from merging the parts, so the id is assigned before the identity takes its number.
constexpr pg::Statement append_event{
    "outbox.append",
    "INSERT INTO outbox_events (xid, id, type, key, payload) "
    "SELECT x.xid, $1::uuid, $2::text, $3::text, $4::jsonb FROM (SELECT pg_current_xact_id() AS xid OFFSET 0) AS x"};

constexpr pg::Statement append_events{
    "outbox.append_all",
    "INSERT INTO outbox_events (xid, id, type, key, payload) "
    "SELECT x.xid, e.id, $1::text, e.key, e.payload FROM (SELECT pg_current_xact_id() AS xid OFFSET 0) AS x, "
    "unnest($2::uuid[], $3::text[], $4::jsonb[]) WITH ORDINALITY AS e (id, key, payload, place) ORDER BY e.place"};

constexpr pg::Statement read_horizon{
    "outbox.horizon",
    "SELECT COALESCE((SELECT max(sequence) FROM outbox_events), 0), pg_snapshot_xmin(pg_current_snapshot()), "
    "       epoch, pruned_through FROM event_feed"};

constexpr pg::Statement assign_xid{"outbox.assign_xid", "SELECT pg_current_xact_id()"};

constexpr pg::Statement read_events{
    "outbox.read",
    "SELECT sequence, id, type, key, payload, created_at, (SELECT pruned_through FROM event_feed) FROM outbox_events "
    "WHERE sequence > $1 AND sequence <= $2 ORDER BY sequence LIMIT $3"};

constexpr pg::Statement is_at_its_place{"outbox.is_at_its_place",
                                        "SELECT place IS NOT DISTINCT FROM event_feed_place() FROM event_feed"};

constexpr pg::Statement begin_epoch{"outbox.begin_epoch",
                                    "UPDATE event_feed SET epoch = gen_random_uuid(), place = event_feed_place() "
                                    "WHERE place IS DISTINCT FROM event_feed_place()"};

constexpr pg::Statement prune_events{
    "outbox.prune",
    "WITH old AS (SELECT sequence FROM outbox_events WHERE sequence < COALESCE("
    "               (SELECT sequence FROM outbox_events WHERE created_at >= now() - INTERVAL '7 days' "
    "                ORDER BY sequence LIMIT 1), 9223372036854775807) ORDER BY sequence LIMIT 5000), "
    "     gone AS (DELETE FROM outbox_events WHERE sequence IN (SELECT sequence FROM old) RETURNING sequence), "
    "     noted AS (UPDATE event_feed SET pruned_through = "
    "               GREATEST(pruned_through, (SELECT max(sequence) FROM gone)) WHERE EXISTS (SELECT 1 FROM gone)) "
    "SELECT count(*) FROM gone"};

// What the last look at the database told.
struct Horizon {
  Uuid epoch;
  std::int64_t newest = 0;  // highest sequence that was seen
  std::int64_t safe = 0;    // up to here everything is final
  std::int64_t pruned_through = 0;
};

Event to_event(const pg::Row& row, const Uuid& epoch) {
  return Event{.cursor = Cursor{epoch, row.get<std::int64_t>(0)}.to_string(),
               .id = row.get<Uuid>(1),
               .type = row.get<std::string>(2),
               .key = row.get<std::string>(3),
               .payload = row.get<json::Raw>(4),
               .created_at = row.get<Timestamp>(5)};
}

// Whether a consumer that stands here has missed events, or stands in another history.
bool must_resynchronise(const std::string& after, const std::optional<Cursor>& cursor, const Horizon& horizon) {
  if (after.empty()) return horizon.pruned_through > 0;
  if (!cursor || cursor->epoch != horizon.epoch) return true;
  return cursor->sequence < horizon.pruned_through ||
         cursor->sequence > std::max({horizon.newest, horizon.safe, horizon.pruned_through});
}

}  // namespace

struct Outbox::Impl {
  explicit Impl(pg::Pool& p) : pool(p) {}

  pg::Pool& pool;
  Signal signal;

  std::mutex mutex;
  Horizon horizon;
  // The sequence that becomes safe when all transactions up to this id have ended.
  struct Pending {
    std::int64_t sequence;
    std::int64_t xid;
  };
  std::optional<Pending> pending;
  Deadline place_checked{};

  Task<> check_place(Context context);
  Task<Horizon> look(Context context);
  Horizon note(const pg::Row& row, bool& unfinished);
  Task<EventPage> read_once(Context context, std::string after, std::int64_t limit);
};

// Begins a new epoch when the data was restored or a replica promoted. Once a second is enough: a page that is read
// meanwhile carries the old epoch, so its reader resynchronises next.
Task<> Outbox::Impl::check_place(Context context) {
  {
    const std::lock_guard lock(mutex);
    if (Clock::now() < place_checked + place_check_interval) co_return;
  }
  const auto rows = co_await pool.query(context, is_at_its_place);
  if (!rows.front().get<bool>(0)) co_await pool.query(context, begin_epoch);
  const std::lock_guard lock(mutex);
  place_checked = Clock::now();
}

Horizon Outbox::Impl::note(const pg::Row& row, bool& unfinished) {
  const auto newest = row.get<std::int64_t>(0);
  const auto xmin = row.get<std::int64_t>(1);
  const auto epoch = row.get<Uuid>(2);
  const std::lock_guard lock(mutex);
  if (horizon.epoch != epoch) {
    horizon = Horizon{.epoch = epoch};
    pending.reset();
  }
  horizon.newest = std::max(horizon.newest, newest);
  horizon.pruned_through = std::max(horizon.pruned_through, row.get<std::int64_t>(3));
  if (pending && xmin > pending->xid) {
    horizon.safe = std::max(horizon.safe, pending->sequence);
    pending.reset();
  }
  unfinished = newest > horizon.safe && !pending;
  return horizon;
}

Task<Horizon> Outbox::Impl::look(Context context) {
  bool unfinished = false;
  auto seen = note((co_await pool.query(context, read_horizon)).front(), unfinished);
  if (!unfinished) co_return seen;
  const auto xid = (co_await pool.query(context, assign_xid)).front().get<std::int64_t>(0);
  {
    const std::lock_guard lock(mutex);
    if (horizon.epoch == seen.epoch && !pending) pending = Pending{seen.newest, xid};
  }
  co_return note((co_await pool.query(context, read_horizon)).front(), unfinished);
}

Outbox::Outbox(pg::Pool& pool) : impl_(std::make_unique<Impl>(pool)) {}
Outbox::~Outbox() = default;

Task<> Outbox::append_json(pg::Transaction& tx, std::string type, std::string key, json::Raw payload) {
  co_await tx.query(append_event, Uuid::v7(), type, key, payload);
}

Task<> Outbox::append_all(pg::Transaction& tx, std::string type, std::vector<Keyed> events) {
  if (events.empty()) co_return;
  std::vector<Uuid> ids;
  std::vector<std::string> keys;
  std::vector<json::Raw> payloads;
  for (auto& event : events) {
    ids.push_back(Uuid::v7());
    keys.push_back(std::move(event.key));
    payloads.push_back(std::move(event.payload));
  }
  co_await tx.query(append_events, type, ids, keys, payloads);
}

void Outbox::committed() { impl_->signal.notify(); }

Task<EventPage> Outbox::Impl::read_once(Context context, std::string after, std::int64_t limit) {
  const auto horizon_seen = co_await look(context);
  const auto cursor = Cursor::parse(after);
  EventPage page{.next = after, .reset = must_resynchronise(after, cursor, horizon_seen)};
  const auto from = page.reset || !cursor ? horizon_seen.pruned_through : cursor->sequence;
  if (page.reset) page.next = Cursor{horizon_seen.epoch, from}.to_string();
  if (from >= horizon_seen.safe) co_return page;
  const auto rows = co_await pool.query(context, read_events, from, horizon_seen.safe, limit);
  // Pruned between the look and this read: look again, or the pruned events would be passed over in silence.
  if (!rows.empty() && rows.front().get<std::int64_t>(6) > from) co_return co_await read_once(context, after, limit);
  page.events.reserve(rows.size());
  for (const pg::Row row : rows) page.events.push_back(to_event(row, horizon_seen.epoch));
  if (!page.events.empty()) page.next = page.events.back().cursor;
  co_return page;
}

Task<EventPage> Outbox::read(Context context, ReadEvents request) {
  // The last look must fit in before the deadline: an empty page is an answer, a missed deadline is a failure.
  const auto until = std::min(Clock::now() + std::chrono::milliseconds(request.wait_ms.value),
                              context.deadline() - time_for_last_look);
  auto recheck = first_recheck;
  for (;;) {
    const auto seen = impl_->signal.count();
    co_await impl_->check_place(context);
    auto page = co_await impl_->read_once(context, request.after, request.limit);
    const auto left = until - Clock::now();
    if (!page.events.empty() || page.reset || left <= Duration::zero()) co_return page;
    bool pending = false;
    {
      const std::lock_guard lock(impl_->mutex);
      pending = impl_->pending.has_value();
    }
    // Events are there but a transaction is still open: nobody wakes us when it ends.
    recheck = pending ? std::min(recheck * 2, poll_interval) : first_recheck;
    co_await impl_->signal.wait(seen, std::min(pending ? recheck : poll_interval, left));
  }
}

Task<std::int64_t> Outbox::prune(Context context) {
  std::int64_t total = 0;
  for (;;) {
    const auto gone = (co_await impl_->pool.query(context, prune_events)).front().get<std::int64_t>(0);
    total += gone;
    if (gone == 0) co_return total;
  }
}

}  // namespace souk::events
