#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "inventory/api.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "return_rules.hpp"

namespace souk::order {

// A return that was received, as a worker has it until its lease ends.
struct OpenReturn {
  Uuid return_id;
  std::int64_t step_version = 0;
  std::chrono::seconds age{};
};

// The SQL of returns.
class ReturnRepository {
 public:
  ReturnRepository(pg::Pool& pool, std::chrono::milliseconds lease) : pool_(pool), lease_(lease) {}

  Task<std::optional<Return>> find(Context context, Uuid id);
  Task<std::vector<Return>> list_of_order(Context context, Uuid order_id);
  // Newest first, after `cursor`.
  Task<std::vector<Return>> list(Context context, std::optional<ReturnStatus> status, std::optional<OrderCursor> cursor,
                                 std::int64_t limit);

  // The rest under the order's lock.
  Task<Return> get(pg::Transaction& tx, Uuid id);
  Task<std::vector<return_rules::BoughtItem>> bought(pg::Transaction& tx, Uuid order_id);
  Task<> insert(pg::Transaction& tx, Uuid id, Uuid order_id, std::string reason, std::string created_by,
                std::vector<ShippedItem> items);
  Task<> decide(pg::Transaction& tx, Uuid id, ReturnStatus status, std::optional<std::string> notes);
  // Status, values, and the saga that sees to stock and money.
  Task<> receive(pg::Transaction& tx, Uuid id, std::vector<ReturnedItem> items, bool refund_shipping, Amount refund);
  Task<bool> has_refunded_shipping(pg::Transaction& tx, Uuid order_id);
  // False where another worker has it.
  Task<bool> finish(pg::Transaction& tx, OpenReturn open, Amount refunded);
  Task<> note_refunded(pg::Transaction& tx, Uuid order_id);
  // Whether everything that was bought has come back and was refunded.
  Task<bool> is_all_back(pg::Transaction& tx, Uuid order_id);

  Task<std::vector<OpenReturn>> take_due(Context context, std::int64_t limit);
  Task<> hand_over(Context context, OpenReturn open, std::chrono::milliseconds check_after);
  // What goes back into the stock.
  Task<std::vector<inventory::ReserveLine>> to_restock(Context context, Uuid id);

 private:
  pg::Pool& pool_;
  std::chrono::milliseconds lease_;
};

}  // namespace souk::order
