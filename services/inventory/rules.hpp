#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "inventory/api.hpp"

// What may happen to stock and reservations: pure functions over what was read and locked.
namespace souk::inventory::rules {

inline constexpr std::int64_t max_quantity = 2'147'483'647;  // INTEGER in the database
inline constexpr std::size_t max_lines = 100;
inline constexpr std::int64_t max_hold_seconds = 86'400;
inline constexpr std::size_t max_product_id = 50;
inline constexpr std::size_t max_reference = 100;

// Something that is asked of an order's reservation.
struct Operation {
  enum class Kind { reserve, extend, complete, release, expire };

  Kind kind{};
  Uuid order_id;
  std::vector<ReserveLine> lines{};  // reserve
  std::int64_t hold_seconds = 0;     // reserve, extend
  std::string caller{};              // for the ledger's created_by
};

// A row of `inventory`.
struct Item {
  Uuid id;
  std::string product_id;
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t reserved_quantity = 0;
  std::optional<std::int64_t> reorder_level;
  std::optional<std::int64_t> reorder_quantity;

  std::int64_t available() const { return quantity - reserved_quantity; }
};
BOOST_DESCRIBE_STRUCT(Item, (), (id, product_id, sku, quantity, reserved_quantity, reorder_level, reorder_quantity))

// A row of `stock_reservations`: what an order holds of an item.
struct Hold {
  Uuid id;
  Uuid order_id;
  Uuid item_id;
  std::int64_t quantity = 0;
  ReservationStatus status = ReservationStatus::active;
  Timestamp expires_at;
  std::int64_t number = 1;  // how often it was taken: a hold that expired may be taken again
};
BOOST_DESCRIBE_STRUCT(Hold, (), (id, order_id, item_id, quantity, status, expires_at, number))

// What a batch of operations has read and locked.
struct Books {
  Timestamp now;  // of the database
  std::vector<Item> items;
  std::vector<Hold> holds;
  std::vector<Uuid> closed_orders;
};

struct LedgerRow {
  Uuid item_id;
  TransactionType type{};
  std::int64_t quantity = 0;
  std::string reference_id;
  std::optional<std::string> notes;
  std::string created_by;
};

struct StockEvent {
  std::string type;
  std::string product_id;
  json::Raw payload;
};

// What is to be written, all together or not at all.
struct Changes {
  struct Stock {
    Uuid item_id;
    std::int64_t quantity = 0;  // both are added to what is there
    std::int64_t reserved_quantity = 0;
    bool restocked = false;
  };
  std::vector<Stock> stock;
  std::vector<Hold> new_holds;
  std::vector<Hold> changed_holds;
  std::vector<Uuid> closed_orders;
  std::vector<LedgerRow> ledger;
  std::vector<StockEvent> events;

  bool empty() const {
    return stock.empty() && new_holds.empty() && changed_holds.empty() && closed_orders.empty() && ledger.empty();
  }
};

struct Answer {
  Result<Reservation> result;
  // A release that found nothing: the order must be closed, so that a reserve that comes later is refused.
  bool must_close = false;
};

struct Decision {
  std::vector<Answer> answers;  // one an operation, in their order
  Changes changes;
};

// Decides the operations one by one in their order, each as if it were alone after those before it. A reservation gets
// all of its lines or none, and a small one may still be granted after a large one was refused.
Decision decide(Books books, std::span<const Operation> operations);

// 1 … 100 lines of different products, quantities from 1, a hold of up to a day.
Result<void> check(const Reserve& request);
Result<void> check_lines(const std::vector<ReserveLine>& lines);
Result<void> check_hold(std::int64_t hold_seconds);

// The item after `quantity` was added to it: not below what is reserved, not past the column.
Result<Item> moved(Item item, std::int64_t quantity);

// Whether it is time to order more.
bool is_low(const Item& item);

// What others must hear of a change: stock.availability_changed when nothing or something is left again, stock.low when
// the stock has become low: it sank, or the reorder level rose above it.
std::vector<StockEvent> events_of(const Item& before, const Item& after);

// The ledger's reference of an order's n-th hold.
std::string hold_reference(Uuid order_id, std::int64_t number);

}  // namespace souk::inventory::rules
