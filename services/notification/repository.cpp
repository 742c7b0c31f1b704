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

// $4: the outcome, $8: seconds until the next attempt. A message that another attempt has settled stays so.
constexpr pg::Statement record_attempt{
    "notification.record_attempt",
    "WITH attempt AS ("
    "  INSERT INTO notification_attempts (notification_id, number, outcome, response_status, detail, duration_ms) "
    "  VALUES ($1, $2, $4, $5, $6, $7) ON CONFLICT DO NOTHING) "
    "UPDATE notifications SET "
    "  status = CASE WHEN $4 = 'taken' THEN 'sent' WHEN $8::bigint IS NULL THEN 'failed' ELSE 'pending' END, "
    "  sent_at = CASE WHEN $4 = 'taken' THEN clock_timestamp() END, "
    "  handed_to = CASE WHEN $4 = 'taken' THEN $3 END, "
    "  last_error = CASE WHEN $4 <> 'taken' THEN $6 END, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => COALESCE($8::bigint, 0)) "
    "WHERE id = $1 AND status = 'pending'"};

constexpr pg::Statement put_messages_back{
    "notification.put_back",
    "UPDATE notifications SET attempts = attempts - 1, next_attempt_at = clock_timestamp() "
    "WHERE id = ANY ($1::uuid[]) AND status = 'pending' AND attempts > 0"};

constexpr pg::Statement make_message_due{
    "notification.make_due",
    "UPDATE notifications SET status = 'pending', attempts_before = attempts, next_attempt_at = clock_timestamp(), "
    "  sent_at = NULL, handed_to = NULL WHERE id = $1 AND (status <> 'sent' OR channel <> 'email')"};

#define SOUK_NOTIFICATION_COLUMNS                                                                                 \
  "SELECT id, kind, subject_id, channel, recipient, subject, status, attempts, "                                  \
  "       CASE WHEN status = 'pending' THEN next_attempt_at END, last_error, message_id, handed_to, created_at, " \
  "       sent_at"

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
    "  AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"};
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

Task<> Repository::record(Context context, AttemptRow attempt) {
  std::optional<std::int64_t> seconds;
  if (attempt.next_in) seconds = attempt.next_in->count();
  std::optional<std::string> detail;
  if (!attempt.delivery.why.empty()) detail = std::move(attempt.delivery.why);
  const auto duration = static_cast<std::int64_t>(attempt.duration.count());
  co_await pool_.query(std::move(context), record_attempt, attempt.id, attempt.number, attempt.handed_to,
                       attempt.delivery.outcome, attempt.delivery.status, detail, duration, seconds);
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
  constexpr int text_column = 14;
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
  const auto rows =
      co_await pool_.query(std::move(context), list_newest_first, filter.subject_id, filter.status, before, limit);
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
