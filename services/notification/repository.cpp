#include "repository.hpp"

namespace souk::notification {
namespace {

constexpr pg::Statement insert_mail_rows{
    "notification.insert_mails",
    "INSERT INTO notifications (id, kind, subject_id, occurrence, channel, recipient, subject, text, html, message_id, "
    "                           last_error) "
    "SELECT id, kind, subject_id, occurrence, 'email', recipient, subject, text, html, message_id, $10::text "
    "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], "
    "            $9::text[]) AS m(id, kind, subject_id, occurrence, recipient, subject, text, html, message_id) "
    "ON CONFLICT DO NOTHING"};

constexpr pg::Statement claim_due_mails{
    "notification.claim_due",
    "UPDATE notifications SET attempts = attempts + 1, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => $2) "
    "WHERE id IN (SELECT id FROM notifications WHERE status = 'pending' AND next_attempt_at <= clock_timestamp() "
    "             AND channel = 'email' ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED) "
    "RETURNING id, message_id, recipient, subject, text, html, created_at, attempts, attempts_before"};

// next_in: seconds until the next attempt. A message that another attempt has settled stays so.
constexpr pg::Statement record_attempts{
    "notification.record_attempts",
    "WITH made AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::int[], $6::text[], "
    "    $7::int[], $8::bigint[]) "
    "    AS m (id, number, handed_to, outcome, response_status, detail, duration_ms, next_in) "
    "    LIMIT cardinality($1)), "
    "attempt AS ("
    "  INSERT INTO notification_attempts (notification_id, number, outcome, response_status, detail, duration_ms) "
    "  SELECT id, number, outcome, response_status, detail, duration_ms FROM made ON CONFLICT DO NOTHING) "
    "UPDATE notifications AS n SET "
    "  status = CASE WHEN m.outcome = 'taken' THEN 'sent' WHEN m.next_in IS NULL THEN 'failed' ELSE 'pending' END, "
    "  sent_at = CASE WHEN m.outcome = 'taken' THEN clock_timestamp() END, "
    "  handed_to = CASE WHEN m.outcome = 'taken' THEN m.handed_to END, "
    "  last_error = CASE WHEN m.outcome <> 'taken' THEN m.detail END, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => COALESCE(m.next_in, 0)) "
    "FROM made AS m WHERE n.id = m.id AND n.status = 'pending'"};

constexpr pg::Statement put_messages_back{
    "notification.put_back",
    "UPDATE notifications SET attempts = attempts - 1, next_attempt_at = clock_timestamp() "
    "WHERE id = ANY ($1::uuid[]) AND status = 'pending' AND attempts > 0"};

constexpr pg::Statement make_message_due{
    "notification.make_due",
    "UPDATE notifications SET status = 'pending', attempts_before = attempts, next_attempt_at = clock_timestamp(), "
    "  counted_from = clock_timestamp(), sent_at = NULL, handed_to = NULL WHERE id = $1 AND (status <> 'sent' OR "
    "channel <> 'email')"};

#define SOUK_NOTIFICATION_COLUMNS                                                                     \
  "SELECT id, kind, subject_id, channel, recipient, subject, status, attempts, "                      \
  "       CASE WHEN status = 'pending' THEN next_attempt_at END, last_error, message_id, handed_to, " \
  "       endpoint_id, created_at, sent_at"

constexpr pg::Statement find_message{"notification.find",
                                     SOUK_NOTIFICATION_COLUMNS " FROM notifications WHERE id = $1"};
constexpr pg::Statement find_message_details{"notification.find_details",
                                             SOUK_NOTIFICATION_COLUMNS ", text FROM notifications WHERE id = $1"};
constexpr pg::Statement list_attempts{
    "notification.list_attempts",
    "SELECT number, outcome, response_status, detail, duration_ms, ended_at FROM notification_attempts "
    "WHERE notification_id = $1 ORDER BY number DESC LIMIT 100"};

constexpr pg::Statement list_newest_first{
    "notification.list", SOUK_NOTIFICATION_COLUMNS
    " FROM notifications "
    "WHERE ($1::text IS NULL OR subject_id = $1) AND ($2::text IS NULL OR status = $2) "
    "  AND ($3::uuid IS NULL OR id < $3) AND ($5::text IS NULL OR channel = $5) "
    "  AND ($6::uuid IS NULL OR endpoint_id = $6) ORDER BY id DESC LIMIT $4"};
#undef SOUK_NOTIFICATION_COLUMNS

constexpr pg::Statement prune_sent{
    "notification.prune",
    "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE status <> 'pending' "
    "  AND created_at < LOCALTIMESTAMP - INTERVAL '90 days' ORDER BY created_at LIMIT 5000)"};

}  // namespace

Task<std::int64_t> Repository::insert_mails(pg::Transaction& tx, const std::vector<rules::Draft>& drafts,
                                            const std::string& domain, const std::optional<std::string>& why_pending) {
  if (drafts.empty()) co_return 0;
  std::vector<Uuid> ids;
  std::vector<std::string> message_ids;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    ids.push_back(Uuid::v7());
    message_ids.push_back(ids.back().to_string() + "@" + domain);
  }
  const auto column = [&drafts](std::string rules::Draft::* member) {
    std::vector<std::string> values;
    for (const auto& draft : drafts) values.push_back(draft.*member);
    return values;
  };
  using rules::Draft;
  const auto rows = co_await tx.query(insert_mail_rows, ids, column(&Draft::kind), column(&Draft::subject_id),
                                      column(&Draft::occurrence), column(&Draft::recipient), column(&Draft::subject),
                                      column(&Draft::text), column(&Draft::html), message_ids, why_pending);
  co_return rows.affected();
}

Task<std::vector<Due>> Repository::claim_due(Context context, std::int64_t limit, std::chrono::seconds lease) {
  const auto rows =
      co_await pool_.query(std::move(context), claim_due_mails, limit, static_cast<std::int64_t>(lease.count()));
  co_return rows.to<Due>();
}

Task<> Repository::record(Context context, std::vector<AttemptRow> attempts) {
  std::exception_ptr refused;
  try {
    co_return co_await write(context, attempts);
  } catch (const pg::Error&) {
    refused = std::current_exception();
  }
  // One that the server refuses must not keep the others from being written: they would be sent again.
  if (attempts.size() == 1) std::rethrow_exception(refused);
  for (auto& attempt : attempts) {
    try {
      co_await write(context, {std::move(attempt)});
      continue;
    } catch (const pg::Error&) {
      refused = std::current_exception();
    }
  }
  std::rethrow_exception(refused);
}

Task<> Repository::write(Context context, std::vector<AttemptRow> attempts) {
  std::vector<Uuid> ids;
  std::vector<std::int64_t> numbers, durations;
  std::vector<std::string> handed_to;
  std::vector<Outcome> outcomes;
  std::vector<decltype(Delivery::status)> statuses;
  std::vector<std::optional<std::string>> details;
  std::vector<std::optional<std::int64_t>> next_in;
  for (const auto& attempt : attempts) {
    ids.push_back(attempt.id);
    numbers.push_back(attempt.number);
    durations.push_back(static_cast<std::int64_t>(attempt.duration.count()));
    handed_to.emplace_back(attempt.handed_to);
    outcomes.push_back(attempt.delivery.outcome);
    statuses.push_back(attempt.delivery.status);
    details.push_back(attempt.delivery.why.empty() ? std::nullopt : std::optional(attempt.delivery.why));
    next_in.push_back(attempt.next_in ? std::optional<std::int64_t>(attempt.next_in->count()) : std::nullopt);
  }
  co_await pool_.query(std::move(context), record_attempts, ids, numbers, handed_to, outcomes, statuses, details,
                       durations, next_in);
}

Task<> Repository::put_back(Context context, std::vector<Uuid> ids) {
  co_await pool_.query(std::move(context), put_messages_back, ids);
}

Task<std::optional<Notification>> Repository::find(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), find_message, id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().to<Notification>();
}

Task<std::optional<NotificationDetails>> Repository::find_details(Context context, Uuid id) {
  const auto rows = co_await pool_.query(context, find_message_details, id);
  if (rows.empty()) co_return std::nullopt;
  constexpr int text_column = 15;
  NotificationDetails details{.notification = rows.front().to<Notification>(),
                              .text = rows.front().get<std::string>(text_column)};
  details.attempts = (co_await pool_.query(std::move(context), list_attempts, id)).to<Attempt>();
  co_return details;
}

Task<> Repository::make_due(Context context, Uuid id) {
  co_await pool_.query(std::move(context), make_message_due, id);
}

Task<std::vector<Notification>> Repository::list(Context context, ListNotifications filter, std::optional<Uuid> before,
                                                 std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), list_newest_first, filter.subject_id, filter.status,
                                         before, limit, filter.channel, filter.endpoint_id);
  co_return rows.to<Notification>();
}

Task<std::int64_t> Repository::prune(Context context) {
  std::int64_t total = 0;
  for (std::int64_t gone = 1; gone > 0; total += gone) {
    gone = (co_await pool_.query(context, prune_sent)).affected();
  }
  co_return total;
}

}  // namespace souk::notification
