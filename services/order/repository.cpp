#include "repository.hpp"

#include <charconv>
#include <stdexcept>

namespace souk::order {
namespace {

// An order with its parts, in the order of the members of Order up to cancelled_at. The parts are JSON arrays of the
// Api's structs; amounts stay numbers with two decimals.
#define SOUK_ORDER_ADDRESS(which)                                                                        \
  "(SELECT json_build_object('id', a.id, 'full_name', a.full_name, 'phone', a.phone, 'address_line1', "  \
  "a.address_line1, 'address_line2', a.address_line2, 'city', a.city, 'state', a.state, 'postal_code', " \
  "a.postal_code, 'country', a.country) FROM order_addresses a WHERE a.id = o." which " AND a.order_id = o.id), "

#define SOUK_ORDER \
  "o.id, o.order_number, o.user_id, o.email, o.status, o.subtotal, o.tax, o.shipping_cost, o.discount, o.total, "      \
  "o.currency, o.payment_method, o.payment_status, COALESCE(o.shipping_method, ''), "                                  \
  "(SELECT json_agg(json_build_object('id', i.id, 'product_id', i.product_id, 'product_name', i.product_name, "        \
  "'product_sku', i.product_sku, 'variant_id', i.variant_id, 'size', i.size, 'color', i.color, 'quantity', "           \
  "i.quantity, 'unit_price', i.unit_price, 'total_price', i.total_price, 'discount', i.discount) ORDER BY i.id) "      \
  "FROM order_items i WHERE i.order_id = o.id), "                                                                      \
  SOUK_ORDER_ADDRESS("shipping_address_id") SOUK_ORDER_ADDRESS("billing_address_id")                                   \
  "(SELECT json_agg(json_build_object('status', h.status, 'notes', h.notes, 'created_by', h.created_by, "              \
  "'created_at', h.created_at AT TIME ZONE 'UTC') ORDER BY h.created_at, h.id) "                                       \
  "FROM order_status_history h WHERE h.order_id = o.id), "                                                             \
  "(SELECT json_agg(json_build_object('id', p.id, 'number', p.number, 'carrier', p.carrier, 'tracking_number', "       \
  "p.tracking_number, 'created_at', p.created_at AT TIME ZONE 'UTC', 'items', (SELECT "                                \
  "json_agg(json_build_object('order_item_id', c.order_item_id, 'quantity', c.quantity) ORDER BY c.order_item_id) "    \
  "FROM shipment_items c WHERE c.shipment_id = p.id)) ORDER BY p.number) FROM shipments p WHERE p.order_id = o.id), "  \
  "o.tracking_number, o.notes, o.created_at, o.updated_at, o.confirmed_at, o.shipped_at, o.delivered_at, "             \
  "o.cancelled_at FROM orders o "

constexpr pg::Statement find_order{"order.find", "SELECT " SOUK_ORDER "WHERE o.id = $1"};

constexpr pg::Statement list_first_orders{
    "order.list_first", "SELECT " SOUK_ORDER "WHERE o.user_id = $1 ORDER BY o.created_at DESC, o.id DESC LIMIT $2"};

constexpr pg::Statement list_next_orders{"order.list_next",
                                         "SELECT " SOUK_ORDER
                                         "WHERE o.user_id = $1 AND (o.created_at, o.id) < ($3::timestamp, $4::uuid) "
                                         "ORDER BY o.created_at DESC, o.id DESC LIMIT $2"};

constexpr pg::Statement find_purchase{
    "order.find_purchase",
    "SELECT o.id FROM orders o WHERE o.user_id = $1 AND o.status IN ('confirmed', 'processing', 'shipped', "
    "'delivered') "
    "AND EXISTS (SELECT 1 FROM order_items i WHERE i.order_id = o.id AND i.product_id = $2) "
    "ORDER BY o.created_at DESC, o.id DESC LIMIT 1"};

constexpr pg::Statement lock_order{"order.lock",
                                   "SELECT id, user_id, status, payment_status, parcels, EXISTS (SELECT 1 FROM "
                                   "checkout_sagas s WHERE s.id = orders.id AND s.finished_at IS NULL), "
                                   "payment_status = 'pending' AND payment_method IS DISTINCT FROM 'cod' "
                                   "FROM orders WHERE id = $1 FOR UPDATE"};

// One statement for each index that can lead; what else is asked for is checked row by row on the way.
#define SOUK_SEARCH(leading)                                                                            \
  "SELECT " SOUK_ORDER "WHERE " leading                                                                 \
  "(o.created_at, o.id) < ($1::timestamp, $2::uuid) AND o.created_at >= $3::timestamp "                 \
  "AND ($5::text IS NULL OR o.status = $5) AND ($6::text IS NULL OR o.payment_status = $6) "            \
  "AND ($7::text IS NULL OR lower(o.email) = lower($7)) AND ($8::text IS NULL OR o.order_number = $8) " \
  "AND ($9::numeric IS NULL OR o.total >= $9) AND ($10::numeric IS NULL OR o.total <= $10) "            \
  "ORDER BY o.created_at DESC, o.id DESC LIMIT $4"

constexpr pg::Statement search_by_number{"order.search_by_number", SOUK_SEARCH("o.order_number = $8 AND ")};
constexpr pg::Statement search_by_email{"order.search_by_email",
                                        SOUK_SEARCH("o.email IS NOT NULL AND lower(o.email) = lower($7) AND ")};
constexpr pg::Statement search_by_status{"order.search_by_status", SOUK_SEARCH("o.status = $5 AND ")};
constexpr pg::Statement search_by_payment{"order.search_by_payment", SOUK_SEARCH("o.payment_status = $6 AND ")};
constexpr pg::Statement search_by_time{"order.search_by_time", SOUK_SEARCH("")};

const pg::Statement& search_for(const SearchOrders& filter) {
  if (filter.order_number) return search_by_number;
  if (filter.email) return search_by_email;
  if (filter.status) return search_by_status;
  return filter.payment_status ? search_by_payment : search_by_time;
}

template <class Text>
std::optional<std::string> plain(const std::optional<Text>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

constexpr pg::Statement cancel_order{
    "order.cancel",
    "WITH cancelled AS (UPDATE orders SET status = 'cancelled', cancelled_at = now(), updated_at = now() "
    "    WHERE id = $1 RETURNING id) "
    "INSERT INTO order_status_history (order_id, status, notes, created_by) SELECT id, 'cancelled', $3, $2 "
    "FROM cancelled"};

// The clock's time, not the transaction's: who waited for the row began earlier than who had it.
constexpr pg::Statement update_status{
    "order.update_status",
    "WITH changed AS (UPDATE orders SET status = $2::text, updated_at = clock_timestamp(), "
    "    shipped_at = CASE WHEN $2::text = 'shipped' THEN clock_timestamp() ELSE shipped_at END, "
    "    delivered_at = CASE WHEN $2::text = 'delivered' THEN clock_timestamp() ELSE delivered_at END, "
    "    payment_status = CASE WHEN $2::text = 'delivered' AND payment_status = 'pending' THEN 'paid' "
    "        ELSE payment_status END "
    "    WHERE id = $1 RETURNING id) "
    "INSERT INTO order_status_history (order_id, status, notes, created_by, created_at) "
    "SELECT id, $2::text, $3, $4, clock_timestamp() FROM changed"};

constexpr pg::Statement insert_cancellation{
    "order.insert_cancellation",
    "INSERT INTO cancellation_sagas (order_id, cause, lease_until, next_check_at) VALUES ($1, $2, now(), now()) "
    "ON CONFLICT (order_id) DO NOTHING"};

template <class T>
T read_part(const pg::Row& row, int column) {
  return row.is_null(column) ? T{} : json::read_trusted<T>(row.text(column));
}

Order to_order(const pg::Row& row) {
  int column = 0;
  const auto next = [&]<class T>(T& member) { member = row.get<T>(column++); };
  const auto next_part = [&]<class T>(T& member) { member = read_part<T>(row, column++); };
  Order order;
  next(order.id);
  next(order.order_number);
  next(order.user_id);
  next(order.email);
  next(order.status);
  next(order.subtotal);
  next(order.tax);
  next(order.shipping_cost);
  next(order.discount);
  next(order.total);
  next(order.currency);
  next(order.payment_method);
  next(order.payment_status);
  next(order.shipping_method);
  next_part(order.items);
  next_part(order.shipping_address);
  next_part(order.billing_address);
  next_part(order.status_history);
  next_part(order.shipments);
  next(order.tracking_number);
  next(order.notes);
  next(order.created_at);
  next(order.updated_at);
  next(order.confirmed_at);
  next(order.shipped_at);
  next(order.delivered_at);
  next(order.cancelled_at);
  return order;
}

}  // namespace

std::optional<OrderCursor> OrderCursor::parse(const std::string& text) {
  const auto colon = text.find('.');
  if (colon == std::string::npos) return std::nullopt;
  std::int64_t micros = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, micros);
  const auto id = Uuid::parse(std::string_view(text).substr(colon + 1));
  if (error != std::errc{} || end != text.data() + colon || !id) return std::nullopt;
  return OrderCursor{Timestamp(std::chrono::microseconds(micros)), *id};
}

std::string OrderCursor::to_string() const {
  return std::to_string(created_at.time_since_epoch().count()) + "." + id.to_string();
}

Task<std::optional<Order>> Repository::find(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), find_order, id);
  if (rows.empty()) co_return std::nullopt;
  co_return to_order(rows.front());
}

Task<std::vector<Order>> Repository::list(Context context, Uuid user_id, std::optional<OrderCursor> cursor,
                                          std::int64_t limit) {
  const auto rows =
      cursor ? co_await pool_.query(context, list_next_orders, user_id, limit, cursor->created_at, cursor->id)
             : co_await pool_.query(context, list_first_orders, user_id, limit);
  std::vector<Order> orders;
  orders.reserve(rows.size());
  for (const pg::Row row : rows) orders.push_back(to_order(row));
  co_return orders;
}

Task<std::vector<Order>> Repository::search(Context context, SearchOrders filter, std::optional<OrderCursor> cursor,
                                            std::int64_t limit) {
  // The page ends before the cursor or before created_to, whichever is earlier.
  std::string before = filter.created_to ? to_rfc3339(*filter.created_to) : "infinity";
  Uuid before_id;
  if (cursor && (!filter.created_to || cursor->created_at < *filter.created_to)) {
    before = to_rfc3339(cursor->created_at);
    before_id = cursor->id;
  }
  const std::string from = filter.created_from ? to_rfc3339(*filter.created_from) : "-infinity";
  const auto rows = co_await pool_.query(std::move(context), search_for(filter), before, before_id, from, limit,
                                         filter.status, filter.payment_status, plain(filter.email),
                                         plain(filter.order_number), filter.min_total, filter.max_total);
  std::vector<Order> orders;
  orders.reserve(rows.size());
  for (const pg::Row row : rows) orders.push_back(to_order(row));
  co_return orders;
}

Task<std::optional<Uuid>> Repository::find_with_product(Context context, Uuid user_id, std::string product_id) {
  const auto rows = co_await pool_.query(std::move(context), find_purchase, user_id, product_id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().get<Uuid>(0);
}

Task<std::optional<LockedOrder>> Repository::lock(pg::Transaction& tx, Uuid id) {
  const auto rows = co_await tx.query(lock_order, id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().to<LockedOrder>();
}

Task<> Repository::save_cancelled(pg::Transaction& tx, Uuid id, std::string created_by,
                                  std::optional<std::string> notes) {
  co_await tx.query(cancel_order, id, created_by, notes);
}

Task<> Repository::start_cancellation(pg::Transaction& tx, Uuid id, std::string cause) {
  co_await tx.query(insert_cancellation, id, cause);
}

Task<> Repository::save_status(pg::Transaction& tx, Uuid id, OrderStatus status, std::optional<std::string> notes,
                               std::string created_by) {
  co_await tx.query(update_status, id, status, notes, created_by);
}

Task<Order> Repository::get(pg::Transaction& tx, Uuid id) {
  const auto rows = co_await tx.query(find_order, id);
  if (rows.empty()) throw std::logic_error("a locked order cannot be read");
  co_return to_order(rows.front());
}

}  // namespace souk::order
