#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class Orders : public OrderTest {
 protected:
  OrderRef ref_of(const Order& order) { return {.order_id = order.id, .access_token = order.access_token}; }
  Order order_for(Caller caller) {
    static int count = 0;
    auto result =
        buy(cart_with({{"i", "a", std::nullopt, 1}}), "tok_ok", "key" + std::to_string(++count), std::move(caller));
    return result.value().order.value();
  }
};

TEST_F(Orders, AreSeenByTheirOwnersOnly) {
  const auto anna = customer(Uuid::v7());
  const auto order = order_for(anna);
  const OrderRef ref{.order_id = order.id};
  EXPECT_TRUE(call(&Api::get_order, ref, anna));
  EXPECT_TRUE(call(&Api::get_order, ref, Caller{.kind = Caller::Kind::admin, .user_id = Uuid::v7()}));
  EXPECT_TRUE(call(&Api::get_order, ref, Caller{.kind = Caller::Kind::service, .name = "notification"}));
  EXPECT_EQ(code_of(call(&Api::get_order, ref, customer(Uuid::v7()))), "order.not_found");
  EXPECT_EQ(code_of(call(&Api::get_order, ref)), "order.not_found");
  EXPECT_EQ(code_of(call(&Api::get_order, OrderRef{.order_id = Uuid::v7()}, anna)), "order.not_found");
}

TEST_F(Orders, OfGuestsOpenWithTheirToken) {
  const auto order = bought();
  const auto other = bought();
  EXPECT_GE(order.access_token.value().size(), 22u);
  EXPECT_TRUE(call(&Api::get_order, ref_of(order)));
  EXPECT_EQ(code_of(call(&Api::get_order, OrderRef{.order_id = order.id, .access_token = "x"})), "order.not_found");
  EXPECT_EQ(code_of(call(&Api::get_order, OrderRef{.order_id = order.id, .access_token = other.access_token})),
            other.id == order.id ? "" : "order.not_found");
}

TEST_F(Orders, AreListedNewestFirstPageByPage) {
  const auto anna = customer(Uuid::v7());
  std::vector<Uuid> made;
  for (int i = 0; i < 5; ++i) made.push_back(order_for(anna).id);
  order_for(customer(Uuid::v7()));
  std::vector<Uuid> seen;
  ListOrders list{.user_id = *anna.user_id, .limit = 2};
  for (;;) {
    const auto page = call(&Api::list_orders, list, anna);
    ASSERT_TRUE(page);
    for (const auto& order : page->data) seen.push_back(order.id);
    EXPECT_EQ(page->has_more, page->next_cursor.has_value());
    if (!page->has_more) break;
    list.cursor = *page->next_cursor;
  }
  std::ranges::reverse(made);
  EXPECT_EQ(seen, made);
  list.cursor = "nonsense";
  EXPECT_EQ(code_of(call(&Api::list_orders, list, anna)), "request.invalid_cursor");
  EXPECT_EQ(code_of(call(&Api::list_orders, list, customer(Uuid::v7()))), "order.not_found");
}

TEST_F(Orders, TellWhetherACustomerBoughtAProduct) {
  const auto anna = customer(Uuid::v7());
  const auto order = order_for(anna);
  const auto asked = [&](Uuid user, std::string product) {
    return call(&Api::has_purchased, HasPurchased{.user_id = user, .product_id = std::move(product)}).value().order_id;
  };
  EXPECT_EQ(asked(*anna.user_id, "a"), order.id);
  EXPECT_EQ(asked(*anna.user_id, "b"), std::nullopt);
  EXPECT_EQ(asked(Uuid::v7(), "a"), std::nullopt);
  call(&Api::cancel_order, OrderRef{.order_id = order.id}, anna).value();
  EXPECT_EQ(asked(*anna.user_id, "a"), std::nullopt);
}

TEST_F(Orders, TheirEventsAreRead) {
  const auto order = bought();
  const auto page = call(&Api::events, events::ReadEvents{.wait_ms = 3000});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].type, "order.confirmed");
  const auto event = json::read_trusted<OrderEvent>(page->events[0].payload.text);
  EXPECT_EQ(event.order_number, order.order_number);
  EXPECT_EQ(event.email, "ada@example.com");
}

// --- cancelling

class Cancellation : public Orders {};

TEST_F(Cancellation, GivesStockAndMoneyBackOnce) {
  const auto order = bought();
  settle();
  for (int i = 0; i < 3; ++i) {
    const auto cancelled = call(&Api::cancel_order, ref_of(order));
    ASSERT_TRUE(cancelled) << cancelled.error().code;
    EXPECT_EQ(cancelled->status, OrderStatus::cancelled);
    EXPECT_TRUE(cancelled->cancelled_at);
    EXPECT_EQ(cancelled->status_history.size(), 2u);
    settle();
  }
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(disturbance.count("payment.refund"), 1);
  EXPECT_EQ(sql("SELECT payment_status FROM orders"), "refunded");
  EXPECT_EQ(sql("SELECT string_agg(status, ',' ORDER BY created_at) FROM order_status_history"), "confirmed,cancelled");
  EXPECT_EQ(sql("SELECT string_agg(type, ',' ORDER BY sequence) FROM outbox_events"),
            "order.confirmed,order.cancelled");
  EXPECT_EQ(sql("SELECT finished_at IS NOT NULL FROM cancellation_sagas"), "t");
}

TEST_F(Cancellation, OfCashOnDeliveryGivesTheStockBack) {
  auto wanted = body();
  wanted.payment = {.method = payment::Method::cod};
  const auto order = call(&Api::checkout, request(usual_cart(), "key", wanted)).value().order.value();
  ASSERT_TRUE(call(&Api::cancel_order, ref_of(order)));
  settle();
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(payments.find(order.id)->status, payment::PaymentStatus::cancelled);
  EXPECT_EQ(sql("SELECT payment_status FROM orders"), "pending");
}

TEST_F(Cancellation, BeforeTheSaleIsBookedCrossesWithNothing) {
  disturbance.set_before([](const std::string& call) {
    if (call == "inventory.complete") throw Unavailable("no inventory");
  });
  const auto order = bought();
  ASSERT_TRUE(call(&Api::cancel_order, ref_of(order)));
  settle();
  disturbance.set_before({});
  recover();
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(inventory.item("a").reserved, 0);
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(state(), "completed");
}

TEST_F(Cancellation, IsRefusedOnceShipped) {
  const auto order = bought();
  sql("UPDATE orders SET status = 'shipped'");
  EXPECT_EQ(code_of(call(&Api::cancel_order, ref_of(order))), "order.already_shipped");
  sql("UPDATE orders SET status = 'refunded'");
  EXPECT_EQ(code_of(call(&Api::cancel_order, ref_of(order))), "order.already_refunded");
  EXPECT_EQ(code_of(call(&Api::cancel_order, OrderRef{.order_id = order.id})), "order.not_found");
}

class CrashOfACancellation : public Orders, public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashOfACancellation, IsFinishedByRecovery) {
  const auto order = bought();
  settle();
  arm_failpoints(std::string(GetParam()) + ":error@1");
  try {
    (void)call(&Api::cancel_order, ref_of(order));
  } catch (const FailpointError&) {
  }
  settle();
  ASSERT_TRUE(call(&Api::cancel_order, ref_of(order)));
  settle();
  recover();
  EXPECT_EQ(sql("SELECT status || ' ' || payment_status FROM orders"), "cancelled refunded");
  EXPECT_EQ(inventory.item("a").quantity, 10);
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events WHERE type = 'order.cancelled'"), "1");
}

INSTANTIATE_TEST_SUITE_P(BetweenTwoDurablePoints, CrashOfACancellation,
                         ::testing::Values("order.before_cancel_commit", "order.after_cancel_commit",
                                           "order.before_return_stock", "order.after_return_stock",
                                           "order.before_cancel_refund", "order.after_cancel_refund",
                                           "order.before_cancelled_commit", "order.after_cancelled_commit"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// --- the database

TEST_F(Orders, ListsAreServedByTheirIndexes) {
  sql("INSERT INTO orders (order_number, user_id, subtotal, tax, shipping_cost, total, shipping_address_id, "
      "billing_address_id, created_at) SELECT 'n' || i, md5((i % 500)::text)::uuid, 1, 0, 0, 1, gen_random_uuid(), "
      "gen_random_uuid(), now() - i * INTERVAL '1 minute' FROM generate_series(1, 20000) i");
  sql("ANALYZE orders");
  const auto plan = [this](const std::string& query) {
    return sql("SELECT string_agg(line, ' ') FROM (SELECT souk_explain($q$" + query + "$q$) AS line) AS p");
  };
  sql("CREATE FUNCTION souk_explain(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE "
      "'EXPLAIN ' || q; END $$");
  const auto first = plan(
      "SELECT id FROM orders WHERE user_id = md5('7')::uuid ORDER BY created_at DESC, id DESC "
      "LIMIT 21");
  EXPECT_THAT(first, HasSubstr("idx_orders_user_newest"));
  EXPECT_THAT(first, Not(HasSubstr("Sort")));
  const auto next = plan(
      "SELECT id FROM orders WHERE user_id = md5('7')::uuid AND (created_at, id) < (now()::timestamp, "
      "gen_random_uuid()) ORDER BY created_at DESC, id DESC LIMIT 21");
  EXPECT_THAT(next, HasSubstr("idx_orders_user_newest"));
  EXPECT_THAT(next, Not(HasSubstr("Sort")));
}

TEST_F(Orders, TheAdministratorsListIsServedByItsIndexes) {
  sql("INSERT INTO orders (order_number, user_id, email, status, payment_status, subtotal, tax, shipping_cost, total, "
      "shipping_address_id, billing_address_id, created_at) SELECT 'n' || i, gen_random_uuid(), 'c' || i % 5000 || "
      "'@example.com', CASE WHEN i % 5 = 0 THEN 'processing' ELSE 'delivered' END, CASE WHEN i % 5 = 1 THEN "
      "'pending' ELSE 'paid' END, 1, 0, 0, 1, gen_random_uuid(), gen_random_uuid(), now() - i * INTERVAL '1 minute' "
      "FROM generate_series(1, 20000) i");
  sql("ANALYZE orders");
  sql("CREATE FUNCTION souk_explain(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE "
      "'EXPLAIN ' || q; END $$");
  const auto plan = [this](const std::string& leading) {
    return sql("SELECT string_agg(line, ' ') FROM (SELECT souk_explain($q$SELECT id FROM orders o WHERE " + leading +
               "(o.created_at, o.id) < ('infinity'::timestamp, gen_random_uuid()) AND o.created_at >= "
               "'-infinity'::timestamp ORDER BY o.created_at DESC, o.id DESC LIMIT 21$q$) AS line) AS p");
  };
  const std::vector<std::pair<std::string, std::string>> indexes{
      {"", "idx_orders_newest"},
      {"o.status = 'processing' AND ", "idx_orders_status_newest"},
      {"o.payment_status = 'pending' AND ", "idx_orders_payment_newest"},
      {"o.email IS NOT NULL AND lower(o.email) = lower('C7@example.com') AND ", "idx_orders_email_newest"}};
  for (const auto& [leading, index] : indexes) {
    EXPECT_THAT(plan(leading), HasSubstr(index));
    EXPECT_THAT(plan(leading), Not(HasSubstr("Sort")));
  }
  EXPECT_THAT(plan("o.order_number = 'n7' AND "), HasSubstr("order_number"));
}

TEST_F(Orders, TheRecoveryFindsWhatIsDueByAnIndex) {
  sql("INSERT INTO checkout_sagas (id, state, lease_until, next_check_at, scope, idempotency_key, user_id, cart_key, "
      "cart_version, details, finished_at) SELECT gen_random_uuid(), 'completed', now(), now(), 's', 'k', "
      "gen_random_uuid(), 'cart:' || i, 1, '{}', now() FROM generate_series(1, 20000) i");
  sql("ANALYZE checkout_sagas");
  sql("CREATE FUNCTION souk_explain(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE "
      "'EXPLAIN ' || q; END $$");
  const auto plan = sql(
      "SELECT string_agg(line, ' ') FROM (SELECT souk_explain('SELECT id FROM checkout_sagas WHERE finished_at IS NULL "
      "AND next_check_at <= now() AND lease_until <= now() ORDER BY next_check_at LIMIT 32 FOR UPDATE SKIP LOCKED') "
      "AS line) AS p");
  EXPECT_THAT(plan, HasSubstr("checkout_sagas_due"));
}

TEST_F(Orders, TheDatabaseRefusesTotalsThatDoNotAddUp) {
  bought();
  EXPECT_ANY_THROW(sql("UPDATE orders SET total = total + 1"));
  EXPECT_ANY_THROW(sql("UPDATE orders SET discount = -1, total = total + 1"));
}

}  // namespace
}  // namespace souk::order
