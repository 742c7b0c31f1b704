#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::notification {
namespace {

using ::testing::HasSubstr;

TEST_F(Notifications, AConfirmedOrderBecomesOneMailHoweverOftenItIsTold) {
  const auto bought = order();
  handle({event("order.confirmed", bought), event("order.confirmed", bought)});
  handle({event("order.confirmed", bought), event("order.shipped", bought), event("order.pending", bought)});
  const auto all = list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].kind, "order.confirmed");
  EXPECT_EQ(all[1].subject_id, bought.order_id.to_string());
  EXPECT_EQ(all[1].recipient, "guest@example.com");
  EXPECT_EQ(all[1].status, MessageStatus::pending);
  EXPECT_THAT(all[1].message_id, HasSubstr("@example.com"));
  EXPECT_EQ(all[0].kind, "order.shipped");
}

TEST_F(Notifications, TheCursorMovesWithTheRowsOrNotAtAll) {
  handle({event("order.confirmed", order())});
  auto stale = page({event("order.confirmed", order())});
  stale.after = "elsewhere";
  EXPECT_THROW(runtime_.block_on(service_->handle_orders(souk::testing::test_context(), stale)), events::StaleCursor);
  EXPECT_EQ(list().size(), 1U);
  EXPECT_EQ(sql("SELECT cursor FROM event_cursors"), "1");
}

TEST_F(Notifications, ACustomerIsReachedAtTheAddressOfTheAccount) {
  handle({event("order.confirmed", order(std::nullopt))});
  EXPECT_EQ(list().at(0).recipient, "anna@example.com");
}

TEST_F(Notifications, AMailOfAShippedOrderNamesItsParcels) {
  const auto bought = order();
  orders_.shipped.id = bought.order_id;
  orders_.shipped.shipments = {{.carrier = "DHL", .tracking_number = "T-1"},
                               {.carrier = "<UPS>", .tracking_number = "T-2"}};
  handle({event("order.shipped", bought)});
  deliver();
  EXPECT_THAT(taken_->at(0).text, HasSubstr("It comes in 2 parcels: DHL T-1 and <UPS> T-2."));
  EXPECT_THAT(taken_->at(0).html, HasSubstr("<p>It comes in 2 parcels: DHL T-1 and &lt;UPS&gt; T-2.</p>"));
}

TEST_F(Notifications, SomebodyWhoCannotBeReachedHoldsNobodyUp) {
  auto unknown = order(std::nullopt);
  unknown.user_id = Uuid::v7();
  handle({event("order.confirmed", unknown), event("order.confirmed", order())});
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(Notifications, WhileUsersCannotBeAskedNothingIsPassedOver) {
  users_.gone = true;
  EXPECT_THROW(handle({event("order.confirmed", order(std::nullopt))}), Unavailable);
  EXPECT_EQ(sql("SELECT count(*) FROM event_cursors"), "0");
}

TEST_F(Notifications, AMailIsHandedOverOnceAndThenSent) {
  handle({event("order.confirmed", order())});
  EXPECT_EQ(deliver(), 1U);
  EXPECT_EQ(deliver(), 0U);
  ASSERT_EQ(taken_->size(), 1U);
  const auto sent = list().at(0);
  EXPECT_EQ(sent.status, MessageStatus::sent);
  EXPECT_EQ(sent.handed_to, "fake");
  EXPECT_EQ(sent.attempts, 1);
  EXPECT_TRUE(sent.sent_at);
  EXPECT_EQ(sent.message_id, taken_->front().message_id);
  EXPECT_THAT(taken_->front().text, HasSubstr("50.00 USD"));
}

TEST_F(Notifications, WhatTheTransportCannotTakeNowIsTriedAgainWithTheSameId) {
  handle({event("order.confirmed", order())});
  transport_->answer = {.outcome = Outcome::try_again, .status = 451, .why = "451 busy"};
  EXPECT_EQ(deliver(), 1U);
  EXPECT_EQ(deliver(), 0U);
  EXPECT_EQ(list().at(0).last_error, "451 busy");
  transport_->broken = true;
  sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP");
  EXPECT_EQ(deliver(), 1U);
  EXPECT_EQ(list().at(0).last_error, "the wire is cut");
  transport_->broken = false;
  transport_->answer = {};
  sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP");
  EXPECT_EQ(deliver(), 1U);
  const auto sent = list().at(0);
  EXPECT_EQ(sent.status, MessageStatus::sent);
  EXPECT_EQ(sent.attempts, 3);
  EXPECT_FALSE(sent.last_error);
}

TEST_F(Notifications, ARefusedMailHasFailed) {
  handle({event("order.confirmed", order())});
  transport_->answer = {.outcome = Outcome::refused, .status = 550, .why = "550 no such mailbox"};
  EXPECT_EQ(deliver(), 1U);
  sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP");
  EXPECT_EQ(deliver(), 0U);
  EXPECT_EQ(list().at(0).status, MessageStatus::failed);
  EXPECT_EQ(list().at(0).last_error, "550 no such mailbox");
}

TEST_F(Notifications, EachAttemptIsWrittenDown) {
  handle({event("order.confirmed", order())});
  transport_->answer = {.outcome = Outcome::try_again, .status = 451, .why = "451 busy"};
  deliver();
  sql("UPDATE notifications SET next_attempt_at = LOCALTIMESTAMP");
  transport_->answer = {.why = "250 OK"};
  deliver();
  const auto details = get(list().at(0).id).value();
  ASSERT_EQ(details.attempts.size(), 2U);
  EXPECT_EQ(details.attempts[0].number, 2);
  EXPECT_EQ(details.attempts[0].outcome, Outcome::taken);
  EXPECT_EQ(details.attempts[1].outcome, Outcome::try_again);
  EXPECT_EQ(details.attempts[1].response_status, 451);
  EXPECT_EQ(details.attempts[1].detail, "451 busy");
  EXPECT_THAT(details.text, HasSubstr("50.00 USD"));
  EXPECT_EQ(code_of(get(Uuid::v7())), "notification.not_found");
}

TEST_F(Notifications, WhatHasFailedIsTriedAgainWhereAnAdministratorWantsIt) {
  handle({event("order.confirmed", order())});
  sql("UPDATE notifications SET attempts = 119");
  transport_->answer = {.outcome = Outcome::try_again, .why = "nobody there"};
  deliver();
  const auto failed = list().at(0);
  EXPECT_EQ(failed.status, MessageStatus::failed);  // the 120th attempt
  EXPECT_FALSE(failed.next_attempt_at);
  EXPECT_EQ(retry(failed.id).value().status, MessageStatus::pending);
  EXPECT_EQ(deliver(), 1U);
  EXPECT_EQ(list().at(0).status, MessageStatus::pending) << "it has all attempts before it again";
  EXPECT_TRUE(retry(failed.id));  // not before it is due: at once
  transport_->answer = {};
  EXPECT_EQ(deliver(), 1U);
  const auto sent = list().at(0);
  EXPECT_EQ(sent.status, MessageStatus::sent);
  EXPECT_EQ(sent.message_id, failed.message_id);
  EXPECT_EQ(code_of(retry(failed.id)), "notification.already_sent");
  EXPECT_EQ(code_of(retry(Uuid::v7())), "notification.not_found");
}

TEST_F(Notifications, ABatchIsHandedOverSomeAtATimeAndEachOnce) {
  std::vector<events::Event> many;
  for (int i = 0; i < 40; ++i) many.push_back(event("order.confirmed", order()));
  handle(std::move(many));
  EXPECT_EQ(deliver(), 40U);
  std::set<std::string> ids;
  for (const auto& message : *taken_) ids.insert(message.message_id);
  EXPECT_EQ(ids.size(), 40U);
  EXPECT_EQ(taken_->size(), 40U);
  EXPECT_EQ(sql("SELECT count(*) FROM notifications WHERE status = 'sent' AND attempts = 1"), "40");
}

TEST_F(Notifications, WithoutATransportMailsWaitAndSayWhy) {
  const auto silent = make_service(nullptr, {.sender = "shop@example.com"});
  runtime_.block_on(silent->handle_orders(souk::testing::test_context(), page({event("order.confirmed", order())})));
  const auto waiting = list().at(0);
  EXPECT_EQ(waiting.status, MessageStatus::pending);
  EXPECT_THAT(waiting.last_error.value(), HasSubstr("no mail transport"));
  EXPECT_EQ(deliver(), 1U);  // as soon as there is one
}

TEST_F(Notifications, ARegistrationIsWelcomedAndARepeatedOneToldOnceADay) {
  const user::UserRegistered anna{.user_id = Uuid::v7(), .email = "anna@example.com", .first_name = "Anna"};
  const auto told = [&](std::string type) {
    return events::Event{.id = Uuid::v7(),
                         .type = std::move(type),
                         .key = anna.user_id.to_string(),
                         .payload = {json::write(anna)},
                         .created_at = now()};
  };
  const auto events = page(
      {told("user.registered"), told("registration.repeated"), told("registration.repeated"), told("session.revoked")});
  runtime_.block_on(service_->handle_users(souk::testing::test_context(), events));
  EXPECT_EQ(list().size(), 2U);
}

TEST_F(Notifications, TheMerchantIsToldOfLowStockOnceForEachCrossing) {
  const inventory::StockLow low{
      .product_id = "lamp", .sku = "SKU-<1>", .quantity = 9, .reorder_level = 10, .reorder_quantity = 50};
  const auto told = [&](std::string type) {
    return events::Event{
        .id = Uuid::v7(), .type = std::move(type), .key = "lamp", .payload = {json::write(low)}, .created_at = now()};
  };
  const auto first = told("stock.low");
  const auto events = page({first, first, told("stock.low"), told("stock.availability_changed")});
  runtime_.block_on(service_->handle_stock(souk::testing::test_context(), events));
  const auto all = list();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].recipient, "merchant@example.com");
  EXPECT_EQ(all[0].subject, "Low stock: SKU-<1>");
  EXPECT_THAT(get(all[0].id).value().text, HasSubstr("Order 50 more."));
}

TEST_F(Notifications, WithoutAMerchantLowStockIsToldToNobody) {
  const auto other = make_service(nullptr, {.sender = "shop@example.com"});
  const events::Event low{.id = Uuid::v7(),
                          .type = "stock.low",
                          .key = "lamp",
                          .payload = {json::write(inventory::StockLow{.product_id = "lamp"})},
                          .created_at = now()};
  runtime_.block_on(other->handle_stock(souk::testing::test_context(), page({low})));
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(sql("SELECT count(*) FROM event_cursors WHERE consumer = 'notification.stock'"), "1");
}

TEST_F(Notifications, AnEventThatNobodyKnowsHoldsNobodyUp) {
  auto unknown = event("order.teleported", order());
  unknown.payload = {R"({"of": "another shape"})"};
  handle({unknown, event("order.confirmed", order())});
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(Notifications, TheListIsFilteredAndComesInPages) {
  for (int i = 0; i < 5; ++i) handle({event("order.confirmed", order())});
  const auto wanted = order();
  handle({event("order.confirmed", wanted)});
  EXPECT_EQ(list({.subject_id = wanted.order_id.to_string()}).size(), 1U);
  EXPECT_EQ(list({.status = MessageStatus::sent}).size(), 0U);
  std::set<std::string> seen;
  ListNotifications request{.limit = 4};
  for (int pages = 1;; ++pages) {
    const auto page = runtime_.block_on(list_on(*service_, request)).value();
    for (const auto& one : page.data) seen.insert(one.id.to_string());
    if (!page.has_more) {
      EXPECT_EQ(pages, 2);
      break;
    }
    request.cursor = page.next_cursor;
  }
  EXPECT_EQ(seen.size(), 6U);
  EXPECT_EQ(runtime_.block_on(list_on(*service_, {.cursor = "nonsense"})).error().code, "request.invalid_cursor");
}

TEST_F(Notifications, TheLoopsTellOfAnOrderByThemselves) {
  TaskGroup group(runtime_.executor(0));
  service_->start(group);
  orders_.add(event("order.confirmed", order()));
  for (int i = 0; i < 100 && sql("SELECT count(*) FROM notifications WHERE status = 'sent'") != "1"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(list().at(0).status, MessageStatus::sent);
  group.stop();
  runtime_.block_on(drain_on(group));
}

}  // namespace
}  // namespace souk::notification
