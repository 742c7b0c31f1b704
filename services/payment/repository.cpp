#include "repository.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_map>

#include "core/crypto.hpp"
#include "rules.hpp"

namespace souk::payment {
namespace {

using pg::Statement;

// Of an order's two attempts at once the second waits at the key of charged_orders for the first, and then does
// nothing.
constexpr Statement begin_payments{
    "payment.begin",
    "WITH wanted AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::numeric[], $6::text[], $7::text[], "
    "                       $8::text[], $9::text[], $10::bool[]) "
    "  AS w (id, number, order_id, user_id, amount, currency, status, method, gateway, unknown)), "
    "claimed AS ("
    "  INSERT INTO charged_orders (order_id, payment_id) SELECT order_id, id FROM wanted ORDER BY order_id "
    "  ON CONFLICT (order_id) DO NOTHING RETURNING payment_id) "
    "INSERT INTO payments (id, payment_number, order_id, user_id, amount, currency, status, payment_method, "
    "                      payment_gateway, outcome_unknown, check_at) "
    "SELECT id, number, order_id, user_id, amount, currency, status, method, gateway, unknown, "
    "       CASE WHEN unknown THEN LOCALTIMESTAMP + INTERVAL '20 seconds' END FROM wanted "
    "WHERE id IN (SELECT payment_id FROM claimed) RETURNING id, created_at"};

// What is not known never covers up what is, and the customer's turn never returns after an authorization.
constexpr Statement change_payments{
    "payment.change",
    "WITH wanted AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::jsonb[], "
    "                       $8::bool[], $9::bool[], $10::timestamp[], $11::timestamp[], $12::int[], $13::uuid[], "
    "                       $14::jsonb[]) "
    "  AS w (id, from_status, status, gateway_id, response, failure, next_action, authorized, unknown, succeeded_at, "
    "        failed_at, check_s, event_id, payload)), "
    "changed AS ("
    "  UPDATE payments AS p SET status = w.status, gateway_payment_id = COALESCE(w.gateway_id, p.gateway_payment_id), "
    "         gateway_response = COALESCE(w.response, p.gateway_response), failure_reason = w.failure, "
    "         next_action = w.next_action, outcome_unknown = w.unknown, succeeded_at = w.succeeded_at, "
    "         failed_at = w.failed_at, captured_at = w.succeeded_at, "
    "         authorized_at = CASE WHEN w.authorized THEN COALESCE(p.authorized_at, LOCALTIMESTAMP) "
    "                              ELSE p.authorized_at END, "
    "         cancelled_at = CASE WHEN w.status = 'cancelled' THEN LOCALTIMESTAMP END, "
    "         check_at = LOCALTIMESTAMP + make_interval(secs => w.check_s), updated_at = LOCALTIMESTAMP "
    "  FROM wanted AS w WHERE p.id = w.id AND p.status = w.from_status "
    "  AND (p.outcome_unknown OR NOT w.unknown) AND (p.authorized_at IS NULL OR w.next_action IS NULL) "
    "  RETURNING p.id), "
    "told AS ("
    "  INSERT INTO outbox_events (xid, id, type, key, payload) "
    "  SELECT x.xid, w.event_id, 'payment.changed', w.payload ->> 'order_id', w.payload "
    "  FROM (SELECT pg_current_xact_id() AS xid OFFSET 0) AS x, changed AS c JOIN wanted AS w ON w.id = c.id) "
    "SELECT id FROM changed"};

// In the order that read_payment() reads.
#define SOUK_PAYMENT_COLUMNS                                                                                  \
  "SELECT id, payment_number, order_id, user_id, amount, currency, status, payment_method, payment_gateway, " \
  "gateway_payment_id, failure_reason, next_action, authorized_at IS NOT NULL AND status = 'processing', "    \
  "outcome_unknown, refunded_amount, created_at, succeeded_at, failed_at, refunding_amount, "                 \
  "extract(epoch FROM LOCALTIMESTAMP - created_at)::float8, capture_asked_at IS NOT NULL FROM payments "
constexpr Statement find_payment{"payment.find", SOUK_PAYMENT_COLUMNS "WHERE order_id = $1"};
constexpr Statement find_payments{"payment.find_all", SOUK_PAYMENT_COLUMNS "WHERE order_id = ANY ($1::uuid[])"};
constexpr Statement lock_payment{"payment.lock", SOUK_PAYMENT_COLUMNS "WHERE order_id = $1 FOR NO KEY UPDATE"};
constexpr Statement find_payment_by_id{"payment.find_by_id", SOUK_PAYMENT_COLUMNS "WHERE id = $1"};
constexpr Statement find_payment_by_gateway_id{
    "payment.find_by_gateway_id", SOUK_PAYMENT_COLUMNS "WHERE gateway_payment_id = $2 AND payment_gateway = $1"};

// A statement for each of the columns that may pick the index; the other filters look at the rows that it gives.
#define SOUK_PAYMENT_FILTERS                                                                          \
  "($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR payment_method = $2) "                  \
  "AND ($3::text IS NULL OR payment_gateway = $3) "                                                   \
  "AND ($4::bool IS NULL OR $4 = (authorized_at IS NOT NULL AND status = 'processing')) "             \
  "AND ($5::timestamp IS NULL OR created_at >= $5) AND (created_at, id) < ($6::timestamp, $7::uuid) " \
  "ORDER BY created_at DESC, id DESC LIMIT $8"
constexpr Statement list_all{"payment.list", SOUK_PAYMENT_COLUMNS "WHERE " SOUK_PAYMENT_FILTERS};
constexpr Statement list_of_status{"payment.list_of_status",
                                   SOUK_PAYMENT_COLUMNS "WHERE status = $1::text AND " SOUK_PAYMENT_FILTERS};
constexpr Statement list_of_user{"payment.list_of_user",
                                 SOUK_PAYMENT_COLUMNS "WHERE user_id = $9 AND " SOUK_PAYMENT_FILTERS};
constexpr Statement list_of_order{"payment.list_of_order", SOUK_PAYMENT_COLUMNS
                                  "WHERE order_id = $9 AND ($10::uuid IS NULL OR user_id = $10) "
                                  "AND " SOUK_PAYMENT_FILTERS};
#undef SOUK_PAYMENT_FILTERS
#undef SOUK_PAYMENT_COLUMNS

constexpr Statement store_gateway_id_statement{
    "payment.store_gateway_id",
    "UPDATE payments SET gateway_payment_id = COALESCE(gateway_payment_id, $2), updated_at = LOCALTIMESTAMP "
    "WHERE id = $1 AND status = 'processing' RETURNING gateway_payment_id"};

constexpr Statement ask_capture_statement{
    "payment.ask_capture",
    "UPDATE payments SET capture_asked_at = COALESCE(capture_asked_at, LOCALTIMESTAMP), checks = 0, "
    "       check_at = LOCALTIMESTAMP + INTERVAL '20 seconds', updated_at = LOCALTIMESTAMP "
    "WHERE id = $1 AND status = 'processing' AND authorized_at IS NOT NULL"};

constexpr Statement close_order_statement{
    "payment.close_order",
    "WITH closed AS (INSERT INTO charged_orders (order_id) VALUES ($1) ON CONFLICT (order_id) DO NOTHING RETURNING 1) "
    "SELECT 1 FROM closed UNION ALL SELECT 1 FROM charged_orders WHERE order_id = $1 AND payment_id IS NULL"};

constexpr Statement take_due_payments{
    "payment.take_due",
    "UPDATE payments SET checks = checks + 1, "
    "       check_at = LOCALTIMESTAMP + make_interval(secs => GREATEST("
    "           CASE WHEN next_action IS NULL THEN 2 ELSE 60 END, LEAST(300, power(2, LEAST(checks, 10) + 1)))) "
    "WHERE id IN (SELECT id FROM payments WHERE check_at <= LOCALTIMESTAMP ORDER BY check_at LIMIT $1 "
    "             FOR NO KEY UPDATE SKIP LOCKED) RETURNING order_id"};

// In the order of KnownRefund's members.
#define SOUK_REFUND_COLUMNS                                                                                      \
  "id, refund_number, payment_id, order_id, amount, currency, status, reason, created_at, succeeded_at, cause, " \
  "attempts"
constexpr Statement find_refund_statement{
    "payment.find_refund", "SELECT " SOUK_REFUND_COLUMNS " FROM refunds WHERE order_id = $1 AND cause = $2"};

constexpr Statement list_refunds_statement{"payment.list_refunds",
                                           "SELECT " SOUK_REFUND_COLUMNS
                                           " FROM refunds WHERE payment_id = $1 ORDER BY created_at, id"};

constexpr Statement list_open_refunds_statement{
    "payment.list_open_refunds",
    "SELECT " SOUK_REFUND_COLUMNS
    " FROM refunds WHERE payment_id = $1 AND status = 'processing' ORDER BY created_at, id"};

constexpr Statement begin_refund_statement{
    "payment.begin_refund",
    "WITH paid AS ("
    "  UPDATE payments SET refunding_amount = refunding_amount + $5, updated_at = LOCALTIMESTAMP WHERE id = $3) "
    "INSERT INTO refunds (id, refund_number, payment_id, order_id, amount, currency, status, reason, cause, attempts, "
    "                     created_at, check_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, 'processing', $7, $8, $9, $10, LOCALTIMESTAMP + INTERVAL '20 seconds') "
    "ON CONFLICT (order_id, cause) DO UPDATE SET status = 'processing', attempts = excluded.attempts, "
    "   failure_reason = NULL, check_at = excluded.check_at, checks = 0, updated_at = LOCALTIMESTAMP"};

constexpr Statement finish_refund_statement{
    "payment.finish_refund",
    "WITH finished AS ("
    "  UPDATE refunds SET status = $2::varchar, gateway_refund_id = COALESCE($3, gateway_refund_id), "
    "         failure_reason = $4, "
    "         succeeded_at = $5, check_at = NULL, "
    "         updated_at = LOCALTIMESTAMP "
    "  WHERE id = $1 AND status = 'processing' RETURNING payment_id, amount) "
    "UPDATE payments AS p SET refunding_amount = p.refunding_amount - f.amount, updated_at = LOCALTIMESTAMP, "
    "       refunded_amount = p.refunded_amount + CASE WHEN $2::varchar = 'succeeded' THEN f.amount ELSE 0 END, "
    "       status = CASE WHEN $2::varchar = 'succeeded' AND p.refunded_amount + f.amount = p.amount THEN 'refunded' "
    "                     ELSE p.status END "
    "FROM finished AS f WHERE p.id = f.payment_id"};

constexpr Statement take_due_refunds_statement{
    "payment.take_due_refunds",
    "UPDATE refunds SET checks = checks + 1, "
    "       check_at = LOCALTIMESTAMP + make_interval(secs => LEAST(300, power(2, LEAST(checks, 10) + 1))) "
    "WHERE id IN (SELECT id FROM refunds WHERE check_at <= LOCALTIMESTAMP ORDER BY check_at LIMIT $1 "
    "             FOR NO KEY UPDATE SKIP LOCKED) RETURNING " SOUK_REFUND_COLUMNS};
#undef SOUK_REFUND_COLUMNS

constexpr Statement has_message_statement{"payment.has_message",
                                          "SELECT 1 FROM gateway_messages WHERE gateway = $1 AND id = $2"};
constexpr Statement take_message_statement{
    "payment.take_message",
    "INSERT INTO gateway_messages (gateway, id, type, payment_id, gateway_payment_id, outcome) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (gateway, id) DO NOTHING"};
// Gateways send a message again for some days at most, and an old signature is refused anyway.
constexpr Statement prune_messages_statement{
    "payment.prune_messages",
    "DELETE FROM gateway_messages WHERE ctid = ANY (ARRAY (SELECT ctid FROM gateway_messages "
    "WHERE received_at < now() - INTERVAL '90 days' LIMIT 10000))"};

// The columns of an array, from a vector of rows.
template <class Row, class Field>
auto column(const std::vector<Row>& rows, Field field) {
  std::vector<std::remove_cvref_t<decltype(std::invoke(field, rows[0]))>> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(std::invoke(field, row));
  return values;
}

// The same of what a change makes of the payment.
template <class Field>
auto column_of(const std::vector<Change>& changes, Field field) {
  return column(changes, [field](const Change& change) { return std::invoke(field, change.payment); });
}

pg::Params params_of(const std::vector<Change>& changes) {
  const auto next_actions = column_of(changes, [](const Payment& payment) {
    return payment.next_action ? std::optional(json::Raw{json::write(*payment.next_action)}) : std::nullopt;
  });
  return pg::Params::of(column_of(changes, &Payment::id), column(changes, &Change::from),
                        column_of(changes, &Payment::status), column_of(changes, &Payment::gateway_payment_id),
                        column(changes, &Change::response), column_of(changes, &Payment::failure_reason), next_actions,
                        column_of(changes, &Payment::authorized), column_of(changes, &Payment::outcome_unknown),
                        column_of(changes, &Payment::succeeded_at), column_of(changes, &Payment::failed_at),
                        column_of(changes, &rules::next_check_s),
                        column(changes, [](const Change&) { return Uuid::v7(); }),
                        column_of(changes, [](const Payment& payment) { return json::Raw{json::write(payment)}; }));
}

KnownPayment read_payment(const pg::Row& row) {
  KnownPayment known;
  auto& payment = known.payment;
  payment.id = row.get<Uuid>(0);
  payment.payment_number = row.get<std::string>(1);
  payment.order_id = row.get<Uuid>(2);
  payment.user_id = row.get<Uuid>(3);
  payment.amount = row.get<Amount>(4);
  payment.currency = row.get<std::string>(5);
  payment.status = row.get<PaymentStatus>(6);
  payment.payment_method = row.get<Method>(7);
  payment.payment_gateway = row.get<std::optional<std::string>>(8);
  payment.gateway_payment_id = row.get<std::optional<std::string>>(9);
  payment.failure_reason = row.get<std::optional<std::string>>(10);
  if (!row.is_null(11)) payment.next_action = json::read_trusted<NextAction>(row.text(11));
  payment.authorized = row.get<bool>(12);
  payment.outcome_unknown = row.get<bool>(13);
  payment.refunded = row.get<Amount>(14);
  payment.created_at = row.get<Timestamp>(15);
  payment.succeeded_at = row.get<std::optional<Timestamp>>(16);
  payment.failed_at = row.get<std::optional<Timestamp>>(17);
  known.refunding = row.get<Amount>(18);
  known.age_s = row.get<double>(19);
  known.capture_asked = row.get<bool>(20);
  return known;
}

KnownRefund read_refund(const pg::Row& row) {
  return {.refund = row.to<Refund>(), .cause = row.get<std::string>(10), .attempts = row.get<std::int64_t>(11)};
}

std::optional<KnownPayment> first_payment(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return read_payment(rows.front());
}

// The year 9999, which RFC 3339 can still write.
constexpr Timestamp end_of_time{std::chrono::microseconds(253'402'300'799'000'000)};

}  // namespace

std::optional<PaymentCursor> PaymentCursor::parse(const std::string& text) {
  const auto plain = from_base64url(text);
  const auto colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  std::int64_t microseconds = 0;
  const auto [end, error] = std::from_chars(plain->data(), plain->data() + colon, microseconds);
  const auto id = Uuid::parse(std::string_view(*plain).substr(colon + 1));
  if (error != std::errc{} || end != plain->data() + colon || !id) return std::nullopt;
  if (microseconds < 0 || microseconds > end_of_time.time_since_epoch().count()) return std::nullopt;
  return PaymentCursor{Timestamp(std::chrono::microseconds(microseconds)), *id};
}

std::string PaymentCursor::to_string() const {
  const auto text = std::to_string(created_at.time_since_epoch().count()) + ":" + id.to_string();
  return base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Task<std::vector<std::optional<Timestamp>>> Repository::begin(Context context, std::vector<Payment> payments) {
  const auto rows = co_await pool_.query(
      std::move(context), begin_payments, column(payments, &Payment::id), column(payments, &Payment::payment_number),
      column(payments, &Payment::order_id), column(payments, &Payment::user_id), column(payments, &Payment::amount),
      column(payments, &Payment::currency), column(payments, &Payment::status),
      column(payments, &Payment::payment_method), column(payments, &Payment::payment_gateway),
      column(payments, &Payment::outcome_unknown));
  std::unordered_map<Uuid, Timestamp> begun;
  for (const pg::Row row : rows) begun.emplace(row.get<Uuid>(0), row.get<Timestamp>(1));
  co_return column(payments, [&](const Payment& payment) {
    const auto at = begun.find(payment.id);
    return at == begun.end() ? std::nullopt : std::optional(at->second);
  });
}

Task<std::vector<bool>> Repository::change(Context context, std::vector<Change> changes) {
  const auto rows = co_await pool_.execute(std::move(context), change_payments, params_of(changes));
  std::vector<Uuid> changed;
  for (const pg::Row row : rows) changed.push_back(row.get<Uuid>(0));
  std::ranges::sort(changed);
  co_return column_of(changes, [&](const Payment& payment) { return std::ranges::binary_search(changed, payment.id); });
}

Task<bool> Repository::change(pg::Transaction& tx, Change change) {
  std::vector<Change> changes;
  changes.push_back(std::move(change));
  co_return !(co_await tx.execute(change_payments, params_of(changes))).empty();
}

Task<std::optional<KnownPayment>> Repository::find(Context context, Uuid order_id) {
  co_return first_payment(co_await pool_.query(std::move(context), find_payment, order_id));
}

Task<std::vector<KnownPayment>> Repository::find_all(Context context, std::vector<Uuid> order_ids) {
  const auto rows = co_await pool_.query(std::move(context), find_payments, order_ids);
  std::vector<KnownPayment> found;
  for (const pg::Row row : rows) found.push_back(read_payment(row));
  co_return found;
}

Task<std::optional<KnownPayment>> Repository::lock(pg::Transaction& tx, Uuid order_id) {
  co_return first_payment(co_await tx.query(lock_payment, order_id));
}

Task<std::optional<KnownPayment>> Repository::find_by_id(Context context, Uuid id) {
  co_return first_payment(co_await pool_.query(std::move(context), find_payment_by_id, id));
}

Task<std::optional<std::string>> Repository::store_gateway_id(Context context, Uuid id,
                                                              std::string gateway_payment_id) {
  const auto rows = co_await pool_.query(std::move(context), store_gateway_id_statement, id, gateway_payment_id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().get<std::string>(0);
}

Task<std::optional<KnownPayment>> Repository::find_by_gateway_id(Context context, std::string gateway,
                                                                 std::string gateway_payment_id) {
  co_return first_payment(
      co_await pool_.query(std::move(context), find_payment_by_gateway_id, gateway, gateway_payment_id));
}

Task<bool> Repository::has_message(Context context, std::string gateway, std::string id) {
  co_return !(co_await pool_.query(std::move(context), has_message_statement, gateway, id)).empty();
}

Task<bool> Repository::take_message(pg::Transaction& tx, TakenMessage message) {
  const auto rows = co_await tx.query(take_message_statement, message.gateway, message.id, message.type,
                                      message.payment_id, message.gateway_payment_id, message.outcome);
  co_return rows.affected() > 0;
}

Task<std::int64_t> Repository::prune_messages(Context context) {
  co_return static_cast<std::int64_t>((co_await pool_.query(std::move(context), prune_messages_statement)).affected());
}

Task<std::vector<KnownRefund>> Repository::list_open_refunds(Context context, Uuid payment_id) {
  const auto rows = co_await pool_.query(std::move(context), list_open_refunds_statement, payment_id);
  std::vector<KnownRefund> refunds;
  for (const pg::Row row : rows) refunds.push_back(read_refund(row));
  co_return refunds;
}

Task<bool> Repository::ask_capture(Context context, Uuid id) {
  co_return (co_await pool_.query(std::move(context), ask_capture_statement, id)).affected() > 0;
}

Task<std::vector<Payment>> Repository::list(Context context, ListPayments filter, std::optional<PaymentCursor> after,
                                            std::int64_t limit) {
  // The list ends before the earlier of the two; nothing is as young as the end of time.
  auto place = after.value_or(PaymentCursor{end_of_time, Uuid()});
  if (filter.created_before && *filter.created_before <= place.created_at) place = {*filter.created_before, Uuid()};
  auto params = pg::Params::of(filter.status, filter.payment_method, filter.payment_gateway, filter.authorized,
                               filter.created_from, place.created_at, place.id, limit);
  const auto* statement = filter.status ? &list_of_status : &list_all;
  if (filter.order_id) {
    statement = &list_of_order;
    params.add(*filter.order_id);
    params.add(filter.user_id);
  } else if (filter.user_id) {
    statement = &list_of_user;
    params.add(*filter.user_id);
  }
  const auto rows = co_await pool_.execute(std::move(context), *statement, std::move(params));
  std::vector<Payment> payments;
  for (const pg::Row row : rows) payments.push_back(read_payment(row).payment);
  co_return payments;
}

Task<std::vector<Refund>> Repository::list_refunds(Context context, Uuid payment_id) {
  co_return (co_await pool_.query(std::move(context), list_refunds_statement, payment_id)).to<Refund>();
}

Task<bool> Repository::close_order(Context context, Uuid order_id) {
  co_return !(co_await pool_.query(std::move(context), close_order_statement, order_id)).empty();
}

Task<std::vector<Uuid>> Repository::take_due(Context context, std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), take_due_payments, limit);
  std::vector<Uuid> orders;
  for (const pg::Row row : rows) orders.push_back(row.get<Uuid>(0));
  co_return orders;
}

Task<std::optional<KnownRefund>> Repository::find_refund(pg::Transaction& tx, Uuid order_id, std::string cause) {
  const auto rows = co_await tx.query(find_refund_statement, order_id, cause);
  if (rows.empty()) co_return std::nullopt;
  co_return read_refund(rows.front());
}

Task<> Repository::begin_refund(pg::Transaction& tx, KnownRefund known) {
  const auto& refund = known.refund;
  co_await tx.query(begin_refund_statement, refund.id, refund.refund_number, refund.payment_id, refund.order_id,
                    refund.amount, refund.currency, refund.reason, known.cause, known.attempts, refund.created_at);
}

Task<> Repository::finish_refund(pg::Transaction& tx, Refund refund, std::optional<std::string> gateway_refund_id,
                                 std::optional<std::string> failure_reason) {
  co_await tx.query(finish_refund_statement, refund.id, refund.status, gateway_refund_id, failure_reason,
                    refund.succeeded_at);
}

Task<std::vector<KnownRefund>> Repository::take_due_refunds(Context context, std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), take_due_refunds_statement, limit);
  std::vector<KnownRefund> refunds;
  for (const pg::Row row : rows) refunds.push_back(read_refund(row));
  co_return refunds;
}

}  // namespace souk::payment
