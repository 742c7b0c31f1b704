#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inventory/api.hpp"
#include "postgres/pool.hpp"
#include "rules.hpp"

namespace souk::inventory {

// All SQL of the service. Whoever locks items locks them in the order of their product ids, so that nobody waits in a
// circle; who holds an item's lock may change the reservations of it.
class Repository {
 public:
  explicit Repository(pg::Pool& pool) : pool_(pool) {}

  // Locks the named items and those that the orders hold, and reads what is known of the orders.
  Task<rules::Books> lock_books(pg::Transaction& tx, std::vector<std::string> product_ids, std::vector<Uuid> order_ids);
  // Writes everything with one statement. Returns those of `taking` that another process has closed since the books
  // were read: then the transaction must be left and decided anew.
  Task<std::vector<Uuid>> write(pg::Transaction& tx, rules::Changes changes, std::vector<Uuid> taking);
  // Closes orders that hold nothing, after all reservations that are under way anywhere. Returns those that do hold
  // something after all. In a transaction of its own: the wait must not keep locks from others.
  Task<std::vector<Uuid>> close_orders(Context context, std::vector<Uuid> order_ids);
  // Orders with stock held past its expiry, soonest first.
  Task<std::vector<Uuid>> list_due(Context context, std::int64_t limit);
  Task<std::optional<Reservation>> find_reservation(Context context, Uuid order_id);

  // In product order; those that exist.
  Task<std::vector<rules::Item>> lock_items(pg::Transaction& tx, std::vector<std::string> product_ids);
  // The quantity that a reference has moved of an item, if it has.
  Task<std::optional<std::int64_t>> find_movement(pg::Transaction& tx, TransactionType type, std::string reference_id,
                                                  Uuid item_id);
  // Creates what is missing with its ledger rows and events; returns how many. errors::sku_taken
  Task<Result<std::int64_t>> open(Context context, std::vector<OpeningStock> items, std::string reference_id);

  // In the order of their product ids, after `after`; `low`: only those that are low.
  Task<std::vector<Stock>> list_stock_page(Context context, std::string after, bool low, std::int64_t limit);
  Task<> save_settings(pg::Transaction& tx, Uuid item_id, StockSettings settings);
  Task<std::vector<Stock>> list_stock(Context context, std::vector<std::string> product_ids);
  Task<Stock> get_stock(pg::Transaction& tx, Uuid item_id);
  // Newest first, beginning after `before`.
  struct LedgerPlace {
    Timestamp created_at;
    Uuid id;
  };
  Task<std::vector<LedgerEntry>> list_ledger(Context context, Uuid item_id, std::optional<LedgerPlace> before,
                                             std::int64_t limit);
  // Forgets closed orders after 30 days: nothing asks for their stock any more.
  Task<> prune_closed_orders(Context context);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::inventory
