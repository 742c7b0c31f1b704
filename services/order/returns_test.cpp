#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

class ReturnsTest : public OrderTest {
 protected:
  // Two of a and one of b, shipped.
  Order shipped() {
    auto order = bought();
    settle();
    const ShipOrder parcel{
        .order_id = order.id, .idempotency_key = "parcel", .parcel = {.carrier = "DHL", .tracking_number = "T"}};
    return call(&Api::ship_order, parcel, admin).value();
  }
  Result<Return> ask(const Order& order, std::vector<ParcelItem> items, std::string key = "return") {
    return call(&Api::request_return,
                RequestReturn{.order = {.order_id = order.id},
                              .idempotency_key = std::move(key),
                              .body = {.items = std::move(items), .reason = "too small"}},
                admin);
  }
  Result<Return> decide(const Return& returned, bool approve) {
    return call(&Api::decide_return, DecideReturn{.return_id = returned.id, .approve = approve}, admin);
  }
  Result<Return> receive(const Return& returned, Receipt receipt = {}) {
    return call(&Api::receive_return, ReceiveReturn{.return_id = returned.id, .receipt = std::move(receipt)}, admin);
  }
  std::vector<ParcelItem> everything(const Order& order) {
    std::vector<ParcelItem> items;
    for (const auto& item : order.items) items.push_back({item.id, item.quantity});
    return items;
  }
  std::string status() { return sql("SELECT status || ' ' || payment_status FROM orders"); }

  Task<> goodwill(Order order) {
    (void)co_await payments.refund(souk::testing::test_context(),
                                   {.order_id = order.id, .amount = Amount(1000), .cause = "admin:1"});
  }

  const Caller admin{.kind = Caller::Kind::admin, .user_id = Uuid::v7()};
};

TEST_F(ReturnsTest, InPartsGiveBackAllThatWasPaidAndEndTheOrder) {
  const auto order = shipped();
  std::vector<Uuid> ids;
  for (const auto& [item, n] : {std::pair(0, 1), {0, 2}, {1, 3}}) {
    const auto asked = ask(order, {{order.items[static_cast<std::size_t>(item)].id, 1}}, std::to_string(n)).value();
    ASSERT_TRUE(decide(asked, true));
    ASSERT_TRUE(receive(asked, {.refund_shipping = n == 1}));
    settle();
    ids.push_back(asked.id);
    EXPECT_EQ(status(), n == 3 ? "refunded refunded" : "shipped paid");
  }
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(inventory.item("b").quantity, 10);
  EXPECT_EQ(sql("SELECT sum(tax) FROM order_return_items"), sql("SELECT tax FROM orders"));
  EXPECT_EQ(sql("SELECT sum(refund) FROM order_returns"), sql("SELECT total FROM orders"));
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events WHERE type = 'order.returned'"), "3");
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events WHERE type = 'order.refunded'"), "1");
  EXPECT_EQ(call(&Api::list_order_returns, OrderRef{.order_id = order.id}, admin)->data.size(), 3u);
}

TEST_F(ReturnsTest, KeepShippingAndBrokenGoodsUnlessToldOtherwise) {
  const auto order = shipped();
  const auto asked = ask(order, everything(order)).value();
  ASSERT_TRUE(decide(asked, true));
  const auto received = receive(asked, {.items = {{{order.items[0].id, false}}}}).value();
  EXPECT_EQ(received.refund, order.total - order.shipping_cost);
  settle();
  EXPECT_EQ(status(), "shipped paid") << "the shipping was not given back";
  EXPECT_EQ(payments.money(), order.shipping_cost.minor());
  EXPECT_EQ(inventory.item("a").quantity, 8);
  EXPECT_EQ(inventory.item("b").quantity, 10);
  EXPECT_EQ(call(&Api::get_return, ReturnRef{asked.id}, admin)->status, ReturnStatus::refunded);
}

TEST_F(ReturnsTest, AreReceivedOnceHoweverOften) {
  const auto order = shipped();
  const auto asked = ask(order, everything(order)).value();
  EXPECT_EQ(ask(order, everything(order)).value().id, asked.id) << "the same key";
  EXPECT_EQ(code_of(ask(order, {{order.items[0].id, 1}})), "idempotency.body_mismatch");
  EXPECT_EQ(code_of(ask(order, {{order.items[0].id, 1}}, "other")), "return.too_many");
  EXPECT_EQ(code_of(receive(asked)), "return.illegal_status");
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(decide(asked, true));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(receive(asked, {.refund_shipping = true}));
    settle();
  }
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(code_of(decide(asked, false)), "return.illegal_status");
}

TEST_F(ReturnsTest, ThatWereRejectedMayBeAskedForAnew) {
  const auto order = shipped();
  const auto asked = ask(order, everything(order)).value();
  ASSERT_TRUE(decide(asked, false));
  EXPECT_EQ(code_of(receive(asked)), "return.illegal_status");
  EXPECT_TRUE(ask(order, everything(order), "again"));
}

TEST_F(ReturnsTest, GiveBackWhatIsLeftAfterARefundForAnotherReason) {
  const auto order = shipped();
  const auto asked = ask(order, everything(order)).value();
  ASSERT_TRUE(decide(asked, true));
  disturbance.set_before([](const std::string& call) {
    if (call == "payment.refund") throw Unavailable("no payments");
  });
  ASSERT_TRUE(receive(asked, {.refund_shipping = true}));
  settle();
  EXPECT_EQ(status(), "shipped paid");
  disturbance.set_before({});
  run(goodwill(order));
  recover();
  EXPECT_EQ(status(), "refunded refunded");
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(sql("SELECT refund FROM order_returns"), (order.total - Amount(1000)).to_string());
}

TEST_F(ReturnsTest, AreOfShippedOrdersOfTheirOwners) {
  const auto order = bought();
  EXPECT_EQ(code_of(ask(order, everything(order))), "return.not_shipped");
  sql("UPDATE orders SET status = 'shipped', payment_status = 'pending'");
  EXPECT_EQ(code_of(ask(order, everything(order))), "order.not_paid");
  const RequestReturn foreign{
      .order = {.order_id = order.id}, .idempotency_key = "k", .body = {.items = everything(order), .reason = "x"}};
  EXPECT_EQ(code_of(call(&Api::request_return, foreign, customer(Uuid::v7()))), "order.not_found");
  EXPECT_EQ(code_of(call(&Api::list_order_returns, OrderRef{.order_id = order.id})), "order.not_found");
  EXPECT_EQ(code_of(call(&Api::list_returns, ListReturns{}, customer(Uuid::v7()))), "return.not_found");
  EXPECT_EQ(code_of(call(&Api::get_return, ReturnRef{Uuid::v7()}, admin)), "return.not_found");
  EXPECT_EQ(code_of(decide(Return{.id = Uuid::v7()}, true)), "return.not_found");
}

class CrashOfAReturn : public ReturnsTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashOfAReturn, IsFinishedByRecovery) {
  const auto order = shipped();
  arm_failpoints(std::string(GetParam()) + ":error@1");
  const auto again = [](auto step) {
    try {
      return step();
    } catch (const FailpointError&) {
      return step();
    }
  };
  const auto asked = again([&] { return ask(order, everything(order)); }).value();
  ASSERT_TRUE(again([&] { return decide(asked, true); }));
  ASSERT_TRUE(again([&] { return receive(asked, {.refund_shipping = true}); }));
  settle();
  recover();
  EXPECT_EQ(status(), "refunded refunded");
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(sql("SELECT count(*) FROM order_returns"), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events WHERE type IN ('order.returned', 'order.refunded')"), "2");
}

INSTANTIATE_TEST_SUITE_P(BetweenTwoDurablePoints, CrashOfAReturn,
                         ::testing::Values("order.before_return_commit", "order.after_return_commit",
                                           "order.before_receive_commit", "order.after_receive_commit",
                                           "order.before_restock", "order.after_restock", "order.before_return_refund",
                                           "order.after_return_refund", "order.before_returned_commit",
                                           "order.after_returned_commit"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST_F(ReturnsTest, AreListedByTheirIndexes) {
  const auto order = shipped();
  sql("INSERT INTO order_returns (id, order_id, status, reason, created_at) SELECT gen_random_uuid(), id, CASE WHEN i "
      "% "
      "50 = 0 THEN 'approved' ELSE 'rejected' END, 'x', now() - i * INTERVAL '1 minute' FROM orders, "
      "generate_series(1, 20000) i");
  sql("ANALYZE order_returns");
  sql("CREATE FUNCTION souk_explain(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE "
      "'EXPLAIN ' || q; END $$");
  const auto plan = [this](const std::string& leading) {
    return sql("SELECT string_agg(line, ' ') FROM (SELECT souk_explain($q$SELECT id FROM order_returns t WHERE " +
               leading +
               "(created_at, id) < ('infinity'::timestamp, gen_random_uuid()) ORDER BY created_at DESC, id "
               "DESC LIMIT 21$q$) AS line) AS p");
  };
  EXPECT_THAT(plan(""), ::testing::HasSubstr("idx_order_returns_newest"));
  EXPECT_THAT(plan("status = 'approved' AND "), ::testing::HasSubstr("idx_order_returns_status_newest"));
}

}  // namespace
}  // namespace souk::order
