#include "errors.hpp"
#include "fixture_for_test.hpp"

namespace souk::order {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Recoveries : public OrderTest {
 protected:
  // A checkout that dies at the failpoint; what it answered, if it came so far.
  std::optional<Result<CheckoutResult>> crash(const std::string& failpoint, const std::string& cart,
                                              const std::string& token = "tok_ok") {
    arm_failpoints(failpoint + ":error@1");
    try {
      return buy(cart, token);
    } catch (const FailpointError&) {
      return std::nullopt;
    }
  }

  void expect_one_order(const std::string& cart) {
    EXPECT_EQ(sql("SELECT count(*) || ' ' || count(DISTINCT id) FROM orders"), "1 1");
    EXPECT_EQ(sql("SELECT count(*) FROM order_items"), "2");
    EXPECT_EQ(sql("SELECT count(*) FROM order_status_history"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM outbox_events"), "1");
    EXPECT_EQ(payments.money(), 5379);
    EXPECT_EQ(inventory.item("a").quantity, 8);
    EXPECT_EQ(inventory.item("a").reserved, 0);
    EXPECT_EQ(carts.lines_in(cart), 0u);
    EXPECT_EQ(state(), "completed");
  }
  void expect_nothing_kept() {
    EXPECT_EQ(sql("SELECT count(*) FROM orders"), "0");
    EXPECT_EQ(payments.money(), 0);
    EXPECT_EQ(inventory.item("a").quantity, 10);
    EXPECT_EQ(inventory.item("a").reserved, 0);
  }
};

class CrashOfACheckout : public Recoveries, public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashOfACheckout, IsFinishedByRecoveryAndToldByTheKey) {
  const auto cart = usual_cart();
  crash(GetParam(), cart);
  settle();
  recover();
  const auto again = buy(cart);
  settle();
  ASSERT_TRUE(again) << again.error().code;
  ASSERT_TRUE(again->order);
  expect_one_order(cart);
}

TEST_P(CrashOfACheckout, IsFinishedByTheRepeatedRequest) {
  const auto cart = usual_cart();
  crash(GetParam(), cart);
  settle();
  sql("UPDATE checkout_sagas SET lease_until = now() WHERE finished_at IS NULL");
  const auto again = buy(cart);
  settle();
  ASSERT_TRUE(again) << again.error().code;
  recover();
  expect_one_order(cart);
}

INSTANTIATE_TEST_SUITE_P(BetweenTwoDurablePoints, CrashOfACheckout,
                         ::testing::Values("order.before_intent_commit", "order.after_intent_commit",
                                           "order.before_reserve", "order.after_reserve", "order.before_charge",
                                           "order.after_charge", "order.before_pivot_commit",
                                           "order.after_pivot_commit", "order.before_finish_cart",
                                           "order.after_finish_cart", "order.before_complete", "order.after_complete",
                                           "order.before_completed_commit", "order.after_completed_commit"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST_F(Recoveries, ACaptureThatCameBeforeTheOrderIsWrittenOnIt) {
  const auto cart = usual_cart();
  crash("order.before_completed_commit", cart, "tok_authorise");
  settle();
  EXPECT_EQ(sql("SELECT payment_status FROM orders"), "pending");
  payments.capture_quietly(payments.last()->order_id);
  recover();
  EXPECT_EQ(sql("SELECT payment_status FROM orders"), "paid");
  expect_one_order(cart);
}

TEST_F(Recoveries, WhatBecomesOfThePaymentLaterIsWrittenOnTheOrder) {
  bought("tok_authorise");
  settle();
  const auto id = payments.last()->order_id;
  TaskGroup group(runtime.executor(0));
  service->start(group);
  const auto wait_for = [&](const std::string& query, const std::string& wanted) {
    for (int i = 0; i < 400 && sql(query) != wanted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(sql(query), wanted);
  };
  const std::string status = "SELECT payment_status FROM orders";
  payments.approve(id);
  wait_for(status, "paid");
  payments.give_all_back(id);
  wait_for(status, "refunded");
  payments.approve(id);  // told late: what is refunded stays it
  wait_for("SELECT cursor FROM event_cursors WHERE consumer = 'order.payments'", "3");
  EXPECT_EQ(sql(status), "refunded");
  group.stop();
  run(group.drain());
}

class CrashOfARefusal : public Recoveries, public ::testing::WithParamInterface<const char*> {};

TEST_P(CrashOfARefusal, KeepsNothingAndIsToldByTheKey) {
  const auto cart = usual_cart();
  crash(GetParam(), cart, "tok_decline");
  recover();
  EXPECT_EQ(code_of(buy(cart, "tok_decline")), "payment.declined");
  expect_nothing_kept();
  EXPECT_EQ(state(), "compensated");
}

INSTANTIATE_TEST_SUITE_P(BetweenTwoDurablePoints, CrashOfARefusal,
                         ::testing::Values("order.after_charge", "order.before_release", "order.after_release",
                                           "order.before_refusal_commit", "order.after_refusal_commit"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST_F(Recoveries, ACrashedCheckoutIsNotTakenFromAWorkerThatMayLive) {
  const auto cart = usual_cart();
  crash("order.after_reserve", cart);
  const auto again = buy(cart);
  EXPECT_EQ(code_of(again), "checkout.in_progress");
  EXPECT_EQ(again.error().retry_after_s, 1);
  EXPECT_EQ(run(recover_on(*service)), 0u) << "its lease has not run out";
}

TEST_F(Recoveries, AnIntentTooOldToChargeIsUndone) {
  const auto cart = usual_cart();
  crash("order.after_reserve", cart);
  age_checkouts(16);
  EXPECT_EQ(recover(), 1u);
  EXPECT_EQ(code_of(buy(cart)), "checkout.expired");
  expect_nothing_kept();
  EXPECT_EQ(payments.last()->status, payment::PaymentStatus::cancelled) << "it can never be charged";
}

TEST_F(Recoveries, MoneyThatWasTakenBuysTheOrderHoweverLate) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart);
  age_checkouts(600);
  recover();
  EXPECT_TRUE(buy(cart));
  expect_one_order(cart);
}

TEST_F(Recoveries, ALapsedHoldIsReservedAgainBeforeThePivot) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart);
  inventory.expire_all();
  recover();
  EXPECT_TRUE(buy(cart));
  expect_one_order(cart);
}

TEST_F(Recoveries, ALostHoldIsRefunded) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart);
  inventory.expire_all();
  inventory.stock("a", 0);
  EXPECT_EQ(payments.money(), 5379);
  recover();
  EXPECT_EQ(code_of(buy(cart)), "inventory.insufficient_stock");
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "0");
  EXPECT_EQ(inventory.item("b").reserved, 0);
}

// A worker who is held up before it gives the money back must not do so after another has made an order of it.
TEST_F(Recoveries, WhatIsUndoneIsWrittenBeforeTheMoneyGoesBack) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart);
  inventory.expire_all();
  inventory.stock("a", 0);
  std::string written;
  disturbance.set_before([&](const std::string& call) {
    if (call == "payment.refund") written = sql("SELECT refusal ->> 'code' FROM checkout_sagas");
  });
  recover();
  EXPECT_EQ(written, "inventory.insufficient_stock");
}

TEST_F(Recoveries, WhatIsBeingUndoneIsNotBoughtByTheNextWorker) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart);
  inventory.expire_all();
  inventory.stock("a", 0);
  arm_failpoints("order.after_undoing_commit:error@1");
  recover();
  inventory.stock("a", 10);  // too late
  recover();
  EXPECT_EQ(code_of(buy(cart)), "inventory.insufficient_stock");
  expect_nothing_kept();
}

TEST_F(Recoveries, AHoldLostAfterThePivotCancelsTheOrderAndRefundsIt) {
  const auto cart = usual_cart();
  crash("order.after_pivot_commit", cart);
  inventory.expire_all();
  inventory.stock("a", 0);
  recover();
  recover();
  EXPECT_EQ(sql("SELECT status || ' ' || payment_status FROM orders"), "cancelled refunded");
  EXPECT_EQ(payments.money(), 0);
  EXPECT_EQ(state(), "completed");
  EXPECT_EQ(sql("SELECT string_agg(type, ',' ORDER BY sequence) FROM outbox_events"),
            "order.confirmed,order.cancelled");
  // Nor is it sold later, by a worker who was held up, when there is stock again.
  inventory.stock("a", 10);
  const auto order = Uuid::parse(sql("SELECT id FROM orders")).value();
  EXPECT_EQ(code_of(run(inventory.complete(souk::testing::test_context(), {.order_id = order}))),
            "inventory.reservation_closed");
}

TEST_F(Recoveries, APaymentWhoseAnswerWasLostIsAskedForAndNotRepeated) {
  const auto result = buy(usual_cart(), "tok_silent");
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_TRUE(result->order);
  EXPECT_EQ(disturbance.count("payment.charge"), 1);
  EXPECT_GE(disturbance.count("payment.resolve"), 1);
}

TEST_F(Recoveries, AChargeThatNeverArrivedIsMadeAgain) {
  const auto cart = usual_cart();
  crash("order.after_charge", cart, "tok_lost");
  settle();
  recover();
  const auto again = buy(cart, "tok_lost");
  settle();
  ASSERT_TRUE(again) << again.error().code;
  ASSERT_TRUE(again->order);
  EXPECT_EQ(disturbance.count("payment.charge"), 2);
  expect_one_order(cart);
}

TEST_F(Recoveries, AChargeThatDidNotAnswerIsLookedUpBeforeAnythingIsUndone) {
  disturbance.set_after([](const std::string& call) {
    if (call == "payment.charge") throw UnknownOutcome("connection lost");
  });
  const auto cart = usual_cart();
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code;
  settle();
  expect_one_order(cart);
}

TEST_F(Recoveries, AnOutcomeThatStaysUnknownIsProcessingAndThenWhatTheGatewaySays) {
  const auto cart = usual_cart();
  const auto result = buy(cart, "tok_mute");
  ASSERT_TRUE(result) << result.error().code;
  ASSERT_TRUE(result->checkout);
  EXPECT_EQ(result->checkout->status, CheckoutStatus::processing);
  EXPECT_TRUE(result->checkout->access_token);
  EXPECT_EQ(inventory.item("a").reserved, 2) << "nothing is undone while the money is in doubt";
  recover();
  EXPECT_EQ(state(), "running");
  const OrderRef ref{.order_id = result->checkout->id, .access_token = result->checkout->access_token};
  EXPECT_EQ(call(&Api::get_checkout, ref)->status, CheckoutStatus::processing);
  EXPECT_EQ(code_of(call(&Api::get_order, ref)), "order.not_found");
  payments.answer();
  recover();
  const auto checkout = call(&Api::get_checkout, ref);
  EXPECT_EQ(checkout->status, CheckoutStatus::declined);
  EXPECT_EQ(checkout->failure_code, "payment.declined");
  EXPECT_EQ(code_of(buy(cart, "tok_mute")), "payment.declined");
  expect_nothing_kept();
}

TEST_F(Recoveries, InventoryThatIsGoneMakesTheCheckoutWait) {
  disturbance.set_before([](const std::string& call) {
    if (call.starts_with("inventory.")) throw Unavailable("no inventory");
  });
  const auto cart = usual_cart();
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_EQ(result->checkout.value().status, CheckoutStatus::processing);
  EXPECT_EQ(payments.money(), 0);
  disturbance.set_before({});
  recover();
  EXPECT_TRUE(buy(cart)->order);
  expect_one_order(cart);
}

TEST_F(Recoveries, ALostAnswerOfTheInventoryReservesOnce) {
  int lost = 2;
  disturbance.set_after([&lost](const std::string& call) {
    if (call == "inventory.reserve" && lost-- > 0) throw UnknownOutcome("connection lost");
  });
  const auto cart = usual_cart();
  ASSERT_TRUE(buy(cart));
  settle();
  expect_one_order(cart);
}

// Recovery looks at the waiting checkout when its customer comes back.
TEST_F(Recoveries, ACustomerWhoReturnsWaitsForTheWorkerThatHasTheLease) {
  const auto result = buy(usual_cart(), "tok_action");
  const OrderRef ref{.order_id = result->checkout.value().id, .access_token = result->checkout->access_token};
  sql("UPDATE checkout_sagas SET lease_until = now() + interval '300 milliseconds'");
  payments.approve(ref.order_id);
  const auto back = call(&Api::resume_checkout, ref);
  ASSERT_TRUE(back) << back.error().code;
  EXPECT_TRUE(back->order);
}

// Stopped in the middle of its charge until another worker has taken over.
TEST_F(Recoveries, AStaleWorkerWritesNothingAndTellsWhatTheOtherWrote) {
  payments.block_charges(true);
  const auto cart = usual_cart();
  std::optional<Result<CheckoutResult>> slow;
  std::thread first([&] { slow = buy(cart); });
  while (disturbance.count("payment.charge") == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  sql("UPDATE checkout_sagas SET lease_until = now(), next_check_at = now()");
  std::thread second([&] { recover(); });
  while (disturbance.count("payment.charge") < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  payments.block_charges(false);
  first.join();
  second.join();
  settle();
  ASSERT_TRUE(slow.value()) << slow->error().code;
  expect_one_order(cart);
  EXPECT_EQ(sql("SELECT step_version FROM checkout_sagas"), "2");
  EXPECT_EQ(json::write(slow->value()), json::write(buy(cart).value()));
}

// The other worker finds no payment in time and undoes; the charge that comes late is refused.
TEST_F(Recoveries, WhoLostTheLeaseWritesNothing) {
  crash("order.after_charge", usual_cart());
  sql("UPDATE checkout_sagas SET lease_until = now()");
  SagaRepository sagas(*pool, std::chrono::seconds(30));
  const auto context = souk::testing::test_context();
  const auto id = Uuid::parse(sql("SELECT id FROM checkout_sagas")).value();
  const auto mine = run(sagas.take(context, id)).value();
  const auto step = Step{id, mine.step_version - 1};
  const std::vector<OrderToWrite> orders{{.id = id, .step_version = step.step_version, .details = mine.details}};
  EXPECT_FALSE(run(sagas.write_orders(context, orders)).front().confirmed_at);
  const std::vector<RefusalToWrite> refusals{{id, step.step_version, errors::expired()}};
  EXPECT_FALSE(run(sagas.write_refusals(context, refusals)).front().written);
  EXPECT_FALSE(run(sagas.write_undoing(context, step, errors::expired())));
  EXPECT_FALSE(run(sagas.park(context, step, std::nullopt, std::chrono::seconds(1))));
  EXPECT_FALSE(run(sagas.hand_over(context, step, std::chrono::seconds(1))));
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "0");
  EXPECT_EQ(state(), "running");
}

TEST_F(Recoveries, AStaleWorkersChargeComesTooLateForAnUndoneCheckout) {
  payments.block_charges(true);
  const auto cart = usual_cart();
  std::optional<Result<CheckoutResult>> slow;
  std::thread first([&] { slow = buy(cart); });
  while (disturbance.count("payment.charge") == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  age_checkouts(20);
  recover();
  payments.block_charges(false);
  first.join();
  EXPECT_EQ(code_of(slow.value()), "checkout.expired");
  expect_nothing_kept();
  EXPECT_EQ(state(), "compensated");
}

TEST_F(Recoveries, TwoRecoveringWorkersShareTheWork) {
  for (int i = 0; i < 8; ++i) {
    arm_failpoints("order.after_reserve:error@1");
    EXPECT_THROW(buy(cart_with({{"i", "a", std::nullopt, 1}}), "tok_ok", "key" + std::to_string(i)), FailpointError);
  }
  sql("UPDATE checkout_sagas SET lease_until = now(), next_check_at = now()");
  Service other(runtime, *pool, carts, catalog, inventory, payments, users, options());
  std::size_t mine = 0;
  std::size_t theirs = 0;
  std::thread one([&] { mine = run(recover_on(*service), 0); });
  std::thread two([&] { theirs = run(recover_on(other), 1); });
  one.join();
  two.join();
  EXPECT_EQ(mine + theirs, 8u);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "8");
  EXPECT_EQ(disturbance.count("payment.charge"), 8);
  EXPECT_EQ(inventory.item("a").quantity, 2);
}

// --- the customer must act

class Waiting : public Recoveries {
 protected:
  Checkout wait_for_customer() {
    cart = usual_cart();
    const auto result = buy(cart, "tok_action");
    EXPECT_TRUE(result) << result.error().code;
    ref = {.order_id = result->checkout.value().id, .access_token = result->checkout->access_token};
    return *result->checkout;
  }
  std::string cart;
  OrderRef ref;
};

TEST_F(Waiting, IsToldWhatTheCustomerMustDo) {
  const auto checkout = wait_for_customer();
  EXPECT_EQ(checkout.status, CheckoutStatus::requires_action);
  EXPECT_EQ(checkout.next_action.value().url, "https://bank.example/");
  EXPECT_EQ(state(), "waiting");
  const auto again = buy(cart, "tok_action");
  ASSERT_TRUE(again);
  EXPECT_EQ(json::write(again->checkout.value()), json::write(checkout)) << "the key tells the same";
  EXPECT_EQ(code_of(buy(cart, "tok_ok", "another key")), "checkout.cart_in_checkout");
}

TEST_F(Waiting, GoesOnWhenTheCustomerComesBack) {
  wait_for_customer();
  EXPECT_EQ(call(&Api::resume_checkout, ref)->checkout.value().status, CheckoutStatus::requires_action);
  payments.approve(ref.order_id);
  const auto result = call(&Api::resume_checkout, ref);
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_EQ(result->order.value().status, OrderStatus::confirmed);
  settle();
  expect_one_order(cart);
  EXPECT_EQ(json::write(buy(cart, "tok_action").value()), json::write(*result));
}

TEST_F(Waiting, EndsWhenTheCustomerRefuses) {
  wait_for_customer();
  payments.reject(ref.order_id);
  EXPECT_EQ(code_of(call(&Api::resume_checkout, ref)), "payment.declined");
  expect_nothing_kept();
  EXPECT_TRUE(buy(cart, "tok_ok", "another key"));
}

TEST_F(Waiting, IsLookedAtAndItsHoldKept) {
  wait_for_customer();
  const auto before = disturbance.count("inventory.extend");
  EXPECT_EQ(recover(), 1u);
  EXPECT_EQ(disturbance.count("inventory.extend"), before + 1);
  EXPECT_EQ(state(), "waiting");
}

TEST_F(Waiting, EndsAfterHalfAnHour) {
  wait_for_customer();
  age_checkouts(31);
  recover();
  EXPECT_EQ(call(&Api::get_checkout, ref)->status, CheckoutStatus::cancelled);
  EXPECT_EQ(code_of(buy(cart, "tok_action")), "checkout.expired");
  expect_nothing_kept();
}

TEST_F(Waiting, IsHiddenFromOthers) {
  wait_for_customer();
  EXPECT_EQ(code_of(call(&Api::get_checkout, OrderRef{.order_id = ref.order_id})), "checkout.not_found");
  EXPECT_EQ(code_of(call(&Api::get_checkout, OrderRef{.order_id = ref.order_id, .access_token = "wrong"})),
            "checkout.not_found");
  EXPECT_EQ(code_of(call(&Api::resume_checkout, OrderRef{.order_id = ref.order_id}, customer(Uuid::v7()))),
            "checkout.not_found");
}

TEST_F(Waiting, GoesOnWhenThePaymentServiceTells) {
  wait_for_customer();
  TaskGroup group(runtime.executor(0));
  service->start(group);
  payments.approve(ref.order_id);
  for (int i = 0; i < 400 && state() != "completed"; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  group.stop();
  run(group.drain());
  expect_one_order(cart);
}

TEST_F(Waiting, MoneyThatComesAfterTheEndIsGivenBack) {
  wait_for_customer();
  age_checkouts(31);
  recover();
  payments.approve(ref.order_id);
  EXPECT_EQ(payments.money(), 5379);
  TaskGroup group(runtime.executor(0));
  service->start(group);
  for (int i = 0; i < 400 && payments.money() != 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  group.stop();
  run(group.drain());
  expect_nothing_kept();
}

}  // namespace
}  // namespace souk::order
