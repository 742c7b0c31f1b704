#include "backlog.hpp"

#include <map>

#include "notification/api.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::notification {
namespace {

constexpr Duration interval = std::chrono::seconds(10);

struct Waiting {
  std::int64_t pending = 0;
  std::int64_t due = 0;
  double oldest_s = 0;
  Channel channel{};
};
BOOST_DESCRIBE_STRUCT(Waiting, (), (pending, due, oldest_s, channel))

// What waits for an endpoint that is disabled waits for an administrator.
constexpr pg::Statement count_waiting{
    "notification.count_waiting",
    "SELECT count(*), count(*) FILTER (WHERE n.next_attempt_at <= clock_timestamp()), "
    "  COALESCE(extract(epoch FROM clock_timestamp() - min(n.created_at)), 0)::float8, n.channel "
    "FROM notifications AS n LEFT JOIN webhook_endpoints AS e ON e.id = n.endpoint_id "
    "WHERE n.status = 'pending' AND (n.endpoint_id IS NULL OR e.status = 'enabled') GROUP BY n.channel"};

constexpr pg::Statement count_disabled{"notification.count_disabled",
                                       "SELECT count(*) FROM webhook_endpoints WHERE status = 'disabled' "
                                       "  AND disabled_reason <> 'an administrator disabled it'"};

struct Gauges {
  explicit Gauges(const std::string& channel)
      : pending(
            metrics::gauge("souk_messages_pending", "Messages that are not delivered yet.", {{"channel", channel}})),
        due(metrics::gauge("souk_messages_due", "Messages whose next attempt is due.", {{"channel", channel}})),
        oldest(metrics::gauge("souk_messages_oldest_seconds", "Age of the oldest message that is not delivered yet.",
                              {{"channel", channel}})) {}

  void set(const Waiting& waiting) {
    pending.set(static_cast<double>(waiting.pending));
    due.set(static_cast<double>(waiting.due));
    oldest.set(waiting.oldest_s);
  }

  metrics::Gauge& pending;
  metrics::Gauge& due;
  metrics::Gauge& oldest;
};

Task<> publish(pg::Pool& pool, Gauges& mails, Gauges& webhooks, metrics::Gauge& disabled) {
  const auto context = Context::background("notification", std::chrono::seconds(10));
  Waiting of_mails, of_webhooks;
  for (const auto& waiting : (co_await pool.query(context, count_waiting)).to<Waiting>()) {
    (waiting.channel == Channel::email ? of_mails : of_webhooks) = waiting;
  }
  mails.set(of_mails);
  webhooks.set(of_webhooks);
  disabled.set(static_cast<double>((co_await pool.query(context, count_disabled)).front().get<std::int64_t>(0)));
}

}  // namespace

Task<> watch_backlog(pg::Pool& pool, TaskGroup& group) {
  Gauges mails("email");
  Gauges webhooks("webhook");
  auto& disabled = metrics::gauge("souk_webhooks_disabled", "Webhooks that were disabled because they failed.");
  do {
    try {
      co_await publish(pool, mails, webhooks, disabled);
    } catch (const std::exception& e) {
      log::warning("what waits to be told could not be counted", log::kv("why", std::string_view(e.what())));
    }
  } while (co_await group.sleep(interval));
}

}  // namespace souk::notification
