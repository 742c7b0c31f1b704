#include "reconcile_repository.hpp"

namespace souk::payment {
namespace {

using pg::Statement;

// In the order of KnownRefund's members.
#define SOUK_BOOKED_REFUND                                                                             \
  "SELECT r.id, r.refund_number, r.payment_id, r.order_id, r.amount, r.currency, r.status, r.reason, " \
  "r.created_at, r.succeeded_at, COALESCE(r.cause, ''), r.attempts, r.gateway_refund_id, "             \
  "p.gateway_payment_id FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id "
constexpr Statement find_refunds_statement{"payment.find_refunds", SOUK_BOOKED_REFUND
                                           "WHERE r.id = ANY ($1::uuid[]) OR r.gateway_refund_id = ANY ($2::text[])"};
constexpr Statement list_refunds_statement{
    "payment.refunds_since", SOUK_BOOKED_REFUND
    "WHERE p.payment_gateway = $1 AND r.created_at >= $2 "
    "AND (r.created_at, r.id) > ($3::timestamp, $4::uuid) ORDER BY r.created_at, r.id LIMIT $5"};
#undef SOUK_BOOKED_REFUND

// An order that was closed before any charge has a row without a payment: now it has one.
constexpr Statement adopt_statement{
    "payment.adopt",
    "WITH claimed AS ("
    "  INSERT INTO charged_orders AS c (order_id, payment_id) VALUES ($3::uuid, $1::uuid) ON CONFLICT (order_id) DO "
    "UPDATE "
    "  SET payment_id = excluded.payment_id WHERE c.payment_id IS NULL RETURNING payment_id) "
    "INSERT INTO payments (id, payment_number, order_id, user_id, amount, currency, status, payment_method, "
    "                      payment_gateway, gateway_payment_id, gateway_response, created_at, succeeded_at, "
    "                      captured_at) "
    "SELECT $1::uuid, $2::text, $3::uuid, $4::uuid, $5::numeric, $6::text, $7::text, $8::text, $9::text, $10::text, "
    "       $11::jsonb, $12::timestamp, $13::timestamp, $13::timestamp FROM claimed"};

constexpr Statement mark_captured_statement{
    "payment.mark_captured",
    "UPDATE payments SET status = 'succeeded', gateway_payment_id = $2, gateway_response = $3::jsonb, "
    "       succeeded_at = $4, captured_at = $4, failure_reason = NULL, failed_at = NULL, cancelled_at = NULL, "
    "       outcome_unknown = FALSE, next_action = NULL, check_at = NULL, updated_at = LOCALTIMESTAMP "
    "WHERE id = $1 AND status IN ('failed', 'cancelled')"};

BookedRefund read_refund(const pg::Row& row) {
  return {
      .known = {.refund = row.to<Refund>(), .cause = row.get<std::string>(10), .attempts = row.get<std::int64_t>(11)},
      .gateway_refund_id = row.get<std::optional<std::string>>(12)};
}

std::vector<BookedRefund> read_refunds(const pg::Rows& rows) {
  std::vector<BookedRefund> found;
  for (const pg::Row row : rows) found.push_back(read_refund(row));
  return found;
}

}  // namespace

Task<std::vector<BookedRefund>> ReconcileRepository::find_refunds(Context context, std::vector<Uuid> ids,
                                                                  std::vector<std::string> gateway_ids) {
  co_return read_refunds(co_await pool_.query(std::move(context), find_refunds_statement, ids, gateway_ids));
}

Task<std::vector<BookedRefund>> ReconcileRepository::list_refunds(Context context, std::string gateway, Timestamp since,
                                                                  std::optional<Refund> after, std::int64_t limit) {
  const auto created_at = after ? after->created_at : Timestamp{};
  const auto id = after ? after->id : Uuid{};
  co_return read_refunds(
      co_await pool_.query(std::move(context), list_refunds_statement, gateway, since, created_at, id, limit));
}

Task<bool> ReconcileRepository::adopt(pg::Transaction& tx, Payment payment, json::Raw response) {
  const auto rows = co_await tx.query(adopt_statement, payment.id, payment.payment_number, payment.order_id,
                                      payment.user_id, payment.amount, payment.currency, payment.status,
                                      payment.payment_method, payment.payment_gateway, payment.gateway_payment_id,
                                      response, payment.created_at, payment.succeeded_at);
  co_return rows.affected() > 0;
}

Task<bool> ReconcileRepository::mark_captured(pg::Transaction& tx, Payment payment, json::Raw response) {
  const auto rows = co_await tx.query(mark_captured_statement, payment.id, payment.gateway_payment_id, response,
                                      payment.succeeded_at);
  co_return rows.affected() > 0;
}

}  // namespace souk::payment
