#include "fulfilment.hpp"

#include "answers.hpp"
#include "core/crypto.hpp"
#include "core/failpoint.hpp"
#include "details.hpp"
#include "errors.hpp"
#include "events/idempotency.hpp"
#include "telemetry/log.hpp"

namespace souk::order {
namespace {

constexpr pg::Statement find_remaining{"order.find_remaining",
                                       "SELECT i.id, i.quantity - COALESCE((SELECT sum(s.quantity) FROM shipment_items "
                                       "s WHERE s.order_item_id = i.id), 0) "
                                       "FROM order_items i WHERE i.order_id = $1 ORDER BY i.id"};

constexpr pg::Statement insert_parcel{
    "order.insert_parcel",
    "WITH parcel AS (INSERT INTO shipments (id, order_id, number, carrier, tracking_number, created_by, created_at) "
    "    VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())), "
    "items AS (INSERT INTO shipment_items (shipment_id, order_item_id, quantity) "
    "    SELECT $1, item, quantity FROM unnest($7::uuid[], $8::integer[]) AS t (item, quantity)) "
    "UPDATE orders SET parcels = $3, tracking_number = $5, updated_at = clock_timestamp() WHERE id = $2"};

// Not over what a refund has made of it.
constexpr pg::Statement note_captured{"order.note_captured",
                                      "UPDATE orders SET payment_status = 'paid', updated_at = clock_timestamp() "
                                      "WHERE id = $1 AND payment_status = 'pending'"};

Result<void> check_change(OrderStatus from, OrderStatus to) {
  if (rules::may_follow(from, to)) return {};
  return errors::illegal_status(json::enum_name(from), json::enum_name(to));
}

idempotency::Key key_of(const Context& context, const ShipOrder& request) {
  return {.scope = context.caller().to_string(),
          .operation = "ship",
          .key = request.idempotency_key,
          .body_hash = hex(sha256(request.order_id.to_string() + "\n" + json::write(request.parcel)))};
}

}  // namespace

Task<Result<Order>> Fulfilment::start_processing(Context context, Uuid order_id) {
  auto tx = co_await pool_.begin(context);
  const auto locked = co_await repository_.lock(tx, order_id);
  if (!locked) co_return errors::order_not_found();
  const bool changed = locked->status != OrderStatus::processing;
  if (changed) {
    SOUK_CO_CHECK(check_change(locked->status, OrderStatus::processing));
    co_await save_status(tx, context, order_id, OrderStatus::processing, std::nullopt);
  }
  auto order = co_await tell(tx, order_id, changed);
  co_await commit(tx);
  co_return order;
}

// What is refused is refused before money is taken, so the first look comes before the capture, and the second decides.
Task<Result<Order>> Fulfilment::ship(Context context, ShipOrder request) {
  SOUK_CO_TRY(auto shipped, co_await try_ship(context, request, false));
  if (!shipped) {
    SOUK_CO_CHECK(co_await capture(context, request.order_id));
    SOUK_CO_TRY(shipped, co_await try_ship(context, request, true));
  }
  co_return std::move(shipped).value();
}

Task<Result<std::optional<Order>>> Fulfilment::try_ship(Context context, ShipOrder request, bool captured) {
  auto tx = co_await pool_.begin(context);
  const auto key = key_of(context, request);
  // The key stands for this parcel, not for the order: an order has many.
  const auto parcel_id = Uuid::v7();
  SOUK_CO_TRY(const auto claim, co_await idempotency::claim(tx, key, parcel_id));
  if (claim.reply) co_return json::read_trusted<Order>(claim.reply->body);
  const auto locked = co_await repository_.lock(tx, request.order_id);
  if (!locked) co_return errors::order_not_found();
  // Whoever comes second to the last part hears what is left, not which status it has.
  if (locked->status != OrderStatus::shipped) {
    SOUK_CO_CHECK(check_change(locked->status, OrderStatus::shipped));
  }
  if (locked->checkout_open) co_return errors::checkout_unfinished();
  const auto left = co_await remaining(tx, request.order_id);
  SOUK_CO_TRY(auto packed, rules::pack(left, request.parcel.items));
  if (locked->payment_status == PaymentStatus::failed) co_return errors::capture_failed();
  if (locked->is_held && !captured) co_return std::nullopt;
  if (captured) co_await tx.query(note_captured, request.order_id);

  std::optional<std::string> notes;
  if (request.parcel.notes) notes = *request.parcel.notes;
  co_await save_parcel(tx, context, *locked, parcel_id, std::move(request.parcel), std::move(packed.items));
  const auto status = packed.is_last ? OrderStatus::shipped : OrderStatus::processing;
  const bool changed = status != locked->status;
  if (changed) co_await save_status(tx, context, request.order_id, status, std::move(notes));
  auto order = co_await tell(tx, request.order_id, changed);
  co_await idempotency::finish(tx, key, {.status = 201, .body = json::write(order)});
  co_await commit(tx);
  log::info(context, "parcel shipped", log::kv("order_id", request.order_id), log::kv("status", status));
  co_return order;
}

Task<Result<Order>> Fulfilment::deliver(Context context, Uuid order_id) {
  const auto known = co_await repository_.find(context, order_id);
  if (!known) co_return errors::order_not_found();
  if (known->status == OrderStatus::delivered) co_return *known;
  SOUK_CO_CHECK(check_change(known->status, OrderStatus::delivered));
  if (known->payment_method == payment::Method::cod && known->payment_status == PaymentStatus::pending) {
    SOUK_FAILPOINT("order.before_settle_cash");
    const auto limited = context.as_service("order").limited(answers::call_limit);
    SOUK_CO_CHECK(co_await payments_.settle_cash(limited, {.order_id = order_id}));
    SOUK_FAILPOINT("order.after_settle_cash");
  } else if (known->payment_status == PaymentStatus::pending) {
    // Shipped by a version that captured nothing.
    SOUK_CO_CHECK(co_await capture(context, order_id));
  } else if (known->payment_status == PaymentStatus::failed) {
    co_return errors::not_paid();
  }
  auto tx = co_await pool_.begin(context);
  const auto locked = co_await repository_.lock(tx, order_id);
  if (!locked) co_return errors::order_not_found();
  const bool changed = locked->status != OrderStatus::delivered;
  if (changed) {
    SOUK_CO_CHECK(check_change(locked->status, OrderStatus::delivered));
    co_await save_status(tx, context, order_id, OrderStatus::delivered, std::nullopt);
  }
  auto order = co_await tell(tx, order_id, changed);
  co_await commit(tx);
  co_return order;
}

// Without an effect where it was captured before, so whoever repeats it after a crash or silence goes on.
Task<Result<void>> Fulfilment::capture(Context context, Uuid order_id) {
  const auto service = context.as_service("order");
  const auto held = co_await payments_.get_payment(service.limited(answers::call_limit), {.order_id = order_id});
  if (!held && answers::is_no_answer(held.error())) co_return errors::capture_unanswered();
  if (!held) co_return errors::capture_failed();
  SOUK_FAILPOINT("order.before_capture");
  const auto captured = co_await payments_.capture(service.limited(answers::charge_limit), {.payment_id = held->id});
  SOUK_FAILPOINT("order.after_capture");
  if (captured ? captured->authorized : answers::is_no_answer(captured.error())) {
    co_return errors::capture_unanswered();
  }
  if (!captured || captured->status == payment::PaymentStatus::failed ||
      captured->status == payment::PaymentStatus::cancelled) {
    log::warning(context, "money that was held cannot be captured", log::kv("order_id", order_id));
    co_return errors::capture_failed();
  }
  co_return Result<void>();
}

Task<std::vector<rules::Remaining>> Fulfilment::remaining(pg::Transaction& tx, Uuid order_id) {
  const auto rows = co_await tx.query(find_remaining, order_id);
  std::vector<rules::Remaining> left;
  left.reserve(rows.size());
  for (const pg::Row row : rows) left.push_back({row.get<Uuid>(0), row.get<std::int64_t>(1)});
  co_return left;
}

Task<> Fulfilment::save_parcel(pg::Transaction& tx, Context context, const LockedOrder& order, Uuid parcel_id,
                               Parcel parcel, std::vector<ShippedItem> items) {
  std::vector<Uuid> ids;
  std::vector<std::int64_t> quantities;
  for (const auto& item : items) {
    ids.push_back(item.order_item_id);
    quantities.push_back(item.quantity);
  }
  co_await tx.query(insert_parcel, parcel_id, order.id, order.parcels + 1, std::string(parcel.carrier),
                    std::string(parcel.tracking_number), context.caller().to_string(), ids, quantities);
}

Task<> Fulfilment::save_status(pg::Transaction& tx, Context context, Uuid order_id, OrderStatus status,
                               std::optional<std::string> notes) {
  co_await repository_.save_status(tx, order_id, status, std::move(notes), context.caller().to_string());
}

Task<Order> Fulfilment::tell(pg::Transaction& tx, Uuid order_id, bool changed) {
  auto order = co_await repository_.get(tx, order_id);
  if (changed) {
    const auto type = "order." + std::string(json::enum_name(order.status));
    co_await outbox_.append(tx, type, order_id.to_string(), event_of(order));
  }
  co_return order;
}

Task<> Fulfilment::commit(pg::Transaction& tx) {
  SOUK_FAILPOINT("order.before_fulfilment_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("order.after_fulfilment_commit");
  outbox_.committed();
}

}  // namespace souk::order
