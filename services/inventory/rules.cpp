#include "rules.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>

#include "core/seeded_bug.hpp"
#include "errors.hpp"

namespace souk::inventory::rules {
namespace {

std::string line_field(std::size_t index) { return "items[" + std::to_string(index) + "]"; }

FieldError short_line(std::size_t index, std::int64_t available) {
  return {.field = line_field(index),
          .code = "inventory.insufficient_stock",
          .detail = available == 0 ? "is not available" : "only " + std::to_string(available) + " available"};
}

// The books while a batch is decided.
class Desk {
 public:
  explicit Desk(Books books);

  Answer decide(const Operation& operation);
  Changes changes() &&;

 private:
  struct Order {
    std::vector<Hold> holds;  // all of one status
    std::size_t stored = 0;   // the first so many are rows already
    bool changed = false;     // of those rows
    bool closed = false;
    bool closed_now = false;  // with these changes
    bool closing = false;     // by what follows on them
  };

  Answer reserve(const Operation& operation, Order& order);
  Answer extend(const Operation& operation, Order& order);
  Answer complete(const Operation& operation, Order& order);
  Answer release(const Operation& operation, Order& order);
  Answer expire(const Operation& operation, Order& order);

  Result<void> find_items(const Operation& operation) const;
  Result<void> check_available(const Order& order) const;
  bool has_lines(const Order& order, const std::vector<ReserveLine>& lines) const;
  void set_status(Order& order, ReservationStatus status);
  // Adds to quantity and reserved quantity of each held item, with a row of the ledger.
  void book(const Operation& operation, const Order& order, TransactionType type,
            std::optional<std::string> notes = {});
  Timestamp hold_end(std::int64_t seconds) const { return books_.now + std::chrono::seconds(seconds); }
  Item& item(Uuid id) { return books_.items[by_id_.at(id)]; }
  const Item& item(Uuid id) const { return books_.items[by_id_.at(id)]; }
  Reservation to_api(Uuid order_id, const Order& order) const;

  Books books_;
  std::vector<Item> before_;
  std::unordered_map<std::string, std::size_t> by_product_;
  std::unordered_map<Uuid, std::size_t> by_id_;
  std::unordered_map<Uuid, Order> orders_;
  Changes changes_;
};

Desk::Desk(Books books) : books_(std::move(books)), before_(books_.items) {
  for (std::size_t i = 0; i < books_.items.size(); ++i) {
    by_product_.emplace(books_.items[i].product_id, i);
    by_id_.emplace(books_.items[i].id, i);
  }
  for (auto& hold : books_.holds) {
    auto& order = orders_[hold.order_id];
    order.holds.push_back(std::move(hold));
    order.stored = order.holds.size();
  }
  for (const auto& id : books_.closed_orders) orders_[id].closed = true;
}

Answer Desk::decide(const Operation& operation) {
  auto& order = orders_[operation.order_id];
  switch (operation.kind) {
    case Operation::Kind::reserve: return reserve(operation, order);
    case Operation::Kind::extend: return extend(operation, order);
    case Operation::Kind::complete: return complete(operation, order);
    case Operation::Kind::release: return release(operation, order);
    case Operation::Kind::expire: return expire(operation, order);
  }
  std::unreachable();
}

Answer Desk::reserve(const Operation& operation, Order& order) {
  if (order.closed) return {errors::reservation_closed()};
  if (order.holds.empty()) {
    if (auto found = find_items(operation); !found) return {std::unexpected(std::move(found).error())};
    for (const auto& line : operation.lines) {
      order.holds.push_back({.id = Uuid::v7(),
                             .order_id = operation.order_id,
                             .item_id = books_.items[by_product_.at(line.product_id)].id,
                             .quantity = line.quantity,
                             .expires_at = hold_end(operation.hold_seconds)});
    }
    if (auto available = check_available(order); !available) {
      order.holds.clear();
      return {std::unexpected(std::move(available).error())};
    }
    book(operation, order, TransactionType::reservation);
    return {to_api(operation.order_id, order)};
  }
  const auto status = order.holds.front().status;
  if (status == ReservationStatus::cancelled) return {errors::reservation_closed()};
  if (!has_lines(order, operation.lines)) return {errors::reservation_differs()};
  if (status != ReservationStatus::expired) return {to_api(operation.order_id, order)};
  // In the order of the lines, so that a refusal names them by their place.
  std::ranges::sort(order.holds, {}, [&](const Hold& hold) {
    return std::ranges::find(operation.lines, item(hold.item_id).product_id, &ReserveLine::product_id);
  });
  if (auto available = check_available(order); !available) return {std::unexpected(std::move(available).error())};
  set_status(order, ReservationStatus::active);
  for (auto& hold : order.holds) {
    hold.expires_at = hold_end(operation.hold_seconds);
    ++hold.number;
  }
  book(operation, order, TransactionType::reservation, "held again");
  return {to_api(operation.order_id, order)};
}

Answer Desk::extend(const Operation& operation, Order& order) {
  if (order.holds.empty()) {
    if (order.closed) return {errors::reservation_closed()};
    return {errors::reservation_not_found()};
  }
  const auto status = order.holds.front().status;
  if (status == ReservationStatus::cancelled || status == ReservationStatus::expired) {
    return {errors::reservation_closed()};
  }
  if (status == ReservationStatus::active) {
    order.changed = !SOUK_SEEDED_BUG("inventory.hold_not_extended");
    for (auto& hold : order.holds) hold.expires_at = std::max(hold.expires_at, hold_end(operation.hold_seconds));
  }
  return {to_api(operation.order_id, order)};
}

Answer Desk::complete(const Operation& operation, Order& order) {
  if (order.closed) return {errors::reservation_closed()};
  if (order.holds.empty()) return {errors::reservation_not_found()};
  const auto status = order.holds.front().status;
  if (status == ReservationStatus::cancelled) return {errors::reservation_closed()};
  if (status == ReservationStatus::completed) return {to_api(operation.order_id, order)};
  if (status == ReservationStatus::expired) {
    // The stock went back to the shelf; it is sold from there, if it still is there.
    if (auto available = check_available(order); !available) return {std::unexpected(std::move(available).error())};
  } else {
    for (const auto& hold : order.holds) item(hold.item_id).reserved_quantity -= hold.quantity;
  }
  set_status(order, ReservationStatus::completed);
  book(operation, order, TransactionType::sale);
  return {to_api(operation.order_id, order)};
}

Answer Desk::release(const Operation& operation, Order& order) {
  if (order.holds.empty()) {
    if (!order.closed) order.closed = order.closing = true;
    return {.result = Reservation{.order_id = operation.order_id, .status = ReservationStatus::cancelled},
            .must_close = order.closing};
  }
  const auto status = order.holds.front().status;
  if (status == ReservationStatus::active) {
    if (!SOUK_SEEDED_BUG("inventory.release_keeps_the_hold")) set_status(order, ReservationStatus::cancelled);
    book(operation, order, TransactionType::release);
  } else if (status == ReservationStatus::expired && !order.closed) {
    order.closed = order.closed_now = true;
  }
  return {to_api(operation.order_id, order)};
}

Answer Desk::expire(const Operation& operation, Order& order) {
  const bool due = !order.holds.empty() && order.holds.front().status == ReservationStatus::active &&
                   order.holds.front().expires_at <= books_.now;
  if (due) {
    set_status(order, ReservationStatus::expired);
    book(operation, order, TransactionType::release, "expired");
  }
  return {to_api(operation.order_id, order)};
}

Result<void> Desk::find_items(const Operation& operation) const {
  std::vector<FieldError> missing;
  for (std::size_t i = 0; i < operation.lines.size(); ++i) {
    if (by_product_.contains(operation.lines[i].product_id)) continue;
    missing.push_back({.field = line_field(i), .code = "inventory.item_not_found", .detail = "is not known"});
  }
  if (!missing.empty()) return errors::item_not_found(std::move(missing));
  return {};
}

Result<void> Desk::check_available(const Order& order) const {
  std::vector<FieldError> shorts;
  for (std::size_t i = 0; i < order.holds.size(); ++i) {
    const auto available = item(order.holds[i].item_id).available();
    if (available < order.holds[i].quantity) shorts.push_back(short_line(i, available));
  }
  if (!shorts.empty()) return errors::insufficient_stock(std::move(shorts));
  return {};
}

bool Desk::has_lines(const Order& order, const std::vector<ReserveLine>& lines) const {
  if (order.holds.size() != lines.size()) return false;
  return std::ranges::all_of(lines, [&](const ReserveLine& line) {
    return std::ranges::any_of(order.holds, [&](const Hold& hold) {
      return hold.quantity == line.quantity && item(hold.item_id).product_id == line.product_id;
    });
  });
}

void Desk::set_status(Order& order, ReservationStatus status) {
  order.changed = true;
  for (auto& hold : order.holds) hold.status = status;
}

void Desk::book(const Operation& operation, const Order& order, TransactionType type,
                std::optional<std::string> notes) {
  for (const auto& hold : order.holds) {
    auto& stock = item(hold.item_id);
    const auto amount = type == TransactionType::reservation ? hold.quantity : -hold.quantity;
    (type == TransactionType::sale ? stock.quantity : stock.reserved_quantity) += amount;
    if (SOUK_SEEDED_BUG("inventory.sale_without_ledger_row") && type == TransactionType::sale) continue;
    // An order is sold once, whichever hold that ends.
    const auto number = type == TransactionType::sale ? 1 : hold.number;
    changes_.ledger.push_back({.item_id = hold.item_id,
                               .type = type,
                               .quantity = amount,
                               .reference_id = hold_reference(operation.order_id, number),
                               .notes = notes,
                               .created_by = operation.caller});
  }
}

Reservation Desk::to_api(Uuid order_id, const Order& order) const {
  Reservation reservation{.order_id = order_id};
  if (order.holds.empty()) return reservation;
  reservation.status = order.holds.front().status;
  reservation.expires_at = order.holds.front().expires_at;
  for (const auto& hold : order.holds) {
    reservation.lines.push_back(
        {.product_id = item(hold.item_id).product_id, .quantity = hold.quantity, .status = hold.status});
  }
  std::ranges::sort(reservation.lines, {}, &ReservedLine::product_id);
  return reservation;
}

Changes Desk::changes() && {
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const auto& after = books_.items[i];
    const Changes::Stock change{.item_id = after.id,
                                .quantity = after.quantity - before_[i].quantity,
                                .reserved_quantity = after.reserved_quantity - before_[i].reserved_quantity};
    if (change.quantity == 0 && change.reserved_quantity == 0) continue;
    changes_.stock.push_back(change);
    for (auto& event : events_of(before_[i], after)) changes_.events.push_back(std::move(event));
  }
  for (auto& [id, order] : orders_) {
    if (order.closed_now) changes_.closed_orders.push_back(id);
    for (std::size_t i = 0; i < order.holds.size(); ++i) {
      if (i >= order.stored) {
        changes_.new_holds.push_back(std::move(order.holds[i]));
      } else if (order.changed) {
        changes_.changed_holds.push_back(std::move(order.holds[i]));
      }
    }
  }
  return std::move(changes_);
}

}  // namespace

Decision decide(Books books, std::span<const Operation> operations) {
  Desk desk(std::move(books));
  Decision decision;
  decision.answers.reserve(operations.size());
  for (const auto& operation : operations) decision.answers.push_back(desk.decide(operation));
  decision.changes = std::move(desk).changes();
  return decision;
}

Result<void> check_lines(const std::vector<ReserveLine>& lines) {
  if (lines.empty() || lines.size() > max_lines) return errors::invalid_request("lines", "must be 1 to 100 lines");
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto field = "lines[" + std::to_string(i) + "]";
    const auto& line = lines[i];
    if (line.product_id.empty() || line.product_id.size() > max_product_id) {
      return errors::invalid_request(field + ".product_id", "must have 1 to 50 characters");
    }
    if (line.quantity < 1 || line.quantity > max_quantity) {
      return errors::invalid_request(field + ".quantity", "must be from 1 to 2147483647");
    }
    if (!seen.insert(line.product_id).second) return errors::invalid_request(field + ".product_id", "is there twice");
  }
  return {};
}

Result<void> check_hold(std::int64_t hold_seconds) {
  if (hold_seconds >= 1 && hold_seconds <= max_hold_seconds) return {};
  return errors::invalid_request("hold_seconds", "must be from 1 to 86400");
}

Result<void> check(const Reserve& request) {
  SOUK_CHECK(check_lines(request.lines));
  return check_hold(request.hold_seconds);
}

Result<Item> moved(Item item, std::int64_t quantity) {
  if (quantity == 0 || quantity > max_quantity - item.quantity) return errors::quantity_out_of_range();
  if (item.quantity + quantity < item.reserved_quantity) return errors::would_be_negative();
  item.quantity += quantity;
  return item;
}

bool is_low(const Item& item) { return item.reorder_level && item.quantity <= *item.reorder_level; }

std::vector<StockEvent> events_of(const Item& before, const Item& after) {
  std::vector<StockEvent> events;
  if ((before.available() > 0) != (after.available() > 0)) {
    const AvailabilityChanged changed{
        .product_id = after.product_id, .available = after.available() > 0, .available_quantity = after.available()};
    events.push_back({"stock.availability_changed", after.product_id, json::Raw{json::write(changed)}});
  }
  if (is_low(after) && !is_low(before)) {
    const StockLow low{.product_id = after.product_id,
                       .sku = after.sku,
                       .quantity = after.quantity,
                       .reorder_level = *after.reorder_level,
                       .reorder_quantity = after.reorder_quantity};
    events.push_back({"stock.low", after.product_id, json::Raw{json::write(low)}});
  }
  return events;
}

std::string hold_reference(Uuid order_id, std::int64_t number) {
  return number == 1 ? order_id.to_string() : order_id.to_string() + "/" + std::to_string(number);
}

}  // namespace souk::inventory::rules
