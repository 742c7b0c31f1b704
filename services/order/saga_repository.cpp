#include "saga_repository.hpp"

#include <algorithm>
#include <unordered_map>

#include "core/seeded_bug.hpp"
#include "coupon_uses.hpp"
#include "rules.hpp"

namespace souk::order {
namespace {

// About the plans: the server plans a statement once for arrays of unknown length, perhaps while the tables are still
// small, and keeps the plan. LIMIT with the batch's size makes it expect one row, and a scalar subquery cannot be
// hashed: so rows are found by index, however large the tables become (migration 0005 has the other half of this).

// What others have taken is seen first; whoever takes it in the same moment makes an index refuse the statement, or
// leaves its key unclaimed (and then there is no saga either).
constexpr pg::Statement start_sagas{
    "order.start_sagas",
    "WITH seen AS (SELECT i.*, (SELECT true FROM checkout_sagas s WHERE s.id = i.id) AS mine, "
    "    (SELECT true FROM idempotency_keys k WHERE k.scope = i.scope AND k.operation = 'checkout' "
    "        AND k.key = i.key AND k.created_at >= now() - INTERVAL '72 hours') AS key_taken, "
    "    (SELECT s.state FROM checkout_sagas s WHERE s.cart_key = i.cart_key AND s.cart_version = i.cart_version "
    "        AND s.holds_cart) AS cart_taken "
    "    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], "
    "        $7::bigint[], $8::text[], $9::text[]) "
    "        AS i (id, scope, key, body_hash, user_id, cart_key, cart_version, details, payment_token) LIMIT $11), "
    "fresh AS (SELECT * FROM seen WHERE mine IS NULL AND key_taken IS NULL AND cart_taken IS NULL), "
    "keys AS (INSERT INTO idempotency_keys AS k (scope, operation, key, body_hash, subject) "
    "    SELECT scope, 'checkout', key, body_hash, id FROM fresh "
    "    ON CONFLICT (scope, operation, key) DO UPDATE SET body_hash = excluded.body_hash, subject = excluded.subject, "
    "        status = NULL, reply = NULL, created_at = now(), finished_at = NULL "
    "    WHERE k.created_at < now() - INTERVAL '72 hours' RETURNING subject), "
    "started AS (INSERT INTO checkout_sagas (id, lease_until, next_check_at, scope, idempotency_key, user_id, "
    "cart_key, "
    "        cart_version, details, payment_token) "
    "    SELECT f.id, now() + $10::interval, now() + $10::interval, f.scope, f.key, f.user_id, f.cart_key, "
    "        f.cart_version, f.details::json, f.payment_token FROM fresh f JOIN keys k ON k.subject = f.id RETURNING "
    "id) "
    "SELECT seen.id, seen.mine IS NOT NULL OR started.id IS NOT NULL, seen.key_taken IS NOT NULL, seen.cart_taken "
    "FROM seen LEFT JOIN started USING (id)"};

// The event is appended as events::Outbox does it (the transaction's id before the sequence number, see outbox.cpp).
constexpr pg::Statement write_all_orders{
    "order.write_orders",
    "WITH input AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::numeric[], "
    "    $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[], $10::text[], $11::text[], $12::text[], "
    "    $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::uuid[], $19::text[], $20::uuid[], "
    "    $21::uuid[]) "
    "    AS i (id, step_version, order_number, user_id, subtotal, tax, shipping_cost, discount, total, currency, "
    "    payment_method, payment_status, payment_gateway, email, shipping_method, notes, created_by, event_id, event, "
    "    shipping_address_id, billing_address_id) LIMIT $45), "
    "moved AS (UPDATE checkout_sagas s SET state = 'completing', payment_status = i.payment_status, "
    "        confirmed_at = now(), payment_token = NULL, next_action = NULL "
    "    FROM input i WHERE s.id = i.id AND s.step_version = i.step_version AND s.state IN ('running', 'waiting') "
    "    AND s.refusal IS NULL RETURNING s.id, s.scope, s.idempotency_key), "
    "w_orders AS (INSERT INTO orders (id, order_number, user_id, status, subtotal, tax, shipping_cost, discount, "
    "total, "
    "        currency, payment_method, payment_status, shipping_address_id, billing_address_id, notes, confirmed_at, "
    "        email, shipping_method, payment_gateway) "
    "    SELECT i.id, i.order_number, i.user_id, 'confirmed', i.subtotal, i.tax, i.shipping_cost, i.discount, i.total, "
    "        i.currency, i.payment_method, i.payment_status, i.shipping_address_id, i.billing_address_id, i.notes, "
    "        now(), i.email, i.shipping_method, i.payment_gateway FROM input i JOIN moved USING (id)), "
    "w_items AS (INSERT INTO order_items (id, order_id, product_id, product_name, product_sku, variant_id, size, "
    "color, "
    "        quantity, unit_price, total_price, discount, tax) "
    "    SELECT l.* FROM unnest($22::uuid[], $23::uuid[], $24::text[], $25::text[], $26::text[], $27::text[], "
    "        $28::text[], $29::text[], $30::int[], $31::numeric[], $32::numeric[], $33::numeric[], "
    "        $46::numeric[]) "
    "        AS l (id, order_id, product_id, product_name, product_sku, variant_id, size, color, quantity, unit_price, "
    "        total_price, discount, tax) JOIN moved ON moved.id = l.order_id), "
    "w_addresses AS (INSERT INTO order_addresses (id, order_id, address_type, full_name, phone, address_line1, "
    "        address_line2, city, state, postal_code, country) "
    "    SELECT a.* FROM unnest($34::uuid[], $35::uuid[], $36::text[], $37::text[], $38::text[], $39::text[], "
    "        $40::text[], $41::text[], $42::text[], $43::text[], $44::text[]) "
    "        AS a (id, order_id, address_type, full_name, phone, address_line1, address_line2, city, state, "
    "        postal_code, country) JOIN moved ON moved.id = a.order_id), "
    "w_history AS (INSERT INTO order_status_history (order_id, status, created_by) "
    "    SELECT i.id, 'confirmed', i.created_by FROM input i JOIN moved USING (id)), "
    "w_events AS (INSERT INTO outbox_events (xid, id, type, key, payload) "
    "    SELECT x.xid, i.event_id, 'order.confirmed', i.id::text, i.event::jsonb "
    "    FROM (SELECT pg_current_xact_id() AS xid OFFSET 0) AS x, input i JOIN moved USING (id)), "
    "w_replies AS (UPDATE idempotency_keys k SET status = 201, "
    "        reply = '{\"order_id\":\"' || m.id::text || '\"}', finished_at = now() "
    "    FROM moved m WHERE k.scope = m.scope AND k.operation = 'checkout' AND k.key = m.idempotency_key "
    "    AND k.subject = m.id) "
    "SELECT i.id, CASE WHEN m.id IS NOT NULL THEN now()::timestamp "
    "    WHEN s.step_version = i.step_version AND s.state IN ('completing', 'completed') THEN s.confirmed_at END "
    "FROM input i LEFT JOIN moved m USING (id) LEFT JOIN checkout_sagas s USING (id)"};

constexpr pg::Statement write_all_refusals{
    "order.write_refusals",
    "WITH input AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[]) "
    "    AS i (id, step_version, status, refusal) LIMIT $5), "
    "moved AS (UPDATE checkout_sagas s SET state = 'compensated', holds_cart = false, refusal = i.refusal::json, "
    "        payment_token = NULL, next_action = NULL, finished_at = now() "
    "    FROM input i WHERE s.id = i.id AND s.step_version = i.step_version AND s.state IN ('running', 'waiting') "
    "    RETURNING s.id, s.scope, s.idempotency_key, i.status, i.refusal), "
    "w_replies AS (UPDATE idempotency_keys k SET status = m.status, reply = m.refusal, finished_at = now() "
    "    FROM moved m WHERE k.scope = m.scope AND k.operation = 'checkout' AND k.key = m.idempotency_key "
    "    AND k.subject = m.id), "
    "returned AS (DELETE FROM coupon_uses u USING moved m WHERE u.order_id = m.id RETURNING u.coupon_id), "
    "counted AS (UPDATE coupons c SET uses = c.uses - r.n "
    "    FROM (SELECT coupon_id, count(*) AS n FROM returned GROUP BY coupon_id) r WHERE c.id = r.coupon_id) "
    "SELECT i.id, m.id IS NOT NULL OR (s.step_version = i.step_version AND s.state = 'compensated') "
    "FROM input i LEFT JOIN moved m USING (id) LEFT JOIN checkout_sagas s USING (id)"};

constexpr pg::Statement write_undoing_statement{
    "order.write_undoing",
    "UPDATE checkout_sagas SET refusal = $3::json "
    "WHERE id = $1 AND step_version = $2 AND state IN ('running', 'waiting')"};

constexpr pg::Statement write_all_completed{
    "order.write_completed",
    "WITH input AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS i (id, step_version) LIMIT $3), "
    "moved AS (UPDATE checkout_sagas s SET state = 'completed', finished_at = now() "
    "    FROM input i WHERE s.id = i.id AND s.step_version = i.step_version AND s.state = 'completing' RETURNING s.id) "
    "SELECT i.id, m.id IS NOT NULL OR (s.step_version = i.step_version AND s.state = 'completed') "
    "FROM input i LEFT JOIN moved m USING (id) LEFT JOIN checkout_sagas s USING (id)"};

constexpr pg::Statement park_saga{
    "order.park_saga",
    "UPDATE checkout_sagas SET state = 'waiting', next_action = $3::json, lease_until = now(), "
    "    next_check_at = now() + $4::interval "
    "WHERE id = $1 AND step_version = $2 AND state IN ('running', 'waiting')"};

constexpr pg::Statement hand_over_saga{
    "order.hand_over_saga",
    "UPDATE checkout_sagas SET lease_until = now(), next_check_at = now() + $3::interval "
    "WHERE id = $1 AND step_version = $2 AND finished_at IS NULL"};

#define SOUK_CHECKPOINT                                                                                     \
  "id, state, step_version, extract(epoch FROM now() - created_at)::bigint, lease_until > now(), details, " \
  "payment_token, refusal, next_action, payment_status, confirmed_at "

constexpr pg::Statement find_saga{"order.find_saga", "SELECT " SOUK_CHECKPOINT "FROM checkout_sagas WHERE id = $1"};

constexpr pg::Statement take_due_sagas{
    "order.take_due_sagas",
    "UPDATE checkout_sagas SET step_version = step_version + 1, lease_until = now() + $2::interval, "
    "    next_check_at = now() + $2::interval "
    "WHERE id IN (SELECT id FROM checkout_sagas WHERE finished_at IS NULL AND next_check_at <= now() "
    "    AND lease_until <= now() ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING " SOUK_CHECKPOINT};

constexpr pg::Statement take_saga{
    "order.take_saga",
    "UPDATE checkout_sagas SET step_version = step_version + 1, lease_until = now() + $2::interval, "
    "    next_check_at = now() + $2::interval "
    "WHERE id = $1 AND finished_at IS NULL AND lease_until <= now() RETURNING " SOUK_CHECKPOINT};

constexpr pg::Statement make_sagas_due{
    "order.make_sagas_due",
    "UPDATE checkout_sagas SET next_check_at = now() "
    "WHERE id = ANY ($1) AND finished_at IS NULL AND lease_until <= now() AND next_check_at > now()"};

// One statement: nearly every payment was on its order already, and its checkout had not ended.
constexpr pg::Statement note_payments_statement{
    "order.note_payments",
    "WITH told AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::text[]) AS t (id, status)), "
    "noted AS (UPDATE orders o SET payment_status = t.status, updated_at = now() FROM told t WHERE o.id = t.id "
    "    AND (t.status = 'paid' AND o.payment_status = 'pending' "
    "         OR t.status = 'refunded' AND o.payment_status IN ('pending', 'paid'))) "
    "SELECT s.id FROM told t JOIN checkout_sagas s ON s.id = t.id WHERE s.state = 'compensated'"};

constexpr pg::Statement count_open_sagas{
    "order.count_open_sagas", "SELECT state, count(*) FROM checkout_sagas WHERE finished_at IS NULL GROUP BY state"};

constexpr pg::Statement prune_sagas{
    "order.prune_sagas",
    "DELETE FROM checkout_sagas WHERE id IN (SELECT id FROM checkout_sagas WHERE finished_at < now() - INTERVAL "
    "'30 days' ORDER BY finished_at LIMIT 1000)"};

constexpr pg::Statement take_cancellations{
    "order.take_cancellations",
    "UPDATE cancellation_sagas SET step_version = step_version + 1, lease_until = now() + $2::interval, "
    "    next_check_at = now() + $2::interval "
    "WHERE order_id IN (SELECT order_id FROM cancellation_sagas WHERE finished_at IS NULL AND next_check_at <= now() "
    "    AND lease_until <= now() ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED) "
    "RETURNING order_id, step_version, extract(epoch FROM now() - created_at)::bigint"};

constexpr pg::Statement hand_over_cancellation{
    "order.hand_over_cancellation",
    "UPDATE cancellation_sagas SET lease_until = now(), next_check_at = now() + $3::interval "
    "WHERE order_id = $1 AND step_version = $2 AND finished_at IS NULL"};

constexpr pg::Statement finish_cancellation{
    "order.finish_cancellation",
    "WITH moved AS (UPDATE cancellation_sagas SET finished_at = now() "
    "    WHERE order_id = $1 AND step_version = $2 AND finished_at IS NULL RETURNING order_id), "
    "repaid AS (UPDATE orders o SET payment_status = 'refunded', updated_at = now() FROM moved "
    "    WHERE o.id = moved.order_id AND $3 AND o.payment_status = 'paid') "
    "SELECT order_id FROM moved"};

std::string interval(std::chrono::milliseconds time) { return std::to_string(time.count()) + " milliseconds"; }

Checkpoint to_checkpoint(const pg::Row& row) {
  Checkpoint checkpoint{.id = row.get<Uuid>(0),
                        .phase = row.get<saga::Phase>(1),
                        .step_version = row.get<std::int64_t>(2),
                        .age = std::chrono::seconds(row.get<std::int64_t>(3)),
                        .is_leased = row.get<bool>(4),
                        .details = json::read_trusted<Details>(row.text(5)),
                        .payment_token = row.get<std::optional<std::string>>(6),
                        .payment_status = row.get<std::optional<PaymentStatus>>(9),
                        .confirmed_at = row.get<std::optional<Timestamp>>(10)};
  if (!row.is_null(7)) checkpoint.refusal = to_error(json::read_trusted<StoredRefusal>(row.text(7)));
  if (!row.is_null(8)) checkpoint.next_action = json::read_trusted<payment::NextAction>(row.text(8));
  return checkpoint;
}

// The rows of a batch come in any order; each names its member first.
template <class Reply, class Members, class Read>
std::vector<Reply> in_order(const Members& members, const pg::Rows& rows, Read read) {
  std::unordered_map<Uuid, Reply> by_id;
  for (const pg::Row row : rows) by_id.emplace(row.get<Uuid>(0), read(row));
  std::vector<Reply> replies;
  replies.reserve(members.size());
  for (const auto& member : members) replies.push_back(by_id.at(member.id));
  return replies;
}

// A column of a batch: `get` of each member.
template <class Members, class Get>
auto column(const Members& members, Get get) {
  std::vector<std::remove_cvref_t<decltype(get(members.front()))>> values;
  values.reserve(members.size());
  for (const auto& member : members) values.push_back(get(member));
  return values;
}

pg::Params start_columns(const std::vector<Intent>& intents, std::chrono::milliseconds lease) {
  pg::Params params;
  const auto add = [&](auto get) { params.add(column(intents, get)); };
  add([](const Intent& i) { return i.id; });
  add([](const Intent& i) { return i.scope; });
  add([](const Intent& i) { return i.key; });
  add([](const Intent& i) { return i.body_hash; });
  add([](const Intent& i) { return i.details.user_id; });
  add([](const Intent& i) { return i.cart_key; });
  add([](const Intent& i) { return i.details.cart_version; });
  add([](const Intent& i) { return json::write(i.details); });
  add([](const Intent& i) { return i.payment_token; });
  params.add(interval(lease));
  params.add(intents.size());
  return params;
}

std::vector<Started> to_started(const std::vector<Intent>& intents, const pg::Rows& rows) {
  return in_order<Started>(intents, rows, [](const pg::Row& row) {
    return Started{row.get<bool>(1), row.get<bool>(2), row.get<std::optional<saga::Phase>>(3)};
  });
}

struct ItemRow {
  Uuid id;
  Uuid order_id;
  const BoughtLine* line;
};

struct AddressRow {
  Uuid id;
  Uuid order_id;
  const char* type;
  const Address* address;
};

void add_order_columns(pg::Params& params, const std::vector<OrderToWrite>& orders) {
  const auto add = [&](auto get) { params.add(column(orders, get)); };
  const auto add_detail = [&](auto member) {
    params.add(column(orders, [member](const OrderToWrite& o) { return o.details.*member; }));
  };
  add([](const OrderToWrite& o) { return o.id; });
  add([](const OrderToWrite& o) { return o.step_version; });
  add_detail(&Details::order_number);
  add_detail(&Details::user_id);
  add_detail(&Details::subtotal);
  add_detail(&Details::tax);
  add_detail(&Details::shipping_cost);
  add_detail(&Details::discount);
  add_detail(&Details::total);
  add_detail(&Details::currency);
  add_detail(&Details::payment_method);
  add([](const OrderToWrite& o) { return o.payment_status; });
  add([](const OrderToWrite& o) { return o.gateway; });
  add_detail(&Details::email);
  add_detail(&Details::shipping_method);
  add_detail(&Details::notes);
  add_detail(&Details::created_by);
  add([](const OrderToWrite&) { return Uuid::v7(); });
  add([](const OrderToWrite& o) {
    return json::write(OrderEvent{.order_id = o.id,
                                  .order_number = o.details.order_number,
                                  .user_id = o.details.user_id,
                                  .email = o.details.email,
                                  .status = OrderStatus::confirmed,
                                  .total = o.details.total,
                                  .currency = o.details.currency});
  });
  add([](const OrderToWrite& o) { return rules::part_id(o.id, rules::shipping_address_part); });
  add([](const OrderToWrite& o) { return rules::part_id(o.id, rules::billing_address_part); });
}

void add_item_columns(pg::Params& params, const std::vector<OrderToWrite>& orders) {
  std::vector<ItemRow> items;
  for (const auto& order : orders) {
    std::uint16_t n = 0;
    for (const auto& line : order.details.lines) items.push_back({rules::part_id(order.id, n++), order.id, &line});
  }
  params.add(column(items, [](const ItemRow& item) { return item.id; }));
  params.add(column(items, [](const ItemRow& item) { return item.order_id; }));
  const auto add = [&](auto member) {
    params.add(column(items, [member](const ItemRow& item) { return item.line->*member; }));
  };
  add(&BoughtLine::product_id);
  add(&BoughtLine::name);
  add(&BoughtLine::sku);
  add(&BoughtLine::variant_id);
  add(&BoughtLine::size);
  add(&BoughtLine::color);
  add(&BoughtLine::quantity);
  add(&BoughtLine::unit_price);
  add(&BoughtLine::total);
  add(&BoughtLine::discount);
}

// Of an order that was begun before lines kept their taxes, nothing is known.
std::vector<std::optional<Amount>> item_taxes(const std::vector<OrderToWrite>& orders) {
  std::vector<std::optional<Amount>> taxes;
  for (const auto& order : orders) {
    for (const auto& line : order.details.lines) taxes.push_back(line.tax);
  }
  return taxes;
}

void add_address_columns(pg::Params& params, const std::vector<OrderToWrite>& orders) {
  std::vector<AddressRow> rows;
  for (const auto& order : orders) {
    rows.push_back({rules::part_id(order.id, rules::shipping_address_part), order.id, "shipping",
                    &order.details.shipping_address});
    rows.push_back(
        {rules::part_id(order.id, rules::billing_address_part), order.id, "billing", &order.details.billing_address});
  }
  const auto add = [&](auto get) { params.add(column(rows, get)); };
  add([](const AddressRow& row) { return row.id; });
  add([](const AddressRow& row) { return row.order_id; });
  add([](const AddressRow& row) { return std::string(row.type); });
  add([](const AddressRow& row) { return std::string(row.address->full_name); });
  add([](const AddressRow& row) { return std::string(row.address->phone); });
  add([](const AddressRow& row) { return std::string(row.address->address_line1); });
  add([](const AddressRow& row) {
    return row.address->address_line2 ? std::optional<std::string>(*row.address->address_line2) : std::nullopt;
  });
  add([](const AddressRow& row) { return std::string(row.address->city); });
  add([](const AddressRow& row) { return std::string(row.address->state.value_or("")); });
  add([](const AddressRow& row) { return std::string(row.address->postal_code.value_or("")); });
  add([](const AddressRow& row) { return std::string(row.address->country); });
}

}  // namespace

Task<std::vector<Started>> SagaRepository::start(Context context, const std::vector<Intent>& intents) {
  const bool with_coupons = std::ranges::any_of(intents, [](const Intent& i) { return !i.details.discounts.empty(); });
  if (!with_coupons) {
    const auto rows = co_await pool_.execute(std::move(context), start_sagas, start_columns(intents, lease_));
    co_return to_started(intents, rows);
  }
  auto tx = co_await pool_.begin(std::move(context));
  const auto limits = co_await coupon_uses::lock(tx, intents);
  const auto rows = co_await tx.execute(start_sagas, start_columns(intents, lease_));
  auto started = to_started(intents, rows);
  co_await coupon_uses::take(tx, intents, limits, started);
  co_await tx.commit();
  co_return started;
}

Task<std::vector<OrderWritten>> SagaRepository::write_orders(Context context, const std::vector<OrderToWrite>& orders) {
  pg::Params params;
  add_order_columns(params, orders);
  add_item_columns(params, orders);
  add_address_columns(params, orders);
  params.add(orders.size());
  params.add(item_taxes(orders));
  const auto statement = SOUK_SEEDED_SQL("order.lease_not_checked", write_all_orders,
                                         "AND s.step_version = i.step_version AND s.state IN", "AND s.state IN");
  const auto rows = co_await pool_.execute(std::move(context), statement, std::move(params));
  co_return in_order<OrderWritten>(
      orders, rows, [](const pg::Row& row) { return OrderWritten{row.get<std::optional<Timestamp>>(1)}; });
}

Task<std::vector<Written>> SagaRepository::write_refusals(Context context,
                                                          const std::vector<RefusalToWrite>& refusals) {
  pg::Params params;
  const auto add = [&](auto get) { params.add(column(refusals, get)); };
  add([](const RefusalToWrite& r) { return r.id; });
  add([](const RefusalToWrite& r) { return r.step_version; });
  add([](const RefusalToWrite& r) { return to_stored(r.refusal).status; });
  add([](const RefusalToWrite& r) { return json::write(to_stored(r.refusal)); });
  params.add(refusals.size());
  const auto rows = co_await pool_.execute(std::move(context), write_all_refusals, std::move(params));
  co_return in_order<Written>(refusals, rows, [](const pg::Row& row) { return Written{row.get<bool>(1)}; });
}

Task<bool> SagaRepository::write_undoing(Context context, Step step, const Error& refusal) {
  const auto rows = co_await pool_.query(std::move(context), write_undoing_statement, step.id, step.step_version,
                                         json::write(to_stored(refusal)));
  co_return rows.affected() == 1;
}

Task<std::vector<Written>> SagaRepository::write_completed(Context context, const std::vector<Step>& steps) {
  auto params = pg::Params::of(column(steps, [](const Step& s) { return s.id; }),
                               column(steps, [](const Step& s) { return s.step_version; }), steps.size());
  const auto rows = co_await pool_.execute(std::move(context), write_all_completed, std::move(params));
  co_return in_order<Written>(steps, rows, [](const pg::Row& row) { return Written{row.get<bool>(1)}; });
}

Task<bool> SagaRepository::park(Context context, Step step, std::optional<payment::NextAction> next_action,
                                std::chrono::milliseconds check_after) {
  const auto action = next_action ? std::optional(json::write(*next_action)) : std::nullopt;
  const auto rows =
      co_await pool_.query(std::move(context), park_saga, step.id, step.step_version, action, interval(check_after));
  co_return rows.affected() == 1;
}

Task<bool> SagaRepository::hand_over(Context context, Step step, std::chrono::milliseconds check_after) {
  const auto rows =
      co_await pool_.query(std::move(context), hand_over_saga, step.id, step.step_version, interval(check_after));
  co_return rows.affected() == 1;
}

Task<std::optional<Checkpoint>> SagaRepository::find(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), find_saga, id);
  if (rows.empty()) co_return std::nullopt;
  co_return to_checkpoint(rows.front());
}

Task<std::vector<Checkpoint>> SagaRepository::take_due(Context context, std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), take_due_sagas, limit, interval(lease_));
  std::vector<Checkpoint> taken;
  for (const pg::Row row : rows) taken.push_back(to_checkpoint(row));
  co_return taken;
}

Task<std::optional<Checkpoint>> SagaRepository::take(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), take_saga, id, interval(lease_));
  if (rows.empty()) co_return std::nullopt;
  co_return to_checkpoint(rows.front());
}

Task<bool> SagaRepository::make_due(Context context, std::vector<Uuid> ids) {
  const auto rows = co_await pool_.query(std::move(context), make_sagas_due, ids);
  co_return rows.affected() > 0;
}

Task<std::vector<Uuid>> SagaRepository::note_payments(Context context, std::map<Uuid, PaymentStatus> told) {
  std::vector<Uuid> ids, found;
  std::vector<PaymentStatus> statuses;
  for (const auto& [id, status] : told) {
    ids.push_back(id);
    statuses.push_back(status);
  }
  for (const pg::Row row : co_await pool_.query(std::move(context), note_payments_statement, ids, statuses)) {
    found.push_back(row.get<Uuid>(0));
  }
  co_return found;
}

Task<std::map<std::string, std::int64_t>> SagaRepository::count_open(Context context) {
  const auto rows = co_await pool_.query(std::move(context), count_open_sagas);
  std::map<std::string, std::int64_t> counts;
  for (const pg::Row row : rows) counts.emplace(row.get<std::string>(0), row.get<std::int64_t>(1));
  co_return counts;
}

Task<std::int64_t> SagaRepository::prune(Context context) {
  std::int64_t total = 0;
  for (;;) {
    const auto gone = (co_await pool_.query(context, prune_sagas)).affected();
    total += gone;
    if (gone == 0) co_return total;
  }
}

Task<std::vector<OpenCancellation>> SagaRepository::take_due_cancellations(Context context, std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), take_cancellations, limit, interval(lease_));
  std::vector<OpenCancellation> taken;
  for (const pg::Row row : rows) {
    taken.push_back({row.get<Uuid>(0), row.get<std::int64_t>(1), std::chrono::seconds(row.get<std::int64_t>(2))});
  }
  co_return taken;
}

Task<bool> SagaRepository::hand_over(Context context, OpenCancellation cancellation,
                                     std::chrono::milliseconds check_after) {
  const auto rows = co_await pool_.query(std::move(context), hand_over_cancellation, cancellation.order_id,
                                         cancellation.step_version, interval(check_after));
  co_return rows.affected() == 1;
}

Task<bool> SagaRepository::write_cancelled(Context context, OpenCancellation cancellation, bool refunded) {
  const auto rows = co_await pool_.query(std::move(context), finish_cancellation, cancellation.order_id,
                                         cancellation.step_version, refunded);
  co_return rows.size() == 1;
}

}  // namespace souk::order
