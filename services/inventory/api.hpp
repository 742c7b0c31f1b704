#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "events/event.hpp"
#include "json/json.hpp"

// Stock, reservations and the ledger (database inventory_db). Every change is one row of the ledger.
namespace souk::inventory {

BOOST_DEFINE_ENUM_CLASS(TransactionType, restock, sale, reservation, release, adjustment)
BOOST_DEFINE_ENUM_CLASS(ReservationStatus, active, completed, cancelled, expired)

struct Stock {
  Uuid id;
  std::string product_id;  // the sellable id: a variant's, or a product's without variants
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t reserved_quantity = 0;
  std::int64_t available_quantity = 0;
  std::optional<std::string> warehouse_location;
  std::optional<std::int64_t> reorder_level;
  std::optional<std::int64_t> reorder_quantity;
  std::optional<Timestamp> last_restocked_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Stock, (),
                      (id, product_id, sku, quantity, reserved_quantity, available_quantity, warehouse_location,
                       reorder_level, reorder_quantity, last_restocked_at, updated_at))

struct GetStock {
  std::vector<std::string> product_ids;  // at most 1000
};
BOOST_DESCRIBE_STRUCT(GetStock, (), (product_ids))
struct StockList {
  std::vector<Stock> data;  // those that exist
};
BOOST_DESCRIBE_STRUCT(StockList, (), (data))

// All items in the order of their ids, or those whose quantity is at their reorder level or below.
struct ListStock {
  std::optional<bool> low_stock;
  std::optional<json::Int<1, 100>> limit;  // 20
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListStock, (), (low_stock, limit, cursor))
struct StockPage {
  std::vector<Stock> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(StockPage, (), (data, has_more, next_cursor))

// Members that are absent stay as they are. A reorder level of 0 tells only when nothing is left.
struct StockSettings {
  std::optional<json::Int<0, 2'147'483'647>> reorder_level;
  std::optional<json::Int<1, 2'147'483'647>> reorder_quantity;  // how many to order then
  std::optional<json::Text<0, 100>> warehouse_location;
};
BOOST_DESCRIBE_STRUCT(StockSettings, (), (reorder_level, reorder_quantity, warehouse_location))
struct PatchStock {
  std::string product_id;
  StockSettings settings;
};
BOOST_DESCRIBE_STRUCT(PatchStock, (), (product_id, settings))

// Opening stock of an import: creates the rows that are missing with a restock row in the ledger; a row that exists
// is left as it is (an import run twice changes nothing).
struct OpeningStock {
  std::string product_id;
  std::string sku;
  std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(OpeningStock, (), (product_id, sku, quantity))
struct OpenStock {
  std::vector<OpeningStock> items;  // at most 10,000
  std::string reference_id;         // the import's
};
BOOST_DESCRIBE_STRUCT(OpenStock, (), (items, reference_id))
struct OpenedStock {
  std::int64_t created = 0;
};
BOOST_DESCRIBE_STRUCT(OpenedStock, (), (created))

// Moves stock on purpose; idempotent by (type, reference_id, item).
struct StockMovement {
  std::string product_id;
  std::int64_t quantity = 0;  // restock: > 0; adjustment: either sign
  std::string reference_id;   // 1 to 100 characters
  std::optional<std::string> notes;
  // A client's Idempotency-Key: the same key and request give the same reply again, another request is refused.
  std::optional<std::string> idempotency_key;
};
BOOST_DESCRIBE_STRUCT(StockMovement, (), (product_id, quantity, reference_id, notes, idempotency_key))

// Movements that are made one by one, each answered on its own.
BOOST_DEFINE_ENUM_CLASS(MovementType, restock, adjustment)
struct BulkLine {
  json::Text<1, 50> product_id;
  MovementType type{};
  json::Int<-2'147'483'647, 2'147'483'647> quantity;  // restock: > 0
  std::optional<json::Text<1, 100>> reference_id;     // absent: made of the key and the line's place
  std::optional<json::Text<1, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(BulkLine, (), (product_id, type, quantity, reference_id, notes))
struct BulkMovement {
  std::vector<BulkLine> lines;  // 1 … 100
  std::string idempotency_key;  // a line that was made under it before is answered again
};
BOOST_DESCRIBE_STRUCT(BulkMovement, (), (lines, idempotency_key))
struct LineRefusal {
  std::string code;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(LineRefusal, (), (code, detail))
// Exactly one of the last two.
struct BulkResult {
  std::string product_id;
  std::optional<Stock> stock;
  std::optional<LineRefusal> error;
};
BOOST_DESCRIBE_STRUCT(BulkResult, (), (product_id, stock, error))
struct BulkResults {
  std::int64_t refused = 0;
  std::vector<BulkResult> data;  // in the order of the lines
};
BOOST_DESCRIBE_STRUCT(BulkResults, (), (refused, data))

struct ReserveLine {
  std::string product_id;
  std::int64_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(ReserveLine, (), (product_id, quantity))
// All lines or none. Idempotent by order id: an order that has its reservation gets it as the answer.
struct Reserve {
  Uuid order_id;
  std::vector<ReserveLine> lines;  // 1 … 100, each product at most once
  std::int64_t hold_seconds = 900;
};
BOOST_DESCRIBE_STRUCT(Reserve, (), (order_id, lines, hold_seconds))

struct ReservedLine {
  std::string product_id;
  std::int64_t quantity = 0;
  ReservationStatus status = ReservationStatus::active;
};
BOOST_DESCRIBE_STRUCT(ReservedLine, (), (product_id, quantity, status))
struct Reservation {
  Uuid order_id;
  ReservationStatus status = ReservationStatus::active;
  Timestamp expires_at;
  std::vector<ReservedLine> lines;
};
BOOST_DESCRIBE_STRUCT(Reservation, (), (order_id, status, expires_at, lines))

struct OrderRef {
  Uuid order_id;
};
BOOST_DESCRIBE_STRUCT(OrderRef, (), (order_id))
struct ExtendReservation {
  Uuid order_id;
  std::int64_t hold_seconds = 900;
};
BOOST_DESCRIBE_STRUCT(ExtendReservation, (), (order_id, hold_seconds))

// Goods that come back after the sale. Idempotent by (order, cause).
struct ReturnStock {
  Uuid order_id;
  std::vector<ReserveLine> lines;
  std::string cause;  // "cancel", "return:<id>"; 1 to 60 characters
};
BOOST_DESCRIBE_STRUCT(ReturnStock, (), (order_id, lines, cause))

struct LedgerEntry {
  Uuid id;
  std::string product_id;
  TransactionType transaction_type{};
  std::int64_t quantity = 0;
  std::optional<std::string> reference_id;
  std::optional<std::string> notes;
  std::optional<std::string> created_by;
  Timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(LedgerEntry, (),
                      (id, product_id, transaction_type, quantity, reference_id, notes, created_by, created_at))
struct ListLedger {
  std::string product_id;
  json::Int<1, 100> limit = 20;
  std::optional<std::string> cursor;
};
BOOST_DESCRIBE_STRUCT(ListLedger, (), (product_id, limit, cursor))
struct Ledger {
  std::vector<LedgerEntry> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(Ledger, (), (data, has_more, next_cursor))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

// Events: "stock.availability_changed" when a sellable item becomes available or unavailable, "stock.low".
struct AvailabilityChanged {
  std::string product_id;
  bool available = false;
  std::int64_t available_quantity = 0;
};
BOOST_DESCRIBE_STRUCT(AvailabilityChanged, (), (product_id, available, available_quantity))

// The quantity is at the reorder level or below, and was not before: told once for each crossing.
struct StockLow {
  std::string product_id;
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t reorder_level = 0;
  std::optional<std::int64_t> reorder_quantity;  // how many to order
};
BOOST_DESCRIBE_STRUCT(StockLow, (), (product_id, sku, quantity, reorder_level, reorder_quantity))

class Api {
 public:
  virtual ~Api() = default;
  virtual Task<Result<StockList>> get_stock(Context context, GetStock request) = 0;
  // request.invalid for a cursor of another list
  virtual Task<Result<StockPage>> list_stock(Context context, ListStock request) = 0;
  // inventory.item_not_found
  virtual Task<Result<Stock>> patch_stock(Context context, PatchStock request) = 0;
  virtual Task<Result<OpenedStock>> open_stock(Context context, OpenStock request) = 0;
  // inventory.item_not_found, inventory.would_be_negative, inventory.quantity_out_of_range, inventory.reference_reused
  virtual Task<Result<Stock>> restock(Context context, StockMovement request) = 0;
  virtual Task<Result<Stock>> adjust(Context context, StockMovement request) = 0;
  // Refuses only a list that cannot be meant; what a line is refused with stands in its result.
  virtual Task<Result<BulkResults>> move_stock(Context context, BulkMovement request) = 0;
  // inventory.insufficient_stock: `errors` has one entry a line that is short, field "items[N]" in the order of lines;
  // inventory.item_not_found; inventory.reservation_closed when the order was released before. A reservation that
  // expired is taken again, if the stock still is there.
  virtual Task<Result<Reservation>> reserve(Context context, Reserve request) = 0;
  // Never shortens. inventory.reservation_not_found; inventory.reservation_closed when it was released or has expired:
  // one that expired can be reserved again.
  virtual Task<Result<Reservation>> extend(Context context, ExtendReservation request) = 0;
  // Gives reserved stock back; nothing to release is not an error, and a reserve of this order that comes later is
  // refused.
  virtual Task<Result<Done>> release(Context context, OrderRef request) = 0;
  // The sale: lowers quantity and reserved quantity. Completing twice is not an error. A lapsed hold is reserved again
  // where the stock still is there, otherwise inventory.insufficient_stock. inventory.reservation_not_found;
  // inventory.reservation_closed when it was released.
  virtual Task<Result<Reservation>> complete(Context context, OrderRef request) = 0;
  // inventory.reservation_not_found
  virtual Task<Result<Reservation>> get_reservation(Context context, OrderRef request) = 0;
  // inventory.item_not_found
  virtual Task<Result<Done>> return_stock(Context context, ReturnStock request) = 0;
  virtual Task<Result<Ledger>> list_ledger(Context context, ListLedger request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::inventory
