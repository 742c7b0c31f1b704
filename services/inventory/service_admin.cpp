#include "core/crypto.hpp"
#include "core/failpoint.hpp"
#include "errors.hpp"
#include "service.hpp"

// What administrators do with many items, and with an item's settings.
namespace souk::inventory {
namespace {

constexpr std::size_t most_bulk_lines = 100;
constexpr std::size_t longest_key = 255;

// A key for each line. Hashed, so that it is never longer than a reference may be.
std::string line_key(const Context& context, const std::string& key, std::size_t line) {
  return "bulk:" + hex(sha256(context.caller().to_string() + "\n" + key)).substr(0, 40) + ":" + std::to_string(line);
}

}  // namespace

Task<Result<StockPage>> Service::list_stock(Context context, ListStock request) {
  std::string after;
  if (request.cursor) {
    const auto text = from_base64url(*request.cursor);
    if (!text || text->empty() || text->size() > rules::max_product_id) {
      co_return errors::invalid_request("cursor", "is not one that this list has given");
    }
    after = *text;
  }
  const std::int64_t limit = request.limit.value_or(20);
  StockPage page;
  page.data = co_await repository_.list_stock_page(std::move(context), std::move(after),
                                                   request.low_stock.value_or(false), limit + 1);
  page.has_more = std::ssize(page.data) > limit;
  if (page.has_more) {
    page.data.pop_back();
    const auto& last = page.data.back().product_id;
    page.next_cursor = base64url({reinterpret_cast<const std::uint8_t*>(last.data()), last.size()});
  }
  co_return page;
}

Task<Result<Stock>> Service::patch_stock(Context context, PatchStock request) {
  auto tx = co_await pool_.begin(context);
  const auto items = co_await repository_.lock_items(tx, {request.product_id});
  if (items.empty()) co_return errors::item_not_found();
  auto after = items.front();
  if (request.settings.reorder_level) after.reorder_level = request.settings.reorder_level->value;
  if (request.settings.reorder_quantity) after.reorder_quantity = request.settings.reorder_quantity->value;
  co_await repository_.save_settings(tx, after.id, std::move(request.settings));
  rules::Changes changes{.events = rules::events_of(items.front(), after)};
  if (!changes.events.empty()) co_await repository_.write(tx, std::move(changes), {});
  auto stock = co_await repository_.get_stock(tx, after.id);
  co_await tx.commit();
  outbox_.committed();
  co_return stock;
}

// One transaction a line: a refused one costs the others nothing. What a lost connection leaves undone is done when
// the client repeats the key; the rest is answered as before.
Task<Result<BulkResults>> Service::move_stock(Context context, BulkMovement request) {
  if (request.lines.empty() || request.lines.size() > most_bulk_lines) {
    co_return errors::invalid_request("lines", "must be 1 to 100 lines");
  }
  if (request.idempotency_key.empty() || request.idempotency_key.size() > longest_key) {
    co_return errors::invalid_request("idempotency_key", "must have 1 to 255 characters");
  }
  BulkResults results;
  for (std::size_t i = 0; i < request.lines.size(); ++i) {
    auto& line = request.lines[i];
    const auto key = line_key(context, request.idempotency_key, i);
    StockMovement movement{.product_id = line.product_id, .quantity = line.quantity, .reference_id = key};
    if (line.reference_id) movement.reference_id = *line.reference_id;
    if (line.notes) movement.notes = *line.notes;
    movement.idempotency_key = key;
    auto moved = line.type == MovementType::restock ? co_await restock(context, std::move(movement))
                                                    : co_await adjust(context, std::move(movement));
    BulkResult result{.product_id = line.product_id};
    if (moved) {
      result.stock = *std::move(moved);
    } else {
      ++results.refused;
      result.error = LineRefusal{moved.error().code, moved.error().detail};
    }
    results.data.push_back(std::move(result));
  }
  co_return results;
}

}  // namespace souk::inventory
