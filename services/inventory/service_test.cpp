#include "service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::inventory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InventoryService : public InventoryTest {
 protected:
  Result<Stock> restock(std::string product, std::int64_t quantity, std::string reference,
                        std::optional<std::string> key = {}) {
    return call(&Api::restock, StockMovement{std::move(product), quantity, std::move(reference), {}, std::move(key)});
  }
  Result<Stock> adjust(std::string product, std::int64_t quantity, std::string reference) {
    return call(&Api::adjust, StockMovement{std::move(product), quantity, std::move(reference), "counted", {}});
  }
  // Types and payloads of all events so far.
  std::vector<std::string> events() {
    events::ReadEvents request;
    request.limit = 1000;
    std::vector<std::string> all;
    for (const auto& event : call(&Api::events, std::move(request)).value().events) {
      all.push_back(event.type + " " + event.key);
    }
    return all;
  }
};

TEST_F(InventoryService, AReservationHoldsStockAndCompletingSellsIt) {
  open("a", 10);
  const auto order = Uuid::v7();
  const auto reservation = reserve(order, {{"a", 3}});
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation->status, ReservationStatus::active);
  EXPECT_GT(reservation->expires_at, now() + std::chrono::minutes(14));
  EXPECT_EQ(stock("a").reserved_quantity, 3);
  EXPECT_EQ(stock("a").available_quantity, 7);

  const auto sold = complete(order);
  ASSERT_TRUE(sold);
  EXPECT_EQ(sold->status, ReservationStatus::completed);
  EXPECT_EQ(sold->lines.at(0).status, ReservationStatus::completed);
  EXPECT_EQ(json::write(*complete(order)), json::write(*sold));
  EXPECT_EQ(stock("a").quantity, 7);
  EXPECT_EQ(stock("a").reserved_quantity, 0);
  EXPECT_EQ(sql("SELECT string_agg(transaction_type || quantity, ' ' ORDER BY created_at) FROM inventory_transactions"),
            "restock10 reservation3 sale-3");
  expect_sound();
}

TEST_F(InventoryService, ARepeatedReserveGivesTheSameAnswer) {
  open("a", 10);
  open("b", 10);
  const auto order = Uuid::v7();
  const auto first = reserve(order, {{"b", 1}, {"a", 3}});
  ASSERT_TRUE(first);
  EXPECT_EQ(json::write(*reserve(order, {{"b", 1}, {"a", 3}})), json::write(*first));
  EXPECT_EQ(json::write(*call(&Api::get_reservation, OrderRef{order})), json::write(*first));
  EXPECT_EQ(code_of(reserve(order, {{"a", 3}})), "inventory.reservation_differs");
  EXPECT_EQ(stock("a").reserved_quantity, 3);
  complete(order);
  EXPECT_EQ(reserve(order, {{"b", 1}, {"a", 3}})->status, ReservationStatus::completed);
  expect_sound();
}

TEST_F(InventoryService, AReleasedOrderGivesItsStockBackForGood) {
  open("a", 3);
  const auto order = Uuid::v7();
  reserve(order, {{"a", 3}});
  EXPECT_TRUE(release(order));
  EXPECT_TRUE(release(order));
  EXPECT_EQ(stock("a").available_quantity, 3);
  EXPECT_EQ(code_of(reserve(order, {{"a", 3}})), "inventory.reservation_closed");
  EXPECT_EQ(code_of(complete(order)), "inventory.reservation_closed");
  EXPECT_EQ(call(&Api::get_reservation, OrderRef{order})->status, ReservationStatus::cancelled);
  expect_sound();
}

TEST_F(InventoryService, AReserveThatComesAfterItsReleaseIsRefused) {
  open("a", 3);
  const auto order = Uuid::v7();
  EXPECT_TRUE(release(order));
  EXPECT_EQ(code_of(reserve(order, {{"a", 1}})), "inventory.reservation_closed");
  EXPECT_EQ(code_of(call(&Api::get_reservation, OrderRef{order})), "inventory.reservation_not_found");
  EXPECT_EQ(code_of(complete(Uuid::v7())), "inventory.reservation_not_found");
  EXPECT_EQ(stock("a").reserved_quantity, 0);
}

TEST_F(InventoryService, AnExpiredReservationIsGivenBackAndMayBeTakenAgain) {
  open("a", 2);
  const auto order = Uuid::v7();
  reserve(order, {{"a", 2}});
  EXPECT_EQ(sweep(), 0);
  let_lapse(order);
  EXPECT_EQ(sweep(), 1);
  EXPECT_EQ(sweep(), 0);
  EXPECT_EQ(stock("a").available_quantity, 2);
  EXPECT_EQ(code_of(call(&Api::extend, ExtendReservation{order})), "inventory.reservation_closed");
  EXPECT_EQ(reserve(order, {{"a", 2}})->status, ReservationStatus::active);
  EXPECT_EQ(stock("a").available_quantity, 0);
  EXPECT_TRUE(complete(order));
  EXPECT_EQ(stock("a").quantity, 0);
  expect_sound();
}

TEST_F(InventoryService, ALapsedHoldIsSoldIfTheStockStillIsThere) {
  open("a", 2);
  const auto order = Uuid::v7();
  const auto late = Uuid::v7();
  for (const auto& id : {order, late}) {
    reserve(id, {{"a", 2}});
    let_lapse(id);
    sweep();
  }
  EXPECT_EQ(complete(order)->status, ReservationStatus::completed);
  const auto refused = complete(late);
  EXPECT_EQ(code_of(refused), "inventory.insufficient_stock");
  EXPECT_EQ(refused.error().errors.at(0).field, "items[0]");
  EXPECT_EQ(stock("a").quantity, 0);
  expect_sound();
}

TEST_F(InventoryService, AnExtendedHoldOutlivesTheSweeper) {
  open("a", 2);
  const auto order = Uuid::v7();
  const auto reserved = reserve(order, {{"a", 2}}, 60);
  const auto extended = call(&Api::extend, ExtendReservation{order, 900});
  ASSERT_TRUE(extended);
  EXPECT_GT(extended->expires_at, reserved->expires_at + std::chrono::minutes(13));
  EXPECT_EQ(call(&Api::extend, ExtendReservation{order, 1})->expires_at, extended->expires_at);
  // Lapsed, but not swept yet: the stock is still held.
  let_lapse(order);
  EXPECT_TRUE(call(&Api::extend, ExtendReservation{order, 900}));
  EXPECT_EQ(sweep(), 0);
  EXPECT_EQ(code_of(call(&Api::extend, ExtendReservation{Uuid::v7()})), "inventory.reservation_not_found");
}

TEST_F(InventoryService, RefusalsNameTheLines) {
  open("a", 1);
  open("b", 5);
  const auto refused = reserve(Uuid::v7(), {{"b", 5}, {"a", 2}});
  ASSERT_EQ(code_of(refused), "inventory.insufficient_stock");
  ASSERT_EQ(refused.error().errors.size(), 1U);
  EXPECT_EQ(refused.error().errors[0].field, "items[1]");
  EXPECT_EQ(stock("b").available_quantity, 5);
  EXPECT_EQ(code_of(reserve(Uuid::v7(), {{"nothing", 1}})), "inventory.item_not_found");
  EXPECT_EQ(code_of(reserve(Uuid::v7(), {{"a", 0}})), "request.invalid");
  EXPECT_EQ(code_of(reserve(Uuid::v7(), {})), "request.invalid");
  EXPECT_EQ(sql("SELECT count(*) FROM stock_reservations"), "0");
}

TEST_F(InventoryService, OpeningStockTwiceChangesNothing) {
  OpenStock request{.reference_id = "import-1"};
  for (int i = 0; i < 5000; ++i) {
    request.items.push_back({"p" + std::to_string(i), "SKU-" + std::to_string(i), i % 3});
  }
  EXPECT_EQ(call(&Api::open_stock, request)->created, 5000);
  EXPECT_EQ(call(&Api::open_stock, request)->created, 0);
  request.items.push_back({"new", "SKU-new", 7});
  EXPECT_EQ(call(&Api::open_stock, request)->created, 1);
  EXPECT_EQ(stock("new").quantity, 7);
  EXPECT_TRUE(stock("new").last_restocked_at);
  EXPECT_FALSE(stock("p0").last_restocked_at);
  EXPECT_EQ(sql("SELECT count(*) FROM inventory_transactions"), "3334");
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events"), "3334");
  expect_sound();
}

TEST_F(InventoryService, OpeningStockRefusesWhatCannotBe) {
  open("a", 1);
  const auto opened = [&](OpeningStock item) {
    return code_of(call(&Api::open_stock, OpenStock{.items = {std::move(item)}, .reference_id = "import"}));
  };
  EXPECT_EQ(opened({"other", "SKU-a", 1}), "inventory.sku_taken");
  EXPECT_EQ(opened({"b", "SKU-b", -1}), "inventory.quantity_out_of_range");
  EXPECT_EQ(opened({"b", "SKU-b", INT64_MAX}), "inventory.quantity_out_of_range");
  EXPECT_EQ(opened({"", "SKU-b", 1}), "request.invalid");
  EXPECT_EQ(opened({"b", "", 1}), "request.invalid");
  EXPECT_EQ(code_of(call(&Api::open_stock, OpenStock{.items = {}, .reference_id = ""})), "request.invalid");
  EXPECT_EQ(sql("SELECT count(*) FROM inventory"), "1");
}

TEST_F(InventoryService, AMovementIsMadeOnceForItsReference) {
  open("a", 10);
  const auto restocked = restock("a", 5, "delivery-1");
  ASSERT_TRUE(restocked);
  EXPECT_EQ(restocked->quantity, 15);
  EXPECT_EQ(restock("a", 5, "delivery-1")->quantity, 15);
  EXPECT_EQ(code_of(restock("a", 6, "delivery-1")), "inventory.reference_reused");
  EXPECT_EQ(adjust("a", -3, "delivery-1")->quantity, 12);  // another type is another cause
  EXPECT_EQ(code_of(adjust("a", -13, "count-2")), "inventory.would_be_negative");
  EXPECT_EQ(code_of(adjust("a", rules::max_quantity, "count-3")), "inventory.quantity_out_of_range");
  EXPECT_EQ(code_of(restock("a", -1, "delivery-2")), "inventory.quantity_out_of_range");
  EXPECT_EQ(code_of(restock("nothing", 1, "delivery-3")), "inventory.item_not_found");
  EXPECT_EQ(code_of(restock("a", 1, "")), "request.invalid");
  expect_sound();
}

TEST_F(InventoryService, AdjustingLeavesWhatIsReserved) {
  open("a", 10);
  reserve(Uuid::v7(), {{"a", 8}});
  EXPECT_EQ(code_of(adjust("a", -3, "count")), "inventory.would_be_negative");
  EXPECT_EQ(adjust("a", -2, "count")->available_quantity, 0);
  expect_sound();
}

TEST_F(InventoryService, AnIdempotencyKeyRepeatsTheReplyAndRefusesAnotherRequest) {
  open("a", 10);
  const auto first = restock("a", 5, "delivery-1", "key-1");
  ASSERT_TRUE(first);
  restock("a", 1, "delivery-2");
  EXPECT_EQ(json::write(*restock("a", 5, "delivery-1", "key-1")), json::write(*first));
  EXPECT_EQ(code_of(restock("a", 6, "delivery-1", "key-1")), "idempotency.body_mismatch");
  EXPECT_EQ(stock("a").quantity, 16);
}

TEST_F(InventoryService, ThirtyMovementsAtOnceAreAllMadeAndEachOnce) {
  open("a", 0);
  std::vector<std::future<Result<Stock>>> running;
  for (int i = 0; i < 30; ++i) {
    running.push_back(start(&Api::restock, StockMovement{"a", 1, "delivery-" + std::to_string(i % 10), {}, {}}));
  }
  for (auto& one : running) EXPECT_TRUE(one.get());
  EXPECT_EQ(stock("a").quantity, 10);
  expect_sound();
}

TEST_F(InventoryService, ReturnedGoodsAreBackOnceForEachCause) {
  open("a", 5);
  open("b", 5);
  const auto order = Uuid::v7();
  reserve(order, {{"a", 2}, {"b", 3}});
  complete(order);
  const auto give_back = [&](std::string cause) {
    return call(&Api::return_stock, ReturnStock{order, {{"b", 3}, {"a", 2}}, std::move(cause)});
  };
  EXPECT_TRUE(give_back("cancel"));
  EXPECT_TRUE(give_back("cancel"));
  EXPECT_EQ(stock("a").quantity, 5);
  EXPECT_EQ(stock("b").quantity, 5);
  EXPECT_EQ(code_of(give_back("")), "request.invalid");
  EXPECT_EQ(code_of(call(&Api::return_stock, ReturnStock{order, {{"nothing", 1}}, "cancel"})),
            "inventory.item_not_found");
  expect_sound();
}

TEST_F(InventoryService, TheLedgerIsReadPageByPageNewestFirst) {
  open("a", 1);
  open("b", 1);
  for (int i = 1; i <= 5; ++i) restock("a", i, "delivery-" + std::to_string(i));
  std::vector<std::int64_t> quantities;
  ListLedger request{.product_id = "a", .limit = 2};
  for (int page = 0; page < 3; ++page) {
    const auto ledger = call(&Api::list_ledger, request).value();
    for (const auto& entry : ledger.data) quantities.push_back(entry.quantity);
    EXPECT_EQ(ledger.has_more, page < 2);
    request.cursor = ledger.next_cursor;
  }
  EXPECT_THAT(quantities, ElementsAre(5, 4, 3, 2, 1, 1));
  EXPECT_EQ(code_of(call(&Api::list_ledger, ListLedger{.product_id = "nothing"})), "inventory.item_not_found");
  for (const auto* wrong : {"", "x", "MTIz", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OjE"}) {
    EXPECT_EQ(code_of(call(&Api::list_ledger, ListLedger{.product_id = "a", .cursor = wrong})), "request.invalid");
  }
}

TEST_F(InventoryService, OthersHearOfTheLastOneAndOfLowStock) {
  open("a", 12);
  const auto order = Uuid::v7();
  const auto other = Uuid::v7();
  reserve(order, {{"a", 12}});
  release(order);
  reserve(other, {{"a", 2}});
  complete(other);
  EXPECT_THAT(events(), ElementsAre("stock.availability_changed a", "stock.availability_changed a",
                                    "stock.availability_changed a", "stock.low a"));
}

TEST_F(InventoryService, LowStockIsToldOnceForEachCrossing) {
  open("a", 12);
  const auto move = [&](std::int64_t quantity, const std::string& reference) {
    ASSERT_TRUE(call(&Api::adjust, StockMovement{.product_id = "a", .quantity = quantity, .reference_id = reference}));
  };
  const auto told = [&] { return sql("SELECT count(*) FROM outbox_events WHERE type = 'stock.low'"); };
  move(-2, "1");  // 10, the level
  move(-2, "2");
  EXPECT_EQ(told(), "1");
  move(5, "3");  // 13
  move(-5, "4");
  EXPECT_EQ(told(), "2");
  // A level that rises above the stock is a crossing as well, one that stays there is none.
  EXPECT_EQ(call(&Api::patch_stock, PatchStock{"a", {.reorder_level = 5}}).value().reorder_level, 5);
  EXPECT_EQ(told(), "2");
  call(&Api::patch_stock, PatchStock{"a", {.reorder_level = 8}});
  call(&Api::patch_stock, PatchStock{"a", {.reorder_level = 9}});
  EXPECT_EQ(told(), "3");
  EXPECT_EQ(sql("SELECT payload ->> 'reorder_quantity' FROM outbox_events WHERE type = 'stock.low' LIMIT 1"), "50");
}

TEST_F(InventoryService, SettingsThatAreAbsentStay) {
  open("a", 100);
  const auto first = call(&Api::patch_stock, PatchStock{"a", {.reorder_quantity = 7, .warehouse_location = "B-12"}});
  EXPECT_EQ(first.value().reorder_level, 10);
  EXPECT_EQ(first.value().reorder_quantity, 7);
  EXPECT_EQ(call(&Api::patch_stock, PatchStock{"a", {}}).value().warehouse_location, "B-12");
  EXPECT_EQ(code_of(call(&Api::patch_stock, PatchStock{"nothing", {}})), "inventory.item_not_found");
}

TEST_F(InventoryService, WhatIsLowIsListedPageByPage) {
  for (const auto* id : {"a", "b", "c", "d"}) open(id, 5);
  open("many", 500);
  std::vector<std::string> low;
  ListStock request{.low_stock = true, .limit = 3};
  for (int pages = 1;; ++pages) {
    const auto page = call(&Api::list_stock, request).value();
    for (const auto& stock : page.data) low.push_back(stock.product_id);
    if (!page.has_more) {
      EXPECT_EQ(pages, 2);
      break;
    }
    request.cursor = page.next_cursor;
  }
  EXPECT_THAT(low, ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(call(&Api::list_stock, ListStock{}).value().data.size(), 5U);
  EXPECT_EQ(code_of(call(&Api::list_stock, ListStock{.cursor = "?"})), "request.invalid");
}

TEST_F(InventoryService, ManyMovementsAreEachMadeOrRefusedOnTheirOwnAndOnce) {
  open("a", 10);
  open("b", 10);
  const BulkMovement request{.lines = {{.product_id = "a", .type = MovementType::restock, .quantity = 5},
                                       {.product_id = "nothing", .type = MovementType::restock, .quantity = 5},
                                       {.product_id = "b", .type = MovementType::adjustment, .quantity = -11},
                                       {.product_id = "a", .type = MovementType::adjustment, .quantity = -1},
                                       {.product_id = "b", .type = MovementType::restock, .quantity = -1}},
                             .idempotency_key = "k"};
  for (int i = 0; i < 2; ++i) {
    const auto results = call(&Api::move_stock, request).value();
    ASSERT_EQ(results.data.size(), 5U);
    EXPECT_EQ(results.refused, 3);
    EXPECT_EQ(results.data[0].stock.value().quantity, 15);
    EXPECT_EQ(results.data[1].error.value().code, "inventory.item_not_found");
    EXPECT_EQ(results.data[2].error.value().code, "inventory.would_be_negative");
    EXPECT_EQ(results.data[3].stock.value().quantity, 14);
    EXPECT_EQ(results.data[4].error.value().code, "inventory.quantity_out_of_range");
  }
  EXPECT_EQ(stock("a").quantity, 14);
  EXPECT_EQ(stock("b").quantity, 10);
  auto other = request;
  other.lines[0].quantity = 6;
  EXPECT_EQ(call(&Api::move_stock, other).value().data[0].error.value().code, "idempotency.body_mismatch");
  EXPECT_EQ(code_of(call(&Api::move_stock, BulkMovement{.lines = {}, .idempotency_key = "k"})), "request.invalid");
  EXPECT_EQ(code_of(call(&Api::move_stock, BulkMovement{.lines = std::vector<BulkLine>(101), .idempotency_key = "k"})),
            "request.invalid");
  expect_sound();
}

TEST_F(InventoryService, TheQueriesUseTheirIndexes) {
  OpenStock request{.reference_id = "import"};
  for (int i = 0; i < 300; ++i) request.items.push_back({"p" + std::to_string(i), "SKU-" + std::to_string(i), 5});
  ASSERT_TRUE(call(&Api::open_stock, std::move(request)));
  for (int i = 0; i < 100; ++i) reserve(Uuid::v7(), {{"p" + std::to_string(i), 1}, {"p" + std::to_string(i + 1), 1}});
  sql("ANALYZE");
  const auto plan = [&](const std::string& query) {
    return sql("SET enable_seqscan = off; EXPLAIN (FORMAT JSON) " + query);
  };
  const std::string id = "'01900000-0000-7000-8000-000000000000'::uuid";
  EXPECT_THAT(plan("SELECT order_id FROM stock_reservations WHERE status = 'active' AND expires_at <= LOCALTIMESTAMP "
                   "ORDER BY expires_at LIMIT 500"),
              HasSubstr("stock_reservations_due"));
  EXPECT_THAT(plan("SELECT inventory_id FROM stock_reservations WHERE order_id = ANY (ARRAY[" + id + "])"),
              HasSubstr("Index Cond"));
  EXPECT_THAT(plan("SELECT id FROM inventory_transactions WHERE inventory_id = " + id +
                   " AND (created_at, id) < "
                   "(LOCALTIMESTAMP, " +
                   id + ") ORDER BY created_at DESC, id DESC LIMIT 21"),
              HasSubstr("inventory_transactions_page"));
}

// A sale lowers both quantities and leaves what is available as it is. While no index knows of either, PostgreSQL
// writes the new version of the row beside the old one and touches no index.
TEST_F(InventoryService, NoIndexMakesASaleDearer) {
  EXPECT_EQ(sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'inventory' "
                "AND indexdef ~ '\\m(quantity|reserved_quantity)\\M'"),
            "0");
}

}  // namespace
}  // namespace souk::inventory
