#include "routes.hpp"

#include "core/crypto.hpp"
#include "errors.hpp"

namespace souk::inventory {

using http::Method, http::NoBody, http::NoQuery, http::Request;

struct Restock {
  json::Int<1, 2'147'483'647> quantity;
  std::optional<json::Text<1, 100>> reference_id;  // a delivery note's number; absent: made of the Idempotency-Key
  std::optional<json::Text<1, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(Restock, (), (quantity, reference_id, notes))

struct Adjustment {
  json::Int<-2'147'483'647, 2'147'483'647> quantity;  // added to what is there
  std::optional<json::Text<1, 100>> reference_id;
  std::optional<json::Text<1, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(Adjustment, (), (quantity, reference_id, notes))

struct BulkBody {
  std::vector<BulkLine> lines;
};
BOOST_DESCRIBE_STRUCT(BulkBody, (), (lines))

struct LedgerQuery {
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(LedgerQuery, (), (limit, cursor))

namespace {

// One movement for each key of each caller, also where the body names no reference.
std::string reference_of_key(const Request& request) {
  const auto text = request.context.caller().to_string() + "\n" + std::string(request.header("Idempotency-Key"));
  return "request:" + hex(sha256(text)).substr(0, 40);
}

template <class Body>
StockMovement movement_of(const Request& request, Body body) {
  StockMovement movement{.product_id = request.parameter("product_id"), .quantity = body.quantity};
  movement.reference_id = body.reference_id ? std::string(*std::move(body.reference_id)) : reference_of_key(request);
  if (body.notes) movement.notes = *std::move(body.notes);
  movement.idempotency_key = std::string(request.header("Idempotency-Key"));
  return movement;
}

Task<Result<Stock>> get(Api& inventory, Request request) {
  SOUK_CO_TRY(auto found,
              co_await inventory.get_stock(request.context, {.product_ids = {request.parameter("product_id")}}));
  if (found.data.empty()) co_return errors::item_not_found();
  co_return std::move(found.data.front());
}

Task<Result<Stock>> restock(Api& inventory, Request request, Restock body) {
  co_return co_await inventory.restock(request.context, movement_of(request, std::move(body)));
}

Task<Result<Stock>> adjust(Api& inventory, Request request, Adjustment body) {
  co_return co_await inventory.adjust(request.context, movement_of(request, std::move(body)));
}

Task<Result<Ledger>> list_ledger(Api& inventory, Request request, LedgerQuery query) {
  ListLedger wanted{.product_id = request.parameter("product_id")};
  if (query.limit) wanted.limit = *query.limit;
  if (query.cursor) wanted.cursor = *std::move(query.cursor);
  co_return co_await inventory.list_ledger(request.context, std::move(wanted));
}

Task<Result<Stock>> patch(Api& inventory, Request request, StockSettings body) {
  co_return co_await inventory.patch_stock(
      request.context, {.product_id = request.parameter("product_id"), .settings = std::move(body)});
}

Task<Result<BulkResults>> move_many(Api& inventory, Request request, BulkBody body) {
  co_return co_await inventory.move_stock(
      request.context,
      {.lines = std::move(body.lines), .idempotency_key = std::string(request.header("Idempotency-Key"))});
}

void add_reads(http::Router& router, Api& inventory) {
  router.add<NoBody, ListStock, StockPage>(
      Method::GET, "/v1/admin/inventory",
      {.operation_id = "list_stock",
       .summary = "The stock of all items in the order of their ids; with `low_stock=true` of those that are at their "
                  "reorder level or below. `reorder_quantity` is how many to order.",
       .tag = "Inventory",
       .access = http::Access::admin},
      [&inventory](Request request, NoBody, ListStock query) {
        return inventory.list_stock(request.context, std::move(query));
      });
  router.add<NoBody, NoQuery, Stock>(
      Method::GET, "/v1/admin/inventory/{product_id}",
      {.operation_id = "get_stock",
       .summary = "The stock of a product without variants, or of a variant.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .errors = {"inventory.item_not_found"},
       .conditional = true},
      [&inventory](Request request, NoBody, NoQuery) { return get(inventory, std::move(request)); });
  router.add<NoBody, LedgerQuery, Ledger>(
      Method::GET, "/v1/admin/inventory/{product_id}/transactions",
      {.operation_id = "list_stock_transactions",
       .summary = "The ledger of an item, newest first: every movement of its stock and its cause.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .errors = {"inventory.item_not_found"}},
      [&inventory](Request request, NoBody, LedgerQuery query) {
        return list_ledger(inventory, std::move(request), std::move(query));
      });
}

void add_settings(http::Router& router, Api& inventory) {
  router.add<StockSettings, NoQuery, Stock>(
      Method::PATCH, "/v1/admin/inventory/{product_id}",
      {.operation_id = "patch_stock",
       .summary =
           "When to order an item again, how many, and where it lies. The quantity is moved by restock and adjust.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .errors = {"inventory.item_not_found"}},
      [&inventory](Request request, StockSettings body, NoQuery) {
        return patch(inventory, std::move(request), std::move(body));
      });
}

void add_movements(http::Router& router, Api& inventory) {
  router.add<BulkBody, NoQuery, BulkResults>(
      Method::POST, "/v1/admin/inventory/movements",
      {.operation_id = "move_stock",
       .summary = "Up to 100 restocks and adjustments. Each line is made or refused on its own and answered in its "
                  "place; the same key makes none of them twice.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .idempotency_key = true,
       .body_limit = 512 * 1024},
      [&inventory](Request request, BulkBody body, NoQuery) {
        return move_many(inventory, std::move(request), std::move(body));
      });
  router.add<Restock, NoQuery, Stock>(
      Method::POST, "/v1/admin/inventory/{product_id}/restock",
      {.operation_id = "restock",
       .summary = "Adds a delivery to the stock. A reference (a delivery note's number) adds it once.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .errors = {"inventory.item_not_found", "422 inventory.quantity_out_of_range", "422 inventory.reference_reused"},
       .idempotency_key = true},
      [&inventory](Request request, Restock body, NoQuery) {
        return restock(inventory, std::move(request), std::move(body));
      });
  router.add<Adjustment, NoQuery, Stock>(
      Method::POST, "/v1/admin/inventory/{product_id}/adjust",
      {.operation_id = "adjust_stock",
       .summary =
           "Corrects the stock after counting: the quantity, of either sign, is added to it. It cannot sink below "
           "what is reserved.",
       .tag = "Inventory",
       .access = http::Access::admin,
       .errors = {"inventory.item_not_found", "inventory.would_be_negative", "422 inventory.quantity_out_of_range",
                  "422 inventory.reference_reused"},
       .idempotency_key = true},
      [&inventory](Request request, Adjustment body, NoQuery) {
        return adjust(inventory, std::move(request), std::move(body));
      });
}

}  // namespace

void add_routes(http::Router& router, Api& inventory) {
  add_reads(router, inventory);
  add_settings(router, inventory);
  add_movements(router, inventory);
}

}  // namespace souk::inventory
