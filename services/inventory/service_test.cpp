#include "service.hpp"

#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::inventory {
namespace {

class InventoryService : public InventoryTest {};

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
  EXPECT_EQ(stock("a").quantity, 7);
  EXPECT_EQ(stock("a").reserved_quantity, 0);
  EXPECT_EQ(sql("SELECT string_agg(transaction_type || quantity, ' ' ORDER BY created_at) FROM inventory_transactions"),
            "restock10 reservation3 sale-3");
  expect_sound();
}

}  // namespace
}  // namespace souk::inventory
