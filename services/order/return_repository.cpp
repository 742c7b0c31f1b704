#include "return_repository.hpp"

#include <stdexcept>

namespace souk::order {
namespace {

// In the order of the members of Return.
#define SOUK_RETURN                                                                                                   \
  "t.id, t.order_id, t.status, t.reason, t.notes, (SELECT json_agg(json_build_object('order_item_id', "               \
  "i.order_item_id, "                                                                                                 \
  "'quantity', i.quantity, 'restock', i.restock, 'refund', i.refund, 'discount', i.discount, 'tax', i.tax) ORDER BY " \
  "i.order_item_id) FROM order_return_items i WHERE i.return_id = t.id), t.refunds_shipping, t.refund, o.currency, "  \
  "t.created_at, t.updated_at, t.received_at, t.refunded_at FROM order_returns t JOIN orders o ON o.id = t.order_id "

constexpr pg::Statement find_return{"order.find_return", "SELECT " SOUK_RETURN "WHERE t.id = $1"};
constexpr pg::Statement list_returns_of_order{"order.list_returns_of_order",
                                              "SELECT " SOUK_RETURN
                                              "WHERE t.order_id = $1 ORDER BY t.created_at, t.id LIMIT 1000"};
// One statement for each index that can lead.
constexpr pg::Statement list_returns{
    "order.list_returns",
    "SELECT " SOUK_RETURN
    "WHERE (t.created_at, t.id) < ($1::timestamp, $2::uuid) ORDER BY t.created_at DESC, t.id DESC LIMIT $3"};
constexpr pg::Statement list_returns_by_status{
    "order.list_returns_by_status", "SELECT " SOUK_RETURN
                                    "WHERE t.status = $4 AND (t.created_at, t.id) < ($1::timestamp, $2::uuid) "
                                    "ORDER BY t.created_at DESC, t.id DESC LIMIT $3"};

constexpr pg::Statement find_bought{
    "order.find_bought",
    "SELECT i.id, COALESCE(i.variant_id, i.product_id), i.quantity, i.total_price, i.discount, i.tax, "
    "COALESCE(sum(r.quantity) FILTER (WHERE t.status <> 'rejected'), 0), "
    "COALESCE(sum(r.quantity) FILTER (WHERE t.status IN ('received', 'refunded')), 0) "
    "FROM order_items i LEFT JOIN order_return_items r ON r.order_item_id = i.id "
    "LEFT JOIN order_returns t ON t.id = r.return_id WHERE i.order_id = $1 GROUP BY i.id ORDER BY i.id"};

constexpr pg::Statement insert_return{
    "order.insert_return",
    "WITH made AS (INSERT INTO order_returns (id, order_id, reason, created_by) VALUES ($1, $2, $3, $4)) "
    "INSERT INTO order_return_items (return_id, order_item_id, quantity) "
    "SELECT $1, item, quantity FROM unnest($5::uuid[], $6::integer[]) AS t (item, quantity)"};

constexpr pg::Statement decide_return{
    "order.decide_return",
    "UPDATE order_returns SET status = $2, notes = COALESCE($3, notes), updated_at = clock_timestamp() WHERE id = $1"};

constexpr pg::Statement receive_return{
    "order.receive_return",
    "WITH changed AS (UPDATE order_returns SET status = 'received', refunds_shipping = $2, refund = $3, "
    "    received_at = clock_timestamp(), updated_at = clock_timestamp() WHERE id = $1), "
    "saga AS (INSERT INTO return_sagas (return_id, lease_until, next_check_at) VALUES ($1, now(), now())) "
    "UPDATE order_return_items i SET restock = v.restock, refund = v.refund, discount = v.discount, tax = v.tax "
    "FROM unnest($4::uuid[], $5::boolean[], $6::numeric[], $7::numeric[], $8::numeric[]) "
    "    AS v (item, restock, refund, discount, tax) WHERE i.return_id = $1 AND i.order_item_id = v.item"};

constexpr pg::Statement find_refunded_shipping{
    "order.find_refunded_shipping",
    "SELECT EXISTS (SELECT 1 FROM order_returns WHERE order_id = $1 AND refunds_shipping)"};

constexpr pg::Statement finish_return{
    "order.finish_return",
    "WITH moved AS (UPDATE return_sagas SET finished_at = now() "
    "    WHERE return_id = $1 AND step_version = $2 AND finished_at IS NULL RETURNING return_id) "
    "UPDATE order_returns t SET status = 'refunded', refund = $3, refunded_at = clock_timestamp(), "
    "    updated_at = clock_timestamp() FROM moved WHERE t.id = moved.return_id RETURNING t.id"};

constexpr pg::Statement note_refunded_order{
    "order.note_refunded",
    "UPDATE orders SET payment_status = 'refunded', updated_at = clock_timestamp() "
    "WHERE id = $1 AND payment_status <> 'refunded'"};

constexpr pg::Statement find_missing{
    "order.find_not_returned",
    "SELECT NOT EXISTS (SELECT 1 FROM order_items i WHERE i.order_id = $1 AND i.quantity > COALESCE((SELECT "
    "sum(r.quantity) FROM order_return_items r JOIN order_returns t ON t.id = r.return_id "
    "WHERE r.order_item_id = i.id AND t.status = 'refunded'), 0))"};

constexpr pg::Statement take_returns{
    "order.take_returns",
    "UPDATE return_sagas SET step_version = step_version + 1, lease_until = now() + $2::interval, "
    "    next_check_at = now() + $2::interval "
    "WHERE return_id IN (SELECT return_id FROM return_sagas WHERE finished_at IS NULL AND next_check_at <= now() "
    "    AND lease_until <= now() ORDER BY next_check_at LIMIT $1 FOR UPDATE SKIP LOCKED) "
    "RETURNING return_id, step_version, extract(epoch FROM now() - created_at)::bigint"};

constexpr pg::Statement hand_over_return{
    "order.hand_over_return",
    "UPDATE return_sagas SET lease_until = now(), next_check_at = now() + $3::interval "
    "WHERE return_id = $1 AND step_version = $2 AND finished_at IS NULL"};

constexpr pg::Statement find_restock{
    "order.find_restock",
    "SELECT COALESCE(i.variant_id, i.product_id), sum(r.quantity)::bigint FROM order_return_items r "
    "JOIN order_items i ON i.id = r.order_item_id WHERE r.return_id = $1 AND r.restock GROUP BY 1 ORDER BY 1"};

std::string interval(std::chrono::milliseconds time) { return std::to_string(time.count()) + " milliseconds"; }

Return to_return(const pg::Row& row) {
  int column = 0;
  const auto next = [&]<class T>(T& member) { member = row.get<T>(column++); };
  Return made;
  next(made.id);
  next(made.order_id);
  next(made.status);
  next(made.reason);
  next(made.notes);
  made.items = json::read_trusted<std::vector<ReturnedItem>>(row.text(column++));
  next(made.refunds_shipping);
  next(made.refund);
  next(made.currency);
  next(made.created_at);
  next(made.updated_at);
  next(made.received_at);
  next(made.refunded_at);
  return made;
}

std::vector<Return> to_returns(const pg::Rows& rows) {
  std::vector<Return> all;
  all.reserve(rows.size());
  for (const pg::Row row : rows) all.push_back(to_return(row));
  return all;
}

}  // namespace

Task<std::optional<Return>> ReturnRepository::find(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), find_return, id);
  if (rows.empty()) co_return std::nullopt;
  co_return to_return(rows.front());
}

Task<std::vector<Return>> ReturnRepository::list_of_order(Context context, Uuid order_id) {
  co_return to_returns(co_await pool_.query(std::move(context), list_returns_of_order, order_id));
}

Task<std::vector<Return>> ReturnRepository::list(Context context, std::optional<ReturnStatus> status,
                                                 std::optional<OrderCursor> cursor, std::int64_t limit) {
  const std::string before = cursor ? to_rfc3339(cursor->created_at) : "infinity";
  const auto before_id = cursor ? cursor->id : Uuid();
  if (!status) co_return to_returns(co_await pool_.query(std::move(context), list_returns, before, before_id, limit));
  co_return to_returns(
      co_await pool_.query(std::move(context), list_returns_by_status, before, before_id, limit, *status));
}

Task<Return> ReturnRepository::get(pg::Transaction& tx, Uuid id) {
  const auto rows = co_await tx.query(find_return, id);
  if (rows.empty()) throw std::logic_error("a return of a locked order cannot be read");
  co_return to_return(rows.front());
}

Task<std::vector<return_rules::BoughtItem>> ReturnRepository::bought(pg::Transaction& tx, Uuid order_id) {
  co_return (co_await tx.query(find_bought, order_id)).to<return_rules::BoughtItem>();
}

Task<> ReturnRepository::insert(pg::Transaction& tx, Uuid id, Uuid order_id, std::string reason, std::string created_by,
                                std::vector<ShippedItem> items) {
  std::vector<Uuid> ids;
  std::vector<std::int64_t> quantities;
  for (const auto& item : items) {
    ids.push_back(item.order_item_id);
    quantities.push_back(item.quantity);
  }
  co_await tx.query(insert_return, id, order_id, reason, created_by, ids, quantities);
}

Task<> ReturnRepository::decide(pg::Transaction& tx, Uuid id, ReturnStatus status, std::optional<std::string> notes) {
  co_await tx.query(decide_return, id, status, notes);
}

Task<> ReturnRepository::receive(pg::Transaction& tx, Uuid id, std::vector<ReturnedItem> items, bool refund_shipping,
                                 Amount refund) {
  std::vector<Uuid> ids;
  std::vector<std::string> restocks;
  std::vector<std::optional<Amount>> refunds, discounts, taxes;
  for (const auto& item : items) {
    ids.push_back(item.order_item_id);
    restocks.emplace_back(item.restock.value_or(true) ? "t" : "f");
    refunds.push_back(item.refund);
    discounts.push_back(item.discount);
    taxes.push_back(item.tax);
  }
  co_await tx.query(receive_return, id, refund_shipping, refund, ids, restocks, refunds, discounts, taxes);
}

Task<bool> ReturnRepository::has_refunded_shipping(pg::Transaction& tx, Uuid order_id) {
  co_return (co_await tx.query(find_refunded_shipping, order_id)).front().get<bool>(0);
}

Task<bool> ReturnRepository::finish(pg::Transaction& tx, OpenReturn open, Amount refunded) {
  co_return (co_await tx.query(finish_return, open.return_id, open.step_version, refunded)).size() == 1;
}

Task<> ReturnRepository::note_refunded(pg::Transaction& tx, Uuid order_id) {
  co_await tx.query(note_refunded_order, order_id);
}

Task<bool> ReturnRepository::is_all_back(pg::Transaction& tx, Uuid order_id) {
  co_return (co_await tx.query(find_missing, order_id)).front().get<bool>(0);
}

Task<std::vector<OpenReturn>> ReturnRepository::take_due(Context context, std::int64_t limit) {
  const auto rows = co_await pool_.query(std::move(context), take_returns, limit, interval(lease_));
  std::vector<OpenReturn> taken;
  for (const pg::Row row : rows) {
    taken.push_back({row.get<Uuid>(0), row.get<std::int64_t>(1), std::chrono::seconds(row.get<std::int64_t>(2))});
  }
  co_return taken;
}

Task<> ReturnRepository::hand_over(Context context, OpenReturn open, std::chrono::milliseconds check_after) {
  co_await pool_.query(std::move(context), hand_over_return, open.return_id, open.step_version, interval(check_after));
}

Task<std::vector<inventory::ReserveLine>> ReturnRepository::to_restock(Context context, Uuid id) {
  co_return (co_await pool_.query(std::move(context), find_restock, id)).to<inventory::ReserveLine>();
}

}  // namespace souk::order
