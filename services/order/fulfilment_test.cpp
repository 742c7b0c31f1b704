#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

class Shipping : public OrderTest {
 protected:
  // An order whose stock is booked.
  Order settled(std::string token) {
    auto order = bought(std::move(token));
    settle();
    return order;
  }
  Result<Order> ship(const Order& order, std::string key = "parcel",
                     std::optional<std::vector<ParcelItem>> items = std::nullopt) {
    return call(
        &Api::ship_order,
        ShipOrder{.order_id = order.id,
                  .idempotency_key = std::move(key),
                  .parcel = {.carrier = "DHL", .tracking_number = "T-1", .items = std::move(items), .notes = {}}},
        admin);
  }
  Result<Order> deliver(const Order& order) { return call(&Api::deliver_order, OrderRef{.order_id = order.id}, admin); }

  const Caller admin{.kind = Caller::Kind::admin, .user_id = Uuid::v7()};
};

TEST_F(Shipping, TakesTheMoneyThatIsHeldOnce) {
  const auto order = settled("tok_authorise");
  EXPECT_EQ(payments.money(), 0);
  const auto part = ship(order, "1", {{{order.items[0].id, 1}}});
  ASSERT_TRUE(part) << part.error().code;
  EXPECT_EQ(part->payment_status, PaymentStatus::paid);
  ASSERT_TRUE(ship(order, "2"));
  EXPECT_EQ(payments.money(), order.total.minor());
  EXPECT_EQ(disturbance.count("payment.capture"), 1);
  EXPECT_EQ(deliver(order).value().payment_status, PaymentStatus::paid);
}

TEST_F(Shipping, AsksNobodyWhereTheMoneyIsHere) {
  const auto order = settled("tok_ok");
  ASSERT_TRUE(ship(order));
  EXPECT_EQ(disturbance.count("payment.capture"), 0);
}

TEST_F(Shipping, RefusedForItsItemsTakesNoMoney) {
  const auto order = settled("tok_authorise");
  EXPECT_EQ(code_of(ship(order, "1", {{{Uuid::v7(), 1}}})), "order.unknown_item");
  EXPECT_EQ(payments.money(), 0);
}

TEST_F(Shipping, IsRefusedWhereTheGatewayHoldsNothingAnyMore) {
  const auto order = settled("tok_lapses");
  EXPECT_EQ(code_of(ship(order)), "order.capture_failed");
  EXPECT_EQ(sql("SELECT count(*) FROM shipments"), "0");
  EXPECT_EQ(sql("SELECT status || ' ' || payment_status FROM orders"), "confirmed pending");
  sql("UPDATE orders SET payment_status = 'failed'");
  EXPECT_EQ(code_of(ship(order)), "order.capture_failed");
}

TEST_F(Shipping, WaitsForAnAnswerOfTheGateway) {
  const auto order = settled("tok_authorise");
  disturbance.set_before([](const std::string& call) {
    if (call == "payment.capture") throw Unavailable("no payments");
  });
  EXPECT_THROW((void)ship(order), Unavailable) << "which is a 503";
  EXPECT_EQ(sql("SELECT count(*) FROM shipments"), "0");
  disturbance.set_before({});
  EXPECT_TRUE(ship(order));
}

TEST_F(Shipping, WithAnOlderVersionIsPaidWhenItIsDelivered) {
  const auto order = settled("tok_authorise");
  ASSERT_TRUE(ship(order));
  sql("UPDATE orders SET payment_status = 'pending'");
  EXPECT_EQ(deliver(order).value().payment_status, PaymentStatus::paid);
  EXPECT_EQ(payments.money(), order.total.minor());
}

class CrashOfAShipment : public Shipping, public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashOfAShipment, IsRepeatedWithTheSameKey) {
  const auto order = settled("tok_authorise");
  arm_failpoints(std::string(GetParam()) + ":error@1");
  EXPECT_THROW((void)ship(order), FailpointError);
  const auto again = ship(order);
  ASSERT_TRUE(again) << again.error().code;
  EXPECT_EQ(again->shipments.size(), 1u);
  EXPECT_EQ(payments.money(), order.total.minor());
  EXPECT_EQ(sql("SELECT count(*) FROM shipments"), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events WHERE type = 'order.shipped'"), "1");
}

INSTANTIATE_TEST_SUITE_P(BetweenTwoDurablePoints, CrashOfAShipment,
                         ::testing::Values("order.before_capture", "order.after_capture",
                                           "order.before_fulfilment_commit", "order.after_fulfilment_commit"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace souk::order
