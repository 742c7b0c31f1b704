#include "events/consumer.hpp"

#include <algorithm>
#include <chrono>

#include "core/random.hpp"
#include "core/report.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::events {
namespace {

using namespace std::chrono_literals;

constexpr auto long_poll = 500ms;  // also the longest that a stopping group waits for the loop
constexpr Duration call_limit = 10s;
constexpr Duration first_backoff = 100ms;
constexpr Duration longest_backoff = 5s;

constexpr pg::Statement find_cursor{"events.find_cursor", "SELECT cursor FROM event_cursors WHERE consumer = $1"};

constexpr pg::Statement save_cursor{
    "events.save_cursor",
    "INSERT INTO event_cursors (consumer, cursor) VALUES ($1, $2) "
    "ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor, updated_at = now()"};

constexpr pg::Statement move_cursor{
    "events.move_cursor",
    "INSERT INTO event_cursors AS c (consumer, cursor) VALUES ($1, $2) "
    "ON CONFLICT (consumer) DO UPDATE SET cursor = excluded.cursor, updated_at = now() WHERE c.cursor = $3"};

double seconds_since(Timestamp time) { return std::chrono::duration<double>(now() - time).count(); }

// One consumer's loop and where it stands.
class Loop {
 public:
  Loop(TaskGroup& group, ConsumerOptions options)
      : group_(group),
        options_(std::move(options)),
        lag_(metrics::gauge("souk_feed_lag_seconds", "Age of the oldest event that a consumer has yet to handle.",
                            {{"consumer", options_.name}})),
        failures_(metrics::counter("souk_feed_failures_total", "Times a consumer could not read or handle a page.",
                                   {{"consumer", options_.name}})) {}

  Task<> run() {
    while (!group_.stopping()) {
      std::string failure;
      try {
        failure = co_await turn();
      } catch (...) {
        failure = describe(std::current_exception());
      }
      if (failure.empty()) {
        recovered();
      } else {
        co_await back_off(failure);
      }
    }
  }

 private:
  Context context() const { return Context::background(options_.name, call_limit); }

  // Reads and handles one page. Returns what went wrong, or "".
  Task<std::string> turn() {
    if (!cursor_) cursor_ = co_await options_.load_cursor(context());
    ReadEvents request{.after = *cursor_};
    request.wait_ms = long_poll.count();
    const auto asked = Clock::now();
    auto page = co_await options_.source(context(), request);
    if (!page) co_return page.error().code + ": " + page.error().detail;
    if (page->events.empty() && !page->reset) {
      lag_.set(0);
      oldest_.reset();
      // A source that does not wait must not make us spin.
      if (Clock::now() - asked < first_backoff) co_await group_.sleep(first_backoff);
      co_return "";
    }
    note_oldest(*page);
    page->after = *cursor_;
    // Until the page is handled nobody knows where the cursor is: an exception has it loaded again.
    cursor_.reset();
    co_await options_.handle(context(), *page);
    cursor_ = page->next;
    co_return "";
  }

  void note_oldest(const EventPage& page) {
    if (page.events.empty()) return;
    oldest_ = page.events.front().created_at;
    lag_.set(seconds_since(*oldest_));
  }

  void recovered() {
    if (failing_) log::info("consumer goes on", log::kv("consumer", options_.name));
    failing_ = false;
    backoff_ = first_backoff;
  }

  // Of failures one after the other the first is logged; the others only count.
  Task<> back_off(std::string failure) {
    failures_.add();
    if (oldest_) lag_.set(seconds_since(*oldest_));
    if (!failing_) {
      log::warning("consumer failed and tries again", log::kv("consumer", options_.name), log::kv("why", failure));
    }
    failing_ = true;
    const auto jitter = static_cast<Duration::rep>(random_below(static_cast<std::uint64_t>(backoff_.count() / 2)));
    co_await group_.sleep(backoff_ / 2 + Duration(jitter));
    backoff_ = std::min(backoff_ * 2, longest_backoff);
  }

  TaskGroup& group_;
  ConsumerOptions options_;
  metrics::Gauge& lag_;
  metrics::Counter& failures_;
  std::optional<std::string> cursor_;
  std::optional<Timestamp> oldest_;
  Duration backoff_ = first_backoff;
  bool failing_ = false;
};

Task<> consume(TaskGroup& group, ConsumerOptions options) {
  Loop loop(group, std::move(options));
  co_await loop.run();
}

}  // namespace

void run_consumer(TaskGroup& group, ConsumerOptions options) {
  auto name = "consumer " + options.name;
  group.spawn(std::move(name), consume(group, std::move(options)));
}

Task<std::string> load_cursor(pg::Pool& pool, Context context, std::string consumer) {
  const auto rows = co_await pool.query(context, find_cursor, consumer);
  co_return rows.empty() ? std::string() : rows.front().get<std::string>(0);
}

Task<> store_cursor(pg::Transaction& tx, std::string consumer, std::string cursor) {
  co_await tx.query(save_cursor, consumer, cursor);
}

Task<> store_cursor(pg::Transaction& tx, std::string consumer, const EventPage& page) {
  const auto rows = co_await tx.query(move_cursor, consumer, page.next, page.after);
  if (rows.affected() != 1) throw StaleCursor("another process has handled the page of consumer " + consumer);
}

}  // namespace souk::events
