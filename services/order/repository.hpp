#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"

namespace souk::order {

// Where a page of a customer's orders ends: the order it showed last.
struct OrderCursor {
  Timestamp created_at;
  Uuid id;

  static std::optional<OrderCursor> parse(const std::string& text);
  std::string to_string() const;
};

// An order as it is locked for a change.
struct LockedOrder {
  Uuid id;
  Uuid user_id;
  OrderStatus status{};
  PaymentStatus payment_status{};
  std::int64_t parcels = 0;
  bool checkout_open = false;  // its stock is not booked yet
  bool is_held = false;        // its money, which is neither captured nor paid at the door
};
BOOST_DESCRIBE_STRUCT(LockedOrder, (), (id, user_id, status, payment_status, parcels, checkout_open, is_held))

// The SQL of orders, once they are written.
class Repository {
 public:
  explicit Repository(pg::Pool& pool) : pool_(pool) {}

  Task<std::optional<Order>> find(Context context, Uuid id);
  // Newest first, after `cursor`.
  Task<std::vector<Order>> list(Context context, Uuid user_id, std::optional<OrderCursor> cursor, std::int64_t limit);
  // The administrators' list, newest first, after `cursor`.
  Task<std::vector<Order>> search(Context context, SearchOrders filter, std::optional<OrderCursor> cursor,
                                  std::int64_t limit);
  // A live order of the customer's with the product.
  Task<std::optional<Uuid>> find_with_product(Context context, Uuid user_id, std::string product_id);

  Task<std::optional<LockedOrder>> lock(pg::Transaction& tx, Uuid id);
  // Status, its time and the history's row.
  Task<> save_cancelled(pg::Transaction& tx, Uuid id, std::string created_by, std::optional<std::string> notes);
  // From now on recovery sees to its stock and money.
  Task<> start_cancellation(pg::Transaction& tx, Uuid id, std::string cause);
  // The order's status, its time and the history's row.
  Task<> save_status(pg::Transaction& tx, Uuid id, OrderStatus status, std::optional<std::string> notes,
                     std::string created_by);
  Task<Order> get(pg::Transaction& tx, Uuid id);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::order
