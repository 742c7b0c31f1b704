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
    "RETURNING id, message_id, recipient, subject, text, html, created_at, attempts"};

constexpr pg::Statement mark_mails_sent{
    "notification.mark_sent",
    "UPDATE notifications SET status = 'sent', sent_at = clock_timestamp(), handed_to = $2, last_error = NULL "
    "WHERE id = ANY ($1::uuid[]) AND status = 'pending'"};

constexpr pg::Statement mark_mail_not_sent{
    "notification.mark_not_sent",
    "UPDATE notifications SET last_error = $2, status = CASE WHEN $3::bigint IS NULL THEN 'failed' ELSE 'pending' END, "
    "  next_attempt_at = clock_timestamp() + make_interval(secs => COALESCE($3::bigint, 0)) "
    "WHERE id = $1 AND status = 'pending'"};

constexpr pg::Statement list_newest_first{
    "notification.list",
    "SELECT id, kind, subject_id, channel, recipient, subject, status, attempts, last_error, message_id, handed_to, "
    "       created_at, sent_at FROM notifications "
    "WHERE ($1::text IS NULL OR subject_id = $1) AND ($2::text IS NULL OR status = $2) "
    "  AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"};

constexpr pg::Statement prune_sent{
    "notification.prune",
    "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE status = 'sent' "
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

Task<> Repository::mark_sent(Context context, std::vector<Uuid> ids, std::string handed_to) {
  co_await pool_.query(std::move(context), mark_mails_sent, ids, handed_to);
}

Task<> Repository::mark_not_sent(Context context, Uuid id, std::string why,
                                 std::optional<std::chrono::seconds> next_in) {
  std::optional<std::int64_t> seconds;
  if (next_in) seconds = next_in->count();
  co_await pool_.query(std::move(context), mark_mail_not_sent, id, why, seconds);
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
