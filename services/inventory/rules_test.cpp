#include "rules.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

namespace souk::inventory {
namespace {

using rules::Books;
using rules::Operation;
using Kind = Operation::Kind;
using Status = ReservationStatus;

constexpr Timestamp start_time{std::chrono::hours(500'000)};

rules::Item item(std::string product_id, std::int64_t quantity, std::int64_t reserved = 0) {
  return {.id = Uuid::v7(),
          .product_id = std::move(product_id),
          .sku = "SKU",
          .quantity = quantity,
          .reserved_quantity = reserved,
          .reorder_level = 3,
          .reorder_quantity = 50};
}

Operation reserve(Uuid order_id, std::vector<ReserveLine> lines) {
  return {.kind = Kind::reserve, .order_id = order_id, .lines = std::move(lines), .hold_seconds = 900};
}

// What is stored after a decision, for the next one.
Books after(Books books, const rules::Changes& changes) {
  for (const auto& change : changes.stock) {
    auto& changed = *std::ranges::find(books.items, change.item_id, &rules::Item::id);
    changed.quantity += change.quantity;
    changed.reserved_quantity += change.reserved_quantity;
  }
  for (const auto& hold : changes.changed_holds) *std::ranges::find(books.holds, hold.id, &rules::Hold::id) = hold;
  books.holds.insert(books.holds.end(), changes.new_holds.begin(), changes.new_holds.end());
  books.closed_orders.insert(books.closed_orders.end(), changes.closed_orders.begin(), changes.closed_orders.end());
  return books;
}

rules::Decision decide(const Books& books, const std::vector<Operation>& operations) {
  return rules::decide(books, operations);
}

std::string code(const rules::Answer& answer) { return answer.result ? "" : answer.result.error().code; }

TEST(InventoryRules, ASmallReservationIsGrantedAfterALargeOneWasRefused) {
  const auto decision = decide({.now = start_time, .items = {item("a", 10)}},
                               {reserve(Uuid::v7(), {{"a", 6}}), reserve(Uuid::v7(), {{"a", 5}}),
                                reserve(Uuid::v7(), {{"a", 4}}), reserve(Uuid::v7(), {{"a", 1}})});
  EXPECT_EQ(code(decision.answers[0]), "");
  EXPECT_EQ(code(decision.answers[1]), "inventory.insufficient_stock");
  EXPECT_EQ(decision.answers[1].result.error().errors.at(0).field, "items[0]");
  EXPECT_EQ(decision.answers[1].result.error().errors.at(0).detail, "only 4 available");
  EXPECT_EQ(code(decision.answers[2]), "");
  EXPECT_EQ(decision.answers[3].result.error().errors.at(0).detail, "is not available");
  ASSERT_EQ(decision.changes.stock.size(), 1U);
  EXPECT_EQ(decision.changes.stock[0].reserved_quantity, 10);
  EXPECT_EQ(decision.changes.stock[0].quantity, 0);
  EXPECT_EQ(decision.changes.ledger.size(), 2U);
}

TEST(InventoryRules, AReservationGetsAllOfItsLinesOrNone) {
  const auto decision = decide({.now = start_time, .items = {item("a", 5), item("b", 1), item("c", 0)}},
                               {reserve(Uuid::v7(), {{"c", 1}, {"a", 5}, {"b", 2}}), reserve(Uuid::v7(), {{"a", 5}})});
  const auto& refused = decision.answers[0].result.error();
  ASSERT_EQ(refused.errors.size(), 2U);
  EXPECT_EQ(refused.errors[0].field, "items[0]");
  EXPECT_EQ(refused.errors[1].field, "items[2]");
  EXPECT_TRUE(decision.answers[1].result);
  EXPECT_EQ(decision.changes.new_holds.size(), 1U);
}

TEST(InventoryRules, AnUnknownItemIsNamed) {
  const auto decision =
      decide({.now = start_time, .items = {item("a", 5)}}, {reserve(Uuid::v7(), {{"a", 1}, {"nothing", 1}})});
  EXPECT_EQ(code(decision.answers[0]), "inventory.item_not_found");
  EXPECT_EQ(decision.answers[0].result.error().errors.at(0).field, "items[1]");
  EXPECT_TRUE(decision.changes.empty());
}

TEST(InventoryRules, TheSameOrderTwiceInOneBatchReservesOnce) {
  const auto order = Uuid::v7();
  const auto decision = decide({.now = start_time, .items = {item("a", 5)}},
                               {reserve(order, {{"a", 3}}), reserve(order, {{"a", 3}}), reserve(order, {{"a", 2}})});
  EXPECT_EQ(json::write(*decision.answers[0].result), json::write(*decision.answers[1].result));
  EXPECT_EQ(code(decision.answers[2]), "inventory.reservation_differs");
  EXPECT_EQ(decision.changes.new_holds.size(), 1U);
  EXPECT_EQ(decision.changes.stock.at(0).reserved_quantity, 3);
}

TEST(InventoryRules, ALineIsFreedForTheNextRequestOfTheBatch) {
  const auto first = Uuid::v7();
  auto books = Books{.now = start_time, .items = {item("a", 1)}};
  books = after(books, decide(books, {reserve(first, {{"a", 1}})}).changes);
  const auto decision = decide(
      books,
      {reserve(Uuid::v7(), {{"a", 1}}), {.kind = Kind::release, .order_id = first}, reserve(Uuid::v7(), {{"a", 1}})});
  EXPECT_EQ(code(decision.answers[0]), "inventory.insufficient_stock");
  EXPECT_TRUE(decision.answers[2].result);
  EXPECT_TRUE(decision.changes.stock.empty());  // one in, one out
  EXPECT_TRUE(decision.changes.events.empty());
}

TEST(InventoryRules, WhatAnOrderMayDoDependsOnItsReservation) {
  struct Case {
    Status status;
    Kind kind;
    std::string code;  // of the refusal
    Status becomes;    // where it is granted
    std::int64_t quantity;
    std::int64_t reserved;
  };
  // Five of the item are there, two are held where the reservation is active.
  const Case cases[] = {
      {Status::active, Kind::reserve, "", Status::active, 0, 0},
      {Status::active, Kind::extend, "", Status::active, 0, 0},
      {Status::active, Kind::complete, "", Status::completed, -2, -2},
      {Status::active, Kind::release, "", Status::cancelled, 0, -2},
      {Status::active, Kind::expire, "", Status::expired, 0, -2},
      {Status::completed, Kind::reserve, "", Status::completed, 0, 0},
      {Status::completed, Kind::extend, "", Status::completed, 0, 0},
      {Status::completed, Kind::complete, "", Status::completed, 0, 0},
      {Status::completed, Kind::release, "", Status::completed, 0, 0},
      {Status::completed, Kind::expire, "", Status::completed, 0, 0},
      {Status::cancelled, Kind::reserve, "inventory.reservation_closed", {}, 0, 0},
      {Status::cancelled, Kind::extend, "inventory.reservation_closed", {}, 0, 0},
      {Status::cancelled, Kind::complete, "inventory.reservation_closed", {}, 0, 0},
      {Status::cancelled, Kind::release, "", Status::cancelled, 0, 0},
      {Status::cancelled, Kind::expire, "", Status::cancelled, 0, 0},
      {Status::expired, Kind::reserve, "", Status::active, 0, 2},
      {Status::expired, Kind::extend, "inventory.reservation_closed", {}, 0, 0},
      {Status::expired, Kind::complete, "", Status::completed, -2, 0},
      {Status::expired, Kind::release, "", Status::expired, 0, 0},
      {Status::expired, Kind::expire, "", Status::expired, 0, 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(json::enum_name(c.status)) + ", operation " + std::to_string(static_cast<int>(c.kind)));
    const auto order = Uuid::v7();
    Books books{.now = start_time, .items = {item("a", 5, c.status == Status::active ? 2 : 0)}};
    books.holds = {{.id = Uuid::v7(),
                    .order_id = order,
                    .item_id = books.items[0].id,
                    .quantity = 2,
                    .status = c.status,
                    .expires_at = start_time}};
    const auto decision =
        decide(books, {{.kind = c.kind, .order_id = order, .lines = {{"a", 2}}, .hold_seconds = 900}});
    EXPECT_EQ(code(decision.answers[0]), c.code);
    if (c.code.empty()) EXPECT_EQ(decision.answers[0].result->status, c.becomes);
    const auto changed = after(books, decision.changes).items[0];
    EXPECT_EQ(changed.quantity - books.items[0].quantity, c.quantity);
    EXPECT_EQ(changed.reserved_quantity - books.items[0].reserved_quantity, c.reserved);
  }
}

TEST(InventoryRules, AnOrderWithoutAReservationIsClosedByItsRelease) {
  const Books books{.now = start_time, .items = {item("a", 5)}};
  const auto order = Uuid::v7();
  EXPECT_TRUE(decide(books, {{.kind = Kind::release, .order_id = order}}).answers[0].must_close);
  EXPECT_EQ(code(decide(books, {{.kind = Kind::extend, .order_id = order}}).answers[0]),
            "inventory.reservation_not_found");
  EXPECT_EQ(code(decide(books, {{.kind = Kind::complete, .order_id = order}}).answers[0]),
            "inventory.reservation_not_found");
  auto closed = books;
  closed.closed_orders = {order};
  EXPECT_FALSE(decide(closed, {{.kind = Kind::release, .order_id = order}}).answers[0].must_close);
  EXPECT_EQ(code(decide(closed, {reserve(order, {{"a", 1}})}).answers[0]), "inventory.reservation_closed");
  EXPECT_EQ(code(decide(closed, {{.kind = Kind::extend, .order_id = order}}).answers[0]),
            "inventory.reservation_closed");
}

TEST(InventoryRules, AHoldThatIsTakenAgainHasLedgerRowsOfItsOwn) {
  const auto order = Uuid::v7();
  Books books{.now = start_time, .items = {item("a", 5)}};
  std::vector<std::string> references;
  const auto step = [&](Operation operation) {
    const auto decision = decide(books, {std::move(operation)});
    for (const auto& row : decision.changes.ledger) {
      references.push_back(std::string(json::enum_name(row.type)) + row.reference_id.substr(36));
    }
    books = after(books, decision.changes);
  };
  step(reserve(order, {{"a", 2}}));
  books.now += std::chrono::hours(1);
  step({.kind = Kind::expire, .order_id = order});
  step(reserve(order, {{"a", 2}}));
  step({.kind = Kind::complete, .order_id = order});
  EXPECT_EQ(references, (std::vector<std::string>{"reservation", "release", "reservation/2", "sale"}));
  EXPECT_EQ(books.items[0].quantity, 3);
  EXPECT_EQ(books.items[0].reserved_quantity, 0);
}

TEST(InventoryRules, WhatIsReleasedAfterItExpiredIsNeverHeldAgain) {
  const auto order = Uuid::v7();
  Books books{.now = start_time, .items = {item("a", 5)}};
  books = after(books, decide(books, {reserve(order, {{"a", 2}})}).changes);
  books.now += std::chrono::hours(1);
  books = after(books, decide(books, {{.kind = Kind::expire, .order_id = order}}).changes);
  books = after(books, decide(books, {{.kind = Kind::release, .order_id = order}}).changes);
  EXPECT_EQ(books.closed_orders, std::vector<Uuid>{order});
  EXPECT_EQ(code(decide(books, {reserve(order, {{"a", 2}})}).answers[0]), "inventory.reservation_closed");
  EXPECT_EQ(code(decide(books, {{.kind = Kind::complete, .order_id = order}}).answers[0]),
            "inventory.reservation_closed");
}

TEST(InventoryRules, OthersHearWhenTheLastOneGoesAndWhenOneComesBack) {
  const auto types = [](const rules::Item& before, const rules::Item& changed) {
    std::string all;
    for (const auto& event : rules::events_of(before, changed)) all += event.type + " " + event.payload.text + "\n";
    return all;
  };
  EXPECT_EQ(types(item("a", 10), item("a", 10, 9)), "");
  EXPECT_EQ(types(item("a", 10), item("a", 10, 10)),
            "stock.availability_changed {\"product_id\":\"a\",\"available\":false,\"available_quantity\":0}\n");
  EXPECT_EQ(types(item("a", 10, 10), item("a", 12, 10)),
            "stock.availability_changed {\"product_id\":\"a\",\"available\":true,\"available_quantity\":2}\n");
  EXPECT_EQ(types(item("a", 4), item("a", 3)),
            "stock.low {\"product_id\":\"a\",\"sku\":\"SKU\",\"quantity\":3,\"reorder_level\":3,"
            "\"reorder_quantity\":50}\n");
  EXPECT_EQ(types(item("a", 3), item("a", 2)), "");
}

TEST(InventoryRules, AMovementStaysWithinWhatIsReservedAndTheColumn) {
  EXPECT_EQ(rules::moved(item("a", 5, 2), -3)->quantity, 2);
  EXPECT_EQ(rules::moved(item("a", 5, 2), -4).error().code, "inventory.would_be_negative");
  EXPECT_EQ(rules::moved(item("a", 5), INT64_MIN).error().code, "inventory.would_be_negative");
  EXPECT_EQ(rules::moved(item("a", 5), 0).error().code, "inventory.quantity_out_of_range");
  EXPECT_EQ(rules::moved(item("a", 5), rules::max_quantity - 4).error().code, "inventory.quantity_out_of_range");
  EXPECT_EQ(rules::moved(item("a", 5), rules::max_quantity - 5)->quantity, rules::max_quantity);
  EXPECT_EQ(rules::moved(item("a", 5), INT64_MAX).error().code, "inventory.quantity_out_of_range");
}

TEST(InventoryRules, ARequestThatCannotBeMeantIsRefused) {
  const auto refused = [](std::vector<ReserveLine> lines, std::int64_t hold = 900) {
    const auto checked = rules::check(Reserve{.order_id = Uuid::v7(), .lines = std::move(lines), .hold_seconds = hold});
    return checked ? "" : checked.error().errors.at(0).field;
  };
  EXPECT_EQ(refused({{"a", 1}}), "");
  EXPECT_EQ(refused({}), "lines");
  EXPECT_EQ(refused(std::vector<ReserveLine>(101, {"a", 1})), "lines");
  EXPECT_EQ(refused({{"a", 1}, {"a", 1}}), "lines[1].product_id");
  EXPECT_EQ(refused({{"", 1}}), "lines[0].product_id");
  EXPECT_EQ(refused({{std::string(51, 'a'), 1}}), "lines[0].product_id");
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, rules::max_quantity + 1}) {
    EXPECT_EQ(refused({{"a", wrong}}), "lines[0].quantity") << wrong;
  }
  EXPECT_EQ(refused({{"a", 1}}, 0), "hold_seconds");
  EXPECT_EQ(refused({{"a", 1}}, 86'401), "hold_seconds");
}

// An independent model, as simple as can be: one operation after the other on plain maps.
struct Model {
  struct Order {
    Status status{};
    std::map<std::string, std::int64_t> lines;
    Timestamp expires_at;
  };
  std::map<std::string, std::int64_t> free;
  std::map<std::string, std::int64_t> sold;
  std::map<Uuid, Order> orders;
  std::map<Uuid, bool> closed;

  bool take(const std::map<std::string, std::int64_t>& lines) {
    for (const auto& [product, quantity] : lines) {
      if (free[product] < quantity) return false;
    }
    for (const auto& [product, quantity] : lines) free[product] -= quantity;
    return true;
  }
  void give(const std::map<std::string, std::int64_t>& lines) {
    for (const auto& [product, quantity] : lines) free[product] += quantity;
  }
  void sell(const std::map<std::string, std::int64_t>& lines) {
    for (const auto& [product, quantity] : lines) sold[product] += quantity;
  }

  std::string apply(const Operation& operation, Timestamp now) {
    const auto found = orders.find(operation.order_id);
    auto* order = found == orders.end() ? nullptr : &found->second;
    const bool is_closed = closed[operation.order_id] || (order && order->status == Status::cancelled);
    switch (operation.kind) {
      case Kind::reserve: {
        if (is_closed) return "inventory.reservation_closed";
        std::map<std::string, std::int64_t> lines;
        for (const auto& line : operation.lines) lines[line.product_id] = line.quantity;
        if (order && order->lines != lines) return "inventory.reservation_differs";
        if (order && order->status != Status::expired) return "";
        if (!take(lines)) return "inventory.insufficient_stock";
        orders[operation.order_id] = {Status::active, lines, now + std::chrono::seconds(operation.hold_seconds)};
        return "";
      }
      case Kind::extend:
        if (is_closed) return "inventory.reservation_closed";
        if (!order) return "inventory.reservation_not_found";
        if (order->status == Status::expired) return "inventory.reservation_closed";
        order->expires_at = std::max(order->expires_at, now + std::chrono::seconds(operation.hold_seconds));
        return "";
      case Kind::complete:
        if (is_closed) return "inventory.reservation_closed";
        if (!order) return "inventory.reservation_not_found";
        if (order->status == Status::completed) return "";
        if (order->status == Status::expired && !take(order->lines)) return "inventory.insufficient_stock";
        sell(order->lines);
        order->status = Status::completed;
        return "";
      case Kind::release:
        if (!order || order->status == Status::expired) closed[operation.order_id] = true;
        if (order && order->status == Status::active) {
          give(order->lines);
          order->status = Status::cancelled;
        }
        return "";
      case Kind::expire:
        if (order && order->status == Status::active && order->expires_at <= now) {
          give(order->lines);
          order->status = Status::expired;
        }
        return "";
    }
    std::unreachable();
  }
};

// Batches of any size and order give what one operation after the other gives.
TEST(InventoryRules, ABatchIsDecidedAsIfEachOperationCameAlone) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t bound) { return static_cast<std::size_t>(random() % bound); };
  for (int run = 0; run < 200; ++run) {
    Books books{.now = start_time};
    Model model;
    for (const auto* product : {"a", "b", "c"}) {
      const auto quantity = static_cast<std::int64_t>(below(12));
      books.items.push_back(item(product, quantity));
      model.free[product] = quantity;
    }
    const auto opened = books.items;
    std::vector<Uuid> orders(6);
    std::ranges::generate(orders, &Uuid::v7);
    for (int round = 0; round < 12; ++round) {
      books.now += std::chrono::seconds(below(600));
      std::vector<Operation> operations(1 + below(10));
      for (auto& operation : operations) {
        const auto which = below(static_cast<std::uint32_t>(orders.size()));
        operation = {.kind = static_cast<Kind>(below(5)), .order_id = orders[which], .hold_seconds = 300};
        // Mostly the same lines for the same order.
        const auto lines = below(10) == 0 ? below(3) : which % 3;
        for (std::size_t i = 0; i <= lines; ++i) {
          operation.lines.push_back({std::string(1, static_cast<char>('a' + i)), static_cast<std::int64_t>(1 + which)});
        }
      }
      const auto decision = decide(books, operations);
      books = after(std::move(books), decision.changes);
      for (std::size_t i = 0; i < operations.size(); ++i) {
        const auto expected = model.apply(operations[i], books.now);
        ASSERT_EQ(code(decision.answers[i]), expected) << "run " << run << " round " << round << " operation " << i;
        // What the service does after the batch.
        if (decision.answers[i].must_close) books.closed_orders.push_back(operations[i].order_id);
      }
      for (std::size_t i = 0; i < books.items.size(); ++i) {
        const auto& now = books.items[i];
        ASSERT_EQ(now.available(), model.free[now.product_id]);
        ASSERT_EQ(now.quantity, opened[i].quantity - model.sold[now.product_id]);
        std::int64_t held = 0;
        for (const auto& hold : books.holds) {
          if (hold.item_id == now.id && hold.status == Status::active) held += hold.quantity;
        }
        ASSERT_EQ(now.reserved_quantity, held);
      }
    }
  }
}

}  // namespace
}  // namespace souk::inventory
