#include "service.hpp"

#include <algorithm>
#include <chrono>

#include "core/crypto.hpp"
#include "core/failpoint.hpp"
#include "errors.hpp"
#include "events/idempotency.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::inventory {
namespace {

using namespace std::chrono_literals;
using Kind = rules::Operation::Kind;

constexpr Duration sweep_interval = 30s;
constexpr Duration prune_interval = 1h;
constexpr std::int64_t sweep_batch = 500;
constexpr std::size_t open_batch = 2000;
constexpr std::size_t most_opened = 10'000;
constexpr std::size_t most_wanted = 1000;
constexpr std::size_t most_cause = 60;
constexpr int movement_attempts = 3;

// Two movements with the same reference at once: the second one fails by this index, looks again, and finds the first.
constexpr std::string_view ledger_index = "inventory_transactions_once";

Result<void> check_reference(const std::string& reference) {
  if (!reference.empty() && reference.size() <= rules::max_reference) return {};
  return errors::invalid_request("reference_id", "must have 1 to 100 characters");
}

Result<void> check_opening(const OpenStock& request) {
  SOUK_CHECK(check_reference(request.reference_id));
  if (request.items.size() > most_opened) return errors::invalid_request("items", "must be at most 10000");
  for (std::size_t i = 0; i < request.items.size(); ++i) {
    const auto& item = request.items[i];
    const auto field = "items[" + std::to_string(i) + "]";
    if (item.product_id.empty() || item.product_id.size() > rules::max_product_id) {
      return errors::invalid_request(field + ".product_id", "must have 1 to 50 characters");
    }
    if (item.sku.empty() || item.sku.size() > 100) {
      return errors::invalid_request(field + ".sku", "must have 1 to 100 characters");
    }
    if (item.quantity < 0 || item.quantity > rules::max_quantity) return errors::quantity_out_of_range();
  }
  return {};
}

std::string write_place(const LedgerEntry& entry) {
  const auto text = std::to_string(entry.created_at.time_since_epoch().count()) + ":" + entry.id.to_string();
  return base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<Repository::LedgerPlace> read_place(const std::string& cursor) {
  const auto text = from_base64url(cursor);
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon != std::string::npos) {
    std::int64_t microseconds = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + colon, microseconds);
    const auto id = Uuid::parse(std::string_view(*text).substr(colon + 1));
    // Between the years 1970 and 9999.
    if (error == std::errc{} && end == text->data() + colon && id && microseconds >= 0 &&
        microseconds < 253'402'300'800'000'000) {
      return Repository::LedgerPlace{Timestamp(std::chrono::microseconds(microseconds)), *id};
    }
  }
  return errors::invalid_request("cursor", "is not one that this list has given");
}

idempotency::Key idempotency_key(const Context& context, TransactionType type, const StockMovement& request) {
  return {.scope = context.caller().to_string(),
          .operation = std::string(json::enum_name(type)),
          .key = *request.idempotency_key,
          .body_hash = hex(sha256(json::write(request)))};
}

}  // namespace

Service::Service(Runtime& runtime, pg::Pool& pool)
    : pool_(pool), repository_(pool), outbox_(pool), reservations_(runtime, pool, repository_, outbox_) {}

void Service::start(TaskGroup& group) {
  group.spawn("inventory sweeper", sweep_again_and_again(*this, group));
  group.spawn("inventory pruning", prune_again_and_again(*this, group));
}

Task<> Service::sweep_again_and_again(Service& service, TaskGroup& group) {
  while (!group.stopping()) {
    try {
      const auto context = Context::background("inventory", sweep_interval);
      const auto expired = co_await service.sweep(context);
      if (expired > 0) log::info(context, "reservations expired", log::kv("orders", expired));
    } catch (const std::exception& error) {
      const std::string what = error.what();
      log::warning("the sweeper of reservations failed; it tries again", log::kv("error", what));
    }
    if (!co_await group.sleep(sweep_interval)) co_return;
  }
}

Task<> Service::prune_again_and_again(Service& service, TaskGroup& group) {
  while (co_await group.sleep(prune_interval)) {
    try {
      const auto context = Context::background("inventory", 1min);
      co_await service.outbox_.prune(context);
      co_await idempotency::prune(service.pool_, context);
      co_await service.repository_.prune_closed_orders(context);
    } catch (const std::exception& error) {
      const std::string what = error.what();
      log::warning("old rows of the stock could not be deleted; tried again in an hour", log::kv("error", what));
    }
  }
}

// The orders are found without locks and expired in a batch like any other, which looks at each again under its locks:
// two sweepers at once, or one that meets a customer who pays at the last moment, cannot do harm.
Task<std::int64_t> Service::sweep(Context context) {
  static auto& expired = metrics::counter("souk_inventory_expired_orders_total", "Orders whose reservation expired.");
  std::int64_t total = 0;
  for (;;) {
    auto due = co_await repository_.list_due(context, sweep_batch);
    if (due.empty()) co_return total;
    total += static_cast<std::int64_t>(due.size());
    expired.add(static_cast<double>(due.size()));
    co_await reservations_.expire(context.limited(10s), std::move(due));
  }
}

Task<Result<StockList>> Service::get_stock(Context context, GetStock request) {
  if (request.product_ids.size() > most_wanted) {
    co_return errors::invalid_request("product_ids", "must be at most 1000");
  }
  co_return StockList{co_await repository_.list_stock(std::move(context), std::move(request.product_ids))};
}

Task<Result<OpenedStock>> Service::open_stock(Context context, OpenStock request) {
  SOUK_CO_CHECK(check_opening(request));
  // In one order everywhere, so that two imports do not wait for each other in a circle.
  std::ranges::sort(request.items, {}, &OpeningStock::product_id);
  OpenedStock opened;
  for (std::size_t at = 0; at < request.items.size(); at += open_batch) {
    const auto end = std::min(request.items.size(), at + open_batch);
    std::vector<OpeningStock> batch(request.items.begin() + static_cast<std::ptrdiff_t>(at),
                                    request.items.begin() + static_cast<std::ptrdiff_t>(end));
    SOUK_CO_TRY(const auto created, co_await repository_.open(context, std::move(batch), request.reference_id));
    opened.created += created;
    if (created > 0) outbox_.committed();
  }
  co_return opened;
}

Task<Result<Stock>> Service::restock(Context context, StockMovement request) {
  if (request.quantity < 1) co_return errors::quantity_out_of_range();
  co_return co_await move(std::move(context), TransactionType::restock, std::move(request));
}

Task<Result<Stock>> Service::adjust(Context context, StockMovement request) {
  co_return co_await move(std::move(context), TransactionType::adjustment, std::move(request));
}

Task<Result<Stock>> Service::move(Context context, TransactionType type, StockMovement request) {
  SOUK_CO_CHECK(check_reference(request.reference_id));
  for (int attempt = 1;; ++attempt) {
    try {
      co_return co_await move_once(context, type, request);
    } catch (const pg::Error& error) {
      if (attempt == movement_attempts || !error.is_unique_violation(ledger_index)) throw;
    }
  }
}

Task<Result<Stock>> Service::move_once(Context context, TransactionType type, StockMovement request) {
  auto tx = co_await pool_.begin(context);
  std::optional<idempotency::Key> key;
  if (request.idempotency_key) {
    key = idempotency_key(context, type, request);
    SOUK_CO_TRY(const auto claim, co_await idempotency::claim(tx, *key, Uuid::v7()));
    if (claim.reply) co_return json::read_trusted<Stock>(claim.reply->body);
  }
  const auto product_id = request.product_id;
  Movement movement{.type = type,
                    .lines = {{.product_id = request.product_id, .quantity = request.quantity}},
                    .reference_id = std::move(request.reference_id),
                    .notes = std::move(request.notes)};
  SOUK_CO_TRY(const auto ids, co_await apply(tx, std::move(movement), context.caller().to_string()));
  auto stock = co_await repository_.get_stock(tx, ids.front());
  if (key) co_await idempotency::finish(tx, *key, {.status = 200, .body = json::write(stock)});
  SOUK_FAILPOINT("inventory.before_movement_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("inventory.after_movement_commit");
  outbox_.committed();
  co_return stock;
}

Task<Result<std::vector<Uuid>>> Service::apply(pg::Transaction& tx, Movement movement, std::string caller) {
  std::vector<std::string> products;
  for (const auto& line : movement.lines) products.push_back(line.product_id);
  const auto items = co_await repository_.lock_items(tx, std::move(products));
  if (items.size() != movement.lines.size()) co_return errors::item_not_found();
  rules::Changes changes;
  std::vector<Uuid> ids;
  for (const auto& item : items) {
    ids.push_back(item.id);
    const auto quantity = std::ranges::find(movement.lines, item.product_id, &ReserveLine::product_id)->quantity;
    if (const auto made = co_await repository_.find_movement(tx, movement.type, movement.reference_id, item.id)) {
      if (*made != quantity) co_return errors::reference_reused();
      continue;
    }
    SOUK_CO_TRY(const auto after, rules::moved(item, quantity));
    changes.stock.push_back(
        {.item_id = item.id, .quantity = quantity, .restocked = movement.type == TransactionType::restock});
    changes.ledger.push_back({item.id, movement.type, quantity, movement.reference_id, movement.notes, caller});
    for (auto& event : rules::events_of(item, after)) changes.events.push_back(std::move(event));
  }
  if (!changes.empty()) co_await repository_.write(tx, std::move(changes), {});
  co_return ids;
}

Task<Result<Reservation>> Service::reserve(Context context, Reserve request) {
  SOUK_CO_CHECK(rules::check(request));
  rules::Operation operation{.kind = Kind::reserve,
                             .order_id = request.order_id,
                             .lines = std::move(request.lines),
                             .hold_seconds = request.hold_seconds,
                             .caller = context.caller().to_string()};
  co_return co_await reservations_.submit(std::move(context), std::move(operation));
}

Task<Result<Reservation>> Service::extend(Context context, ExtendReservation request) {
  SOUK_CO_CHECK(rules::check_hold(request.hold_seconds));
  rules::Operation operation{.kind = Kind::extend,
                             .order_id = request.order_id,
                             .hold_seconds = request.hold_seconds,
                             .caller = context.caller().to_string()};
  co_return co_await reservations_.submit(std::move(context), std::move(operation));
}

Task<Result<Done>> Service::release(Context context, OrderRef request) {
  rules::Operation operation{
      .kind = Kind::release, .order_id = request.order_id, .caller = context.caller().to_string()};
  SOUK_CO_CHECK(co_await reservations_.submit(std::move(context), std::move(operation)));
  co_return Done{};
}

Task<Result<Reservation>> Service::complete(Context context, OrderRef request) {
  rules::Operation operation{
      .kind = Kind::complete, .order_id = request.order_id, .caller = context.caller().to_string()};
  co_return co_await reservations_.submit(std::move(context), std::move(operation));
}

Task<Result<Reservation>> Service::get_reservation(Context context, OrderRef request) {
  auto reservation = co_await repository_.find_reservation(std::move(context), request.order_id);
  if (!reservation) co_return errors::reservation_not_found();
  co_return *std::move(reservation);
}

Task<Result<Done>> Service::return_stock(Context context, ReturnStock request) {
  SOUK_CO_CHECK(rules::check_lines(request.lines));
  if (request.cause.empty() || request.cause.size() > most_cause) {
    co_return errors::invalid_request("cause", "must have 1 to 60 characters");
  }
  Movement movement{.type = TransactionType::restock,
                    .lines = std::move(request.lines),
                    .reference_id = request.order_id.to_string() + ":" + request.cause,
                    .notes = "came back"};
  for (int attempt = 1;; ++attempt) {
    try {
      co_return co_await return_once(context, movement);
    } catch (const pg::Error& error) {
      if (attempt == movement_attempts || !error.is_unique_violation(ledger_index)) throw;
    }
  }
}

Task<Result<Done>> Service::return_once(Context context, Movement movement) {
  auto tx = co_await pool_.begin(context);
  SOUK_CO_CHECK(co_await apply(tx, std::move(movement), context.caller().to_string()));
  SOUK_FAILPOINT("inventory.before_return_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("inventory.after_return_commit");
  outbox_.committed();
  co_return Done{};
}

Task<Result<Ledger>> Service::list_ledger(Context context, ListLedger request) {
  std::optional<Repository::LedgerPlace> before;
  if (request.cursor) {
    SOUK_CO_TRY(before, read_place(*request.cursor));
  }
  const auto stock = co_await repository_.list_stock(context, {request.product_id});
  if (stock.empty()) co_return errors::item_not_found();
  const auto limit = request.limit.value;
  Ledger ledger{.data = co_await repository_.list_ledger(std::move(context), stock.front().id, before, limit + 1)};
  ledger.has_more = std::ssize(ledger.data) > limit;
  if (ledger.has_more) {
    ledger.data.pop_back();
    ledger.next_cursor = write_place(ledger.data.back());
  }
  co_return ledger;
}

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await outbox_.read(std::move(context), std::move(request));
}

}  // namespace souk::inventory
