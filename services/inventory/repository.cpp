#include "repository.hpp"

#include <algorithm>

#include "core/seeded_bug.hpp"
#include "errors.hpp"

namespace souk::inventory {
namespace {

using pg::Statement;

// Three kinds of rows with one statement: the time, the items, what the orders hold; and the closed orders. The parts
// are executed in the order of the UNION, so the holds are read after the items are locked; FOR UPDATE gives their
// newest versions. A hold that was inserted while we waited is not seen: its insert then fails by
// stock_reservations_once, and the batch is decided anew. The advisory lock is what close_orders waits for.
constexpr Statement lock_books_statement{
    "inventory.lock_books",
    "WITH items AS MATERIALIZED ("
    "  SELECT id, product_id, sku, quantity, reserved_quantity, reorder_level, reorder_quantity FROM inventory "
    "  WHERE id = ANY (ARRAY (SELECT id FROM inventory WHERE product_id = ANY ($1::text[]) UNION ALL "
    "                         SELECT inventory_id FROM stock_reservations WHERE order_id = ANY ($2::uuid[]))) "
    "  ORDER BY product_id FOR NO KEY UPDATE), "
    "holds AS MATERIALIZED ("
    "  SELECT id, order_id, inventory_id, quantity, status, expires_at, hold_number FROM stock_reservations "
    "  WHERE order_id = ANY ($2::uuid[]) FOR NO KEY UPDATE) "
    "SELECT 0 AS kind, NULL::uuid AS id, NULL::uuid AS order_id, NULL::uuid AS item_id, NULL::text AS product_id, "
    "       NULL::text AS sku, NULL::int AS quantity, NULL::int AS reserved, NULL::int AS reorder_level, "
    "       NULL::int AS reorder_quantity, NULL::text AS status, clock_timestamp() AT TIME ZONE 'UTC' AS at, "
    "       NULL::int AS number FROM (SELECT pg_advisory_xact_lock_shared(7190355012) OFFSET 0) AS guard "
    "UNION ALL SELECT 1, id, NULL, NULL, product_id, sku, quantity, reserved_quantity, reorder_level, "
    "                 reorder_quantity, NULL, NULL, NULL FROM items "
    "UNION ALL SELECT 2, id, order_id, inventory_id, NULL, NULL, quantity, NULL, NULL, NULL, status, expires_at, "
    "                 hold_number FROM holds "
    "UNION ALL SELECT 3, NULL, order_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL "
    "          FROM closed_orders WHERE order_id = ANY ($2::uuid[])"};

// Its snapshot is taken after the advisory lock of lock_books, so it sees every order that was closed before that.
constexpr Statement write_changes{
    "inventory.write_changes",
    "WITH stock AS ("
    "  UPDATE inventory AS i SET quantity = i.quantity + c.quantity, "
    "         reserved_quantity = i.reserved_quantity + c.reserved, updated_at = LOCALTIMESTAMP, "
    "         last_restocked_at = CASE WHEN c.restocked THEN LOCALTIMESTAMP ELSE i.last_restocked_at END "
    "  FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bool[]) AS c (id, quantity, reserved, restocked) "
    "  WHERE i.id = c.id), "
    "new_holds AS ("
    "  INSERT INTO stock_reservations (id, order_id, inventory_id, quantity, status, expires_at, hold_number) "
    "  SELECT * FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::int[], $9::text[], $10::timestamp[], $11::int[])), "
    "changed_holds AS ("
    "  UPDATE stock_reservations AS r SET status = c.status, expires_at = c.expires_at, hold_number = c.number, "
    "         updated_at = LOCALTIMESTAMP "
    "  FROM unnest($12::uuid[], $13::text[], $14::timestamp[], $15::int[]) AS c (id, status, expires_at, number) "
    "  WHERE r.id = c.id), "
    "ledger AS ("
    "  INSERT INTO inventory_transactions (id, inventory_id, transaction_type, quantity, reference_id, notes, "
    "                                      created_by) "
    "  SELECT * FROM unnest($16::uuid[], $17::uuid[], $18::text[], $19::int[], $20::text[], $21::text[], "
    "$22::text[])), "
    "closed AS ("
    "  INSERT INTO closed_orders (order_id) SELECT unnest($23::uuid[]) ON CONFLICT DO NOTHING), "
    "events AS ("
    "  INSERT INTO outbox_events (id, type, key, payload) "
    "  SELECT * FROM unnest($24::uuid[], $25::text[], $26::text[], $27::jsonb[])) "
    "SELECT order_id FROM closed_orders WHERE order_id = ANY ($28::uuid[])"};

constexpr Statement wait_for_reservations{"inventory.wait_for_reservations",
                                          "SELECT pg_advisory_xact_lock(7190355012)"};

constexpr Statement close_free_orders{
    "inventory.close_orders",
    "WITH wanted AS (SELECT o.id, EXISTS (SELECT 1 FROM stock_reservations WHERE order_id = o.id) AS holds "
    "                FROM unnest($1::uuid[]) AS o (id)), "
    "closed AS (INSERT INTO closed_orders (order_id) SELECT id FROM wanted WHERE NOT holds ON CONFLICT DO NOTHING) "
    "SELECT id FROM wanted WHERE holds"};

constexpr Statement list_due_orders{
    "inventory.list_due",
    "SELECT DISTINCT order_id FROM (SELECT order_id FROM stock_reservations "
    "WHERE status = 'active' AND expires_at <= LOCALTIMESTAMP ORDER BY expires_at LIMIT $1) AS due"};

constexpr Statement find_reservation_lines{
    "inventory.find_reservation",
    "SELECT CASE WHEN r.status = 'expired' AND EXISTS (SELECT 1 FROM closed_orders WHERE order_id = $1) "
    "       THEN 'cancelled' ELSE r.status END, r.expires_at, i.product_id, r.quantity FROM stock_reservations AS r "
    "JOIN inventory AS i ON i.id = r.inventory_id WHERE r.order_id = $1 ORDER BY i.product_id"};

constexpr Statement lock_items_statement{
    "inventory.lock_items",
    "SELECT id, product_id, sku, quantity, reserved_quantity, reorder_level, reorder_quantity FROM inventory "
    "WHERE product_id = ANY ($1::text[]) ORDER BY product_id FOR NO KEY UPDATE"};

constexpr Statement find_movement_statement{"inventory.find_movement",
                                            "SELECT quantity FROM inventory_transactions "
                                            "WHERE reference_id = $1 AND inventory_id = $2 AND transaction_type = $3"};

constexpr Statement open_stock{
    "inventory.open",
    "WITH opened AS ("
    "  INSERT INTO inventory (id, product_id, sku, quantity, last_restocked_at) "
    "  SELECT id, product_id, sku, quantity, CASE WHEN quantity > 0 THEN LOCALTIMESTAMP END "
    "  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS o (id, product_id, sku, quantity) "
    "  ON CONFLICT (product_id) DO NOTHING RETURNING id, product_id, quantity), "
    "ledger AS ("
    "  INSERT INTO inventory_transactions (id, inventory_id, transaction_type, quantity, reference_id, notes, "
    "                                      created_by) "
    "  SELECT l.id, o.id, 'restock', o.quantity, $5, 'opening stock', $6 FROM opened AS o "
    "  JOIN unnest($1::uuid[], $7::uuid[]) AS l (item_id, id) ON l.item_id = o.id WHERE o.quantity > 0), "
    "events AS ("
    "  INSERT INTO outbox_events (xid, id, type, key, payload) "
    "  SELECT x.xid, e.id, 'stock.availability_changed', o.product_id, e.payload "
    "  FROM (SELECT pg_current_xact_id() AS xid OFFSET 0) AS x, opened AS o "
    "  JOIN unnest($1::uuid[], $8::uuid[], $9::jsonb[]) AS e (item_id, id, payload) ON e.item_id = o.id "
    "  WHERE o.quantity > 0) "
    "SELECT count(*) FROM opened"};

#define SOUK_STOCK_COLUMNS                                                                            \
  "SELECT id, product_id, sku, quantity, reserved_quantity, available_quantity, warehouse_location, " \
  "reorder_level, reorder_quantity, last_restocked_at, updated_at FROM inventory "
constexpr Statement list_stock_statement{"inventory.list_stock",
                                         SOUK_STOCK_COLUMNS "WHERE product_id = ANY ($1::text[]) ORDER BY product_id"};
constexpr Statement get_stock_statement{"inventory.get_stock", SOUK_STOCK_COLUMNS "WHERE id = $1"};
constexpr Statement list_stock_page_statement{"inventory.list_stock_page",
                                              SOUK_STOCK_COLUMNS "WHERE product_id > $1 ORDER BY product_id LIMIT $2"};
// By the index of product_id: one of what is low would have to follow every sale.
constexpr Statement list_low_stock_statement{
    "inventory.list_low_stock",
    SOUK_STOCK_COLUMNS "WHERE quantity <= reorder_level AND product_id > $1 ORDER BY product_id LIMIT $2"};
#undef SOUK_STOCK_COLUMNS

constexpr Statement save_settings_statement{
    "inventory.save_settings",
    "UPDATE inventory SET reorder_level = COALESCE($2::int, reorder_level), "
    "  reorder_quantity = COALESCE($3::int, reorder_quantity), "
    "  warehouse_location = COALESCE($4::text, warehouse_location), updated_at = LOCALTIMESTAMP WHERE id = $1"};

constexpr Statement list_ledger_statement{
    "inventory.list_ledger",
    "SELECT t.id, i.product_id, t.transaction_type, t.quantity, t.reference_id, t.notes, t.created_by, t.created_at "
    "FROM inventory_transactions AS t JOIN inventory AS i ON i.id = t.inventory_id "
    "WHERE t.inventory_id = $1 AND (t.created_at, t.id) < ($2::timestamp, $3::uuid) "
    "ORDER BY t.created_at DESC, t.id DESC LIMIT $4"};

constexpr Statement prune_closed{"inventory.prune_closed_orders",
                                 "DELETE FROM closed_orders WHERE closed_at < now() - INTERVAL '30 days'"};

// The columns of an array, from a vector of rows.
template <class Row, class Field>
auto column(const std::vector<Row>& rows, Field field) {
  std::vector<std::remove_cvref_t<decltype(std::invoke(field, rows[0]))>> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(std::invoke(field, row));
  return values;
}

std::vector<Uuid> new_ids(std::size_t count) {
  std::vector<Uuid> ids(count);
  std::ranges::generate(ids, &Uuid::v7);
  return ids;
}

std::vector<Uuid> first_column(const pg::Rows& rows) {
  std::vector<Uuid> ids;
  ids.reserve(rows.size());
  for (const pg::Row row : rows) ids.push_back(row.get<Uuid>(0));
  return ids;
}

rules::Item read_item(const pg::Row& row) {
  return {.id = row.get<Uuid>(1),
          .product_id = row.get<std::string>(4),
          .sku = row.get<std::string>(5),
          .quantity = row.get<std::int64_t>(6),
          .reserved_quantity = row.get<std::int64_t>(7),
          .reorder_level = row.get<std::optional<std::int64_t>>(8),
          .reorder_quantity = row.get<std::optional<std::int64_t>>(9)};
}

rules::Hold read_hold(const pg::Row& row) {
  return {.id = row.get<Uuid>(1),
          .order_id = row.get<Uuid>(2),
          .item_id = row.get<Uuid>(3),
          .quantity = row.get<std::int64_t>(6),
          .status = row.get<ReservationStatus>(10),
          .expires_at = row.get<Timestamp>(11),
          .number = row.get<std::int64_t>(12)};
}

}  // namespace

Task<rules::Books> Repository::lock_books(pg::Transaction& tx, std::vector<std::string> product_ids,
                                          std::vector<Uuid> order_ids) {
  auto statement = SOUK_SEEDED_SQL("inventory.locks_unsorted", lock_books_statement,
                                   "ORDER BY product_id FOR NO KEY UPDATE)", "ORDER BY random() FOR NO KEY UPDATE)");
  statement = SOUK_SEEDED_SQL("inventory.stock_not_locked", statement, "ORDER BY product_id FOR NO KEY UPDATE)",
                              "ORDER BY product_id)");
  const auto rows = co_await tx.query(statement, product_ids, order_ids);
  rules::Books books;
  for (const pg::Row row : rows) {
    switch (row.get<int>(0)) {
      case 0: books.now = row.get<Timestamp>(11); break;
      case 1: books.items.push_back(read_item(row)); break;
      case 2: books.holds.push_back(read_hold(row)); break;
      default: books.closed_orders.push_back(row.get<Uuid>(2));
    }
  }
  co_return books;
}

Task<std::vector<Uuid>> Repository::write(pg::Transaction& tx, rules::Changes changes, std::vector<Uuid> taking) {
  using rules::Changes, rules::Hold, rules::LedgerRow, rules::StockEvent;
  pg::Params params = pg::Params::of(
      column(changes.stock, &Changes::Stock::item_id), column(changes.stock, &Changes::Stock::quantity),
      column(changes.stock, &Changes::Stock::reserved_quantity), column(changes.stock, &Changes::Stock::restocked));
  params.add(column(changes.new_holds, &Hold::id));
  params.add(column(changes.new_holds, &Hold::order_id));
  params.add(column(changes.new_holds, &Hold::item_id));
  params.add(column(changes.new_holds, &Hold::quantity));
  params.add(column(changes.new_holds, &Hold::status));
  params.add(column(changes.new_holds, &Hold::expires_at));
  params.add(column(changes.new_holds, &Hold::number));
  params.add(column(changes.changed_holds, &Hold::id));
  params.add(column(changes.changed_holds, &Hold::status));
  params.add(column(changes.changed_holds, &Hold::expires_at));
  params.add(column(changes.changed_holds, &Hold::number));
  params.add(new_ids(changes.ledger.size()));
  params.add(column(changes.ledger, &LedgerRow::item_id));
  params.add(column(changes.ledger, &LedgerRow::type));
  params.add(column(changes.ledger, &LedgerRow::quantity));
  params.add(column(changes.ledger, &LedgerRow::reference_id));
  params.add(column(changes.ledger, &LedgerRow::notes));
  params.add(column(changes.ledger, &LedgerRow::created_by));
  params.add(changes.closed_orders);
  params.add(new_ids(changes.events.size()));
  params.add(column(changes.events, &StockEvent::type));
  params.add(column(changes.events, &StockEvent::product_id));
  params.add(column(changes.events, &StockEvent::payload));
  params.add(taking);
  co_return first_column(co_await tx.execute(write_changes, std::move(params)));
}

Task<std::vector<Uuid>> Repository::close_orders(Context context, std::vector<Uuid> order_ids) {
  auto tx = co_await pool_.begin(std::move(context));
  co_await tx.query(wait_for_reservations);
  const auto rows = co_await tx.query(close_free_orders, order_ids);
  co_await tx.commit();
  co_return first_column(rows);
}

Task<std::vector<Uuid>> Repository::list_due(Context context, std::int64_t limit) {
  co_return first_column(co_await pool_.query(std::move(context), list_due_orders, limit));
}

Task<std::optional<Reservation>> Repository::find_reservation(Context context, Uuid order_id) {
  const auto rows = co_await pool_.query(std::move(context), find_reservation_lines, order_id);
  if (rows.empty()) co_return std::nullopt;
  Reservation reservation{.order_id = order_id,
                          .status = rows.front().get<ReservationStatus>(0),
                          .expires_at = rows.front().get<Timestamp>(1)};
  for (const pg::Row row : rows) {
    reservation.lines.push_back({.product_id = row.get<std::string>(2),
                                 .quantity = row.get<std::int64_t>(3),
                                 .status = row.get<ReservationStatus>(0)});
  }
  co_return reservation;
}

Task<std::vector<rules::Item>> Repository::lock_items(pg::Transaction& tx, std::vector<std::string> product_ids) {
  co_return (co_await tx.query(lock_items_statement, product_ids)).to<rules::Item>();
}

Task<std::optional<std::int64_t>> Repository::find_movement(pg::Transaction& tx, TransactionType type,
                                                            std::string reference_id, Uuid item_id) {
  const auto rows = co_await tx.query(find_movement_statement, reference_id, item_id, type);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().get<std::int64_t>(0);
}

Task<Result<std::int64_t>> Repository::open(Context context, std::vector<OpeningStock> items,
                                            std::string reference_id) {
  const auto available = column(items, [](const OpeningStock& item) {
    return json::Raw{json::write(AvailabilityChanged{
        .product_id = item.product_id, .available = item.quantity > 0, .available_quantity = item.quantity})};
  });
  const auto caller = context.caller().to_string();
  try {
    const auto rows = co_await pool_.query(std::move(context), open_stock, new_ids(items.size()),
                                           column(items, &OpeningStock::product_id), column(items, &OpeningStock::sku),
                                           column(items, &OpeningStock::quantity), reference_id, caller,
                                           new_ids(items.size()), new_ids(items.size()), available);
    co_return rows.front().get<std::int64_t>(0);
  } catch (const pg::Error& error) {
    if (!error.is_unique_violation("inventory_sku_key")) throw;
  }
  co_return errors::sku_taken();
}

Task<std::vector<Stock>> Repository::list_stock(Context context, std::vector<std::string> product_ids) {
  co_return (co_await pool_.query(std::move(context), list_stock_statement, product_ids)).to<Stock>();
}

Task<std::vector<Stock>> Repository::list_stock_page(Context context, std::string after, bool low, std::int64_t limit) {
  const auto& statement = low ? list_low_stock_statement : list_stock_page_statement;
  co_return (co_await pool_.query(std::move(context), statement, after, limit)).to<Stock>();
}

Task<> Repository::save_settings(pg::Transaction& tx, Uuid item_id, StockSettings settings) {
  co_await tx.query(save_settings_statement, item_id, settings.reorder_level, settings.reorder_quantity,
                    settings.warehouse_location);
}

Task<Stock> Repository::get_stock(pg::Transaction& tx, Uuid item_id) {
  co_return (co_await tx.query(get_stock_statement, item_id)).front().to<Stock>();
}

Task<std::vector<LedgerEntry>> Repository::list_ledger(Context context, Uuid item_id, std::optional<LedgerPlace> before,
                                                       std::int64_t limit) {
  const std::string at = before ? to_rfc3339(before->created_at) : "infinity";
  const Uuid id = before ? before->id : Uuid();
  const auto rows = co_await pool_.query(std::move(context), list_ledger_statement, item_id, at, id, limit);
  co_return rows.to<LedgerEntry>();
}

Task<> Repository::prune_closed_orders(Context context) { co_await pool_.query(std::move(context), prune_closed); }

}  // namespace souk::inventory
