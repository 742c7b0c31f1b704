#include "webhook_repository.hpp"

namespace souk::notification {
namespace {

constexpr pg::Statement list_enabled{"notification.list_enabled_webhooks",
                                     "SELECT id, url, event_types FROM webhook_endpoints WHERE status = 'enabled'"};

constexpr pg::Statement insert_webhook_rows{
    "notification.insert_webhooks",
    "INSERT INTO notifications (id, kind, subject_id, occurrence, channel, endpoint_id, recipient, subject, text, "
    "html, "
    "                           message_id) "
    "SELECT id, kind, subject_id, occurrence, 'webhook', endpoint_id, recipient, kind, body, '', message_id "
    "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[]) "
    "  AS m(id, kind, subject_id, occurrence, endpoint_id, recipient, body, message_id) "
    "ON CONFLICT DO NOTHING"};

// Of each endpoint on its own, by its index, so that one with many that wait takes no place from the others.
constexpr pg::Statement claim_due_webhooks{
    "notification.claim_due_webhooks",
    "WITH room AS ("
    "  SELECT e.id, e.url, e.secret_version, $3 - COALESCE(b.busy, 0) AS places, "
    "    CASE WHEN e.previous_secrets_until > clock_timestamp() THEN e.oldest_secret_version "
    "         ELSE e.secret_version END AS oldest_version "
    "  FROM webhook_endpoints AS e "
    "  LEFT JOIN unnest($1::uuid[], $2::bigint[]) AS b(endpoint_id, busy) ON b.endpoint_id = e.id "
    "  WHERE e.status = 'enabled' AND (e.paused_until IS NULL OR e.paused_until <= clock_timestamp())), "
    "due AS ("
    "  SELECT m.id AS message, room.* FROM room CROSS JOIN LATERAL ("
    "    SELECT n.id FROM notifications AS n WHERE n.endpoint_id = room.id AND n.status = 'pending' "
    "      AND n.channel = 'webhook' AND n.next_attempt_at <= clock_timestamp() "
    "    ORDER BY n.next_attempt_at LIMIT GREATEST(room.places, 0) FOR UPDATE SKIP LOCKED) AS m) "
    "UPDATE notifications AS n SET attempts = n.attempts + 1, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => $4) "
    "FROM due WHERE n.id = due.message "
    "RETURNING n.id, n.endpoint_id, due.url, due.secret_version, due.oldest_version, n.message_id, n.text, n.attempts, "
    "  n.attempts_before, "
    "  extract(epoch FROM clock_timestamp() - COALESCE(n.counted_from, n.created_at))::bigint"};

// What somebody else has claimed since, because the lease was over, is theirs; that it was taken counts in any case.
constexpr pg::Statement record_webhook_attempts{
    "notification.record_webhook_attempts",
    "WITH made AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::text[], $6::int[], "
    "    $7::bigint[]) AS m (id, number, outcome, response_status, detail, duration_ms, next_in) "
    "    LIMIT cardinality($1)), "
    "attempt AS ("
    "  INSERT INTO notification_attempts (notification_id, number, outcome, response_status, detail, duration_ms) "
    "  SELECT id, number, outcome, response_status, detail, duration_ms FROM made ON CONFLICT DO NOTHING) "
    "UPDATE notifications AS n SET "
    "  status = CASE WHEN m.outcome = 'taken' THEN 'sent' WHEN m.next_in IS NULL THEN 'failed' ELSE 'pending' END, "
    "  sent_at = CASE WHEN m.outcome = 'taken' THEN clock_timestamp() END, "
    "  handed_to = CASE WHEN m.outcome = 'taken' THEN 'webhook' END, "
    "  last_error = CASE WHEN m.outcome <> 'taken' THEN m.detail END, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => COALESCE(m.next_in, 0)) "
    "FROM made AS m WHERE n.id = m.id AND n.status = 'pending' AND (m.outcome = 'taken' OR n.attempts = m.number)"};

// A success is noted once a minute: the row is locked by each note. What the URL before this one said says nothing of
// the endpoint.
constexpr pg::Statement record_endpoint{
    "notification.record_endpoint",
    "UPDATE webhook_endpoints SET "
    "  last_success_at = CASE WHEN $3 THEN now() ELSE last_success_at END, "
    "  failing_since = CASE WHEN $3 THEN NULL ELSE COALESCE(failing_since, now()) END, "
    "  paused_until = CASE WHEN $5::bigint IS NOT NULL THEN now() + make_interval(secs => $5) ELSE paused_until END, "
    "  status = CASE WHEN $4 OR (NOT $3 AND failing_since <= now() - INTERVAL '5 days') THEN 'disabled' "
    "           ELSE status END, "
    "  disabled_reason = CASE WHEN $4 THEN 'it answered 410: it is gone' "
    "                         WHEN NOT $3 AND failing_since <= now() - INTERVAL '5 days' "
    "                         THEN 'it took nothing for five days; the last time: ' || $6::text END "
    "WHERE id = $1 AND url = $2 AND status = 'enabled' "
    "  AND (NOT $3 OR failing_since IS NOT NULL OR last_success_at IS NULL "
    "       OR last_success_at < now() - INTERVAL '1 minute') "
    "RETURNING status, disabled_reason"};

#define SOUK_WEBHOOK_COLUMNS                                                                     \
  "id, url, description, event_types, status, disabled_reason, failing_since, last_success_at, " \
  "CASE WHEN paused_until > clock_timestamp() THEN paused_until END, "                           \
  "CASE WHEN previous_secrets_until > clock_timestamp() THEN previous_secrets_until END, created_at, updated_at"

constexpr pg::Statement insert_endpoint{
    "notification.insert_webhook",
    "INSERT INTO webhook_endpoints (id, url, description, event_types) VALUES ($1, $2, COALESCE($3, ''), "
    "COALESCE($4::text[], '{}')) ON CONFLICT DO NOTHING RETURNING " SOUK_WEBHOOK_COLUMNS};

// Creations come one after the other, so that there are never more than there may be.
constexpr pg::Statement lock_creations{"notification.lock_webhooks", "SELECT pg_advisory_xact_lock(7305033)"};
constexpr pg::Statement count_endpoints{"notification.count_webhooks",
                                        "SELECT count(*) FROM webhook_endpoints WHERE status <> 'deleted'"};
constexpr pg::Statement list_endpoints{"notification.list_webhooks",
                                       "SELECT " SOUK_WEBHOOK_COLUMNS
                                       " FROM webhook_endpoints WHERE status <> 'deleted' ORDER BY id LIMIT 100"};

#define SOUK_STORED_WEBHOOK                                                                            \
  "SELECT " SOUK_WEBHOOK_COLUMNS                                                                       \
  ", secret_version, CASE WHEN previous_secrets_until > clock_timestamp() THEN oldest_secret_version " \
  "ELSE secret_version END FROM webhook_endpoints WHERE id = $1 AND status <> 'deleted'"
constexpr pg::Statement find_endpoint{"notification.find_webhook", SOUK_STORED_WEBHOOK};
constexpr pg::Statement lock_endpoint{"notification.lock_webhook", SOUK_STORED_WEBHOOK " FOR NO KEY UPDATE"};
#undef SOUK_STORED_WEBHOOK
#undef SOUK_WEBHOOK_COLUMNS

// Another URL, or being enabled again, is a new beginning.
constexpr pg::Statement change_endpoint{
    "notification.change_webhook",
    "UPDATE webhook_endpoints SET url = COALESCE($2, url), description = COALESCE($3, description), "
    "  event_types = COALESCE($4::text[], event_types), status = COALESCE($5, status), "
    "  disabled_reason = CASE WHEN COALESCE($5, status) = 'enabled' THEN NULL "
    "                         ELSE COALESCE(disabled_reason, 'an administrator disabled it') END, "
    "  failing_since = CASE WHEN COALESCE($2, url) = url AND COALESCE($5, status) = status THEN failing_since END, "
    "  paused_until = CASE WHEN COALESCE($2, url) = url AND COALESCE($5, status) = status THEN paused_until END, "
    "  updated_at = clock_timestamp() "
    "WHERE id = $1 AND status <> 'deleted'"};

constexpr pg::Statement make_webhooks_due{
    "notification.make_webhooks_due",
    "UPDATE notifications SET next_attempt_at = clock_timestamp(), counted_from = clock_timestamp(), "
    "  attempts_before = attempts "
    "WHERE endpoint_id = $1 AND status = 'pending' AND channel = 'webhook'"};

constexpr pg::Statement redeliver_webhooks{
    "notification.redeliver_webhooks",
    "UPDATE notifications SET status = 'pending', next_attempt_at = clock_timestamp(), "
    "  counted_from = clock_timestamp(), attempts_before = attempts "
    "WHERE endpoint_id = $1 AND channel = 'webhook' AND (status = 'failed' "
    "  OR (status = 'pending' AND next_attempt_at > clock_timestamp() + INTERVAL '60 seconds'))"};

constexpr pg::Statement rotate_secret{
    "notification.rotate_webhook",
    "UPDATE webhook_endpoints SET secret_version = secret_version + 1, oldest_secret_version = $2, "
    "  previous_secrets_until = clock_timestamp() + make_interval(hours => $3::int), updated_at = clock_timestamp() "
    "WHERE id = $1"};

constexpr pg::Statement delete_endpoint{
    "notification.delete_webhook",
    "UPDATE webhook_endpoints SET status = 'deleted', updated_at = clock_timestamp() WHERE id = $1"};
#define SOUK_GIVE_UP "UPDATE notifications SET status = 'failed', last_error = 'the webhook was deleted' "
constexpr pg::Statement give_up_waiting{"notification.give_up_webhooks", SOUK_GIVE_UP
                                        "WHERE endpoint_id = $1 AND status = 'pending' AND channel = 'webhook'"};

// An event that was written down just when its endpoint was deleted.
constexpr pg::Statement give_up_late{
    "notification.give_up_late_webhooks", SOUK_GIVE_UP
    "FROM webhook_endpoints AS e WHERE e.status = 'deleted' AND notifications.endpoint_id = e.id "
    "AND notifications.status = 'pending' AND notifications.channel = 'webhook'"};
#undef SOUK_GIVE_UP
constexpr pg::Statement prune_waiting{
    "notification.prune_waiting_webhooks",
    "DELETE FROM notifications WHERE id IN (SELECT n.id FROM webhook_endpoints AS e JOIN notifications AS n "
    "    ON n.endpoint_id = e.id AND n.status = 'pending' AND n.channel = 'webhook' "
    "  WHERE e.status = 'disabled' AND n.created_at < LOCALTIMESTAMP - INTERVAL '90 days' LIMIT 5000)"};
constexpr pg::Statement prune_endpoints{
    "notification.prune_webhooks",
    "DELETE FROM webhook_endpoints AS e WHERE e.status = 'deleted' "
    "  AND e.updated_at < LOCALTIMESTAMP - INTERVAL '1 day' "
    "  AND NOT EXISTS (SELECT 1 FROM notifications AS n WHERE n.endpoint_id = e.id)"};

struct EnabledEndpoint {
  Uuid id;
  std::string url;
  std::vector<std::string> event_types;
};
BOOST_DESCRIBE_STRUCT(EnabledEndpoint, (), (id, url, event_types))

// Rows of notifications, column by column.
struct Columns {
  std::vector<Uuid> ids, endpoint_ids;
  std::vector<std::string> kinds, subject_ids, occurrences, urls, bodies, message_ids;

  void add(Uuid endpoint_id, const std::string& url, const webhooks::Told& told) {
    ids.push_back(Uuid::v7());
    endpoint_ids.push_back(endpoint_id);
    urls.push_back(url);
    kinds.push_back(told.type);
    subject_ids.push_back(told.subject_id);
    occurrences.push_back(told.occurrence);
    bodies.push_back(told.body);
    message_ids.push_back("msg_" + ids.back().to_string());
  }
  Task<std::int64_t> insert(pg::Transaction& tx) const {
    const auto rows = co_await tx.query(insert_webhook_rows, ids, kinds, subject_ids, occurrences, endpoint_ids, urls,
                                        bodies, message_ids);
    co_return rows.affected();
  }
};

constexpr int version_column = 12;

std::optional<StoredWebhook> stored(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return StoredWebhook{.webhook = rows.front().to<Webhook>(),
                       .secret_version = rows.front().get<std::int64_t>(version_column),
                       .oldest_version = rows.front().get<std::int64_t>(version_column + 1)};
}

}  // namespace

Task<std::int64_t> WebhookRepository::insert_messages(pg::Transaction& tx, const std::vector<webhooks::Told>& told) {
  if (told.empty()) co_return 0;
  const auto endpoints = (co_await tx.query(list_enabled)).to<EnabledEndpoint>();
  Columns columns;
  for (const auto& one : told) {
    for (const auto& endpoint : endpoints) {
      if (webhooks::wants(endpoint.event_types, one.type)) columns.add(endpoint.id, endpoint.url, one);
    }
  }
  if (columns.ids.empty()) co_return 0;
  co_return co_await columns.insert(tx);
}

Task<Uuid> WebhookRepository::insert_message(pg::Transaction& tx, Uuid endpoint_id, std::string url,
                                             webhooks::Told told) {
  Columns columns;
  columns.add(endpoint_id, url, told);
  co_await columns.insert(tx);
  co_return columns.ids.front();
}

Task<std::vector<DueWebhook>> WebhookRepository::claim_due(Context context, const std::map<Uuid, std::int64_t>& busy,
                                                           std::int64_t places, std::chrono::seconds lease) {
  std::vector<Uuid> ids;
  std::vector<std::int64_t> counts;
  for (const auto& [id, count] : busy) {
    ids.push_back(id);
    counts.push_back(count);
  }
  const auto rows = co_await pool_.query(std::move(context), claim_due_webhooks, ids, counts, places,
                                         static_cast<std::int64_t>(lease.count()));
  co_return rows.to<DueWebhook>();
}

Task<std::vector<DisabledWebhook>> WebhookRepository::record(pg::Transaction& tx,
                                                             const std::vector<WebhookAttempt>& attempts) {
  // The endpoints first, as everybody does who changes both.
  auto disabled = co_await record_endpoints(tx, attempts);
  std::vector<Uuid> ids;
  std::vector<std::int64_t> numbers, durations;
  std::vector<Outcome> outcomes;
  std::vector<std::optional<std::int64_t>> statuses, next_in;
  std::vector<std::optional<std::string>> details;
  for (const auto& [id, endpoint_id, url, number, status, verdict, duration] : attempts) {
    ids.push_back(id);
    numbers.push_back(number);
    outcomes.push_back(verdict.outcome);
    statuses.push_back(status == 0 ? std::nullopt : std::optional<std::int64_t>(status));
    details.push_back(verdict.detail.empty() ? std::nullopt : std::optional(verdict.detail));
    durations.push_back(static_cast<std::int64_t>(duration.count()));
    next_in.push_back(verdict.next_in ? std::optional<std::int64_t>(verdict.next_in->count()) : std::nullopt);
  }
  co_await tx.query(record_webhook_attempts, ids, numbers, outcomes, statuses, details, durations, next_in);
  co_return disabled;
}

Task<std::vector<DisabledWebhook>> WebhookRepository::record_endpoints(pg::Transaction& tx,
                                                                       const std::vector<WebhookAttempt>& attempts) {
  struct Heard {
    bool succeeded = false;
    bool gone = false;
    std::optional<std::int64_t> pause_s;
    std::string error;
  };
  std::map<std::pair<Uuid, std::string>, Heard> heard;  // in the order of ids, so that no two wait for each other
  for (const auto& attempt : attempts) {
    auto& one = heard[{attempt.endpoint_id, attempt.url}];
    one.succeeded = attempt.verdict.outcome == Outcome::taken;
    one.gone |= attempt.verdict.outcome == Outcome::refused;
    if (attempt.verdict.pause_in) one.pause_s = attempt.verdict.pause_in->count();
    one.error = attempt.verdict.detail;
  }
  std::vector<DisabledWebhook> disabled;
  for (const auto& [endpoint, one] : heard) {
    const auto& [id, url] = endpoint;
    const auto rows = co_await tx.query(record_endpoint, id, url, one.succeeded, one.gone, one.pause_s, one.error);
    if (rows.empty() || rows.front().get<std::string>(0) != "disabled") continue;
    disabled.push_back({.id = id, .url = url, .reason = rows.front().get<std::string>(1)});
  }
  co_return disabled;
}

Task<std::int64_t> WebhookRepository::lock_and_count(pg::Transaction& tx) {
  co_await tx.query(lock_creations);
  const auto rows = co_await tx.query(count_endpoints);
  co_return rows.front().get<std::int64_t>(0);
}

Task<std::optional<Webhook>> WebhookRepository::insert(pg::Transaction& tx, const CreateWebhook& wanted) {
  const auto rows = co_await tx.query(insert_endpoint, Uuid::v7(), wanted.url, wanted.description, wanted.event_types);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().to<Webhook>();
}

Task<std::vector<Webhook>> WebhookRepository::list(Context context) {
  const auto rows = co_await pool_.query(std::move(context), list_endpoints);
  co_return rows.to<Webhook>();
}

Task<std::optional<StoredWebhook>> WebhookRepository::find(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), find_endpoint, id);
  co_return stored(rows);
}

Task<std::optional<StoredWebhook>> WebhookRepository::lock(pg::Transaction& tx, Uuid id) {
  const auto rows = co_await tx.query(lock_endpoint, id);
  co_return stored(rows);
}

Task<> WebhookRepository::change(pg::Transaction& tx, Uuid id, const WebhookChanges& changes) {
  co_await tx.query(change_endpoint, id, changes.url, changes.description, changes.event_types, changes.status);
}

Task<> WebhookRepository::make_waiting_due(pg::Transaction& tx, Uuid endpoint_id) {
  co_await tx.query(make_webhooks_due, endpoint_id);
}

Task<std::int64_t> WebhookRepository::redeliver(pg::Transaction& tx, Uuid endpoint_id) {
  const auto rows = co_await tx.query(redeliver_webhooks, endpoint_id);
  co_return rows.affected();
}

Task<> WebhookRepository::rotate(pg::Transaction& tx, Uuid id, std::int64_t oldest, std::chrono::hours overlap) {
  co_await tx.query(rotate_secret, id, oldest, static_cast<std::int64_t>(overlap.count()));
}

Task<> WebhookRepository::remove(pg::Transaction& tx, Uuid id) {
  co_await tx.query(delete_endpoint, id);
  co_await tx.query(give_up_waiting, id);
}

Task<> WebhookRepository::prune(Context context) {
  co_await pool_.query(context, give_up_late);
  co_await pool_.query(context, prune_waiting);
  co_await pool_.query(context, prune_endpoints);
}

}  // namespace souk::notification
