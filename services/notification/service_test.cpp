#include "service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "events/consumer.hpp"
#include "events/outbox.hpp"
#include "testing/engines.hpp"

namespace souk::notification::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::notification {
namespace {

using ::testing::HasSubstr;

// The order service as far as notifications know it: its feed.
class FakeOrders final : public order::Api {
 public:
  Task<Result<events::EventPage>> events(Context, events::ReadEvents request) override {
    events::EventPage page{.next = request.after};
    const auto from = request.after.empty() ? 0 : std::stoul(request.after);
    const std::lock_guard lock(mutex);
    for (auto i = from; i < feed.size(); ++i) page.events.push_back(feed[i]);
    if (!page.events.empty()) page.next = std::to_string(feed.size());
    co_return page;
  }
  void add(events::Event event) {
    const std::lock_guard lock(mutex);
    feed.push_back(std::move(event));
  }
  Task<Result<order::QuoteResult>> quote(Context, order::Quote) override { not_asked(); }
  Task<Result<order::CheckoutResult>> checkout(Context, order::StartCheckout) override { not_asked(); }
  Task<Result<order::Checkout>> get_checkout(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::CheckoutResult>> resume_checkout(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::Order>> get_order(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::OrderPage>> list_orders(Context, order::ListOrders) override { not_asked(); }
  Task<Result<order::Order>> cancel_order(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::OrderPage>> search_orders(Context, order::SearchOrders) override { not_asked(); }
  Task<Result<order::Order>> start_processing(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::Order>> ship_order(Context, order::ShipOrder) override { not_asked(); }
  Task<Result<order::Order>> deliver_order(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::Purchased>> has_purchased(Context, order::HasPurchased) override { not_asked(); }
  Task<Result<order::Coupon>> create_coupon(Context, order::NewCoupon) override { not_asked(); }
  Task<Result<order::Coupon>> get_coupon(Context, order::CouponRef) override { not_asked(); }
  Task<Result<order::CouponPage>> list_coupons(Context, order::ListCoupons) override { not_asked(); }
  Task<Result<order::Coupon>> patch_coupon(Context, order::PatchCoupon) override { not_asked(); }

  std::mutex mutex;
  std::deque<events::Event> feed;

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("notifications do not ask the order service this"); }
};

// One user, and no events.
class FakeUsers final : public user::Api {
 public:
  Task<Result<user::User>> get_user(Context, user::UserRef request) override {
    if (gone) throw Unavailable("no users");
    if (request.user_id != anna.id) co_return refuse(ErrorKind::not_found, "user.not_found", "");
    co_return anna;
  }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents request) override {
    co_return events::EventPage{.next = request.after};
  }
  Task<Result<user::Registered>> register_user(Context, user::Register) override { not_asked(); }
  Task<Result<user::Tokens>> login(Context, user::Login) override { not_asked(); }
  Task<Result<user::Tokens>> refresh(Context, user::Refresh) override { not_asked(); }
  Task<Result<user::Done>> logout(Context, user::Logout) override { not_asked(); }
  Task<Result<user::User>> patch_user(Context, user::PatchUser) override { not_asked(); }
  Task<Result<user::User>> create_user(Context, user::CreateUser) override { not_asked(); }
  Task<Result<user::Addresses>> list_addresses(Context, user::UserRef) override { not_asked(); }
  Task<Result<user::Address>> get_address(Context, user::AddressRef) override { not_asked(); }
  Task<Result<user::Address>> add_address(Context, user::AddAddress) override { not_asked(); }
  Task<Result<user::Address>> patch_address(Context, user::PatchAddress) override { not_asked(); }
  Task<Result<user::Done>> delete_address(Context, user::AddressRef) override { not_asked(); }

  user::User anna{.id = Uuid::v7(), .email = "anna@example.com", .first_name = "Anna"};
  bool gone = false;

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("notifications do not ask the user service this"); }
};

// Stock that never moves.
class FakeInventory final : public inventory::Api {
 public:
  Task<Result<events::EventPage>> events(Context, events::ReadEvents request) override {
    co_return events::EventPage{.next = request.after};
  }
  Task<Result<inventory::StockList>> get_stock(Context, inventory::GetStock) override { not_asked(); }
  Task<Result<inventory::StockPage>> list_stock(Context, inventory::ListStock) override { not_asked(); }
  Task<Result<inventory::Stock>> patch_stock(Context, inventory::PatchStock) override { not_asked(); }
  Task<Result<inventory::OpenedStock>> open_stock(Context, inventory::OpenStock) override { not_asked(); }
  Task<Result<inventory::Stock>> restock(Context, inventory::StockMovement) override { not_asked(); }
  Task<Result<inventory::Stock>> adjust(Context, inventory::StockMovement) override { not_asked(); }
  Task<Result<inventory::BulkResults>> move_stock(Context, inventory::BulkMovement) override { not_asked(); }
  Task<Result<inventory::Reservation>> reserve(Context, inventory::Reserve) override { not_asked(); }
  Task<Result<inventory::Reservation>> extend(Context, inventory::ExtendReservation) override { not_asked(); }
  Task<Result<inventory::Done>> release(Context, inventory::OrderRef) override { not_asked(); }
  Task<Result<inventory::Reservation>> complete(Context, inventory::OrderRef) override { not_asked(); }
  Task<Result<inventory::Reservation>> get_reservation(Context, inventory::OrderRef) override { not_asked(); }
  Task<Result<inventory::Done>> return_stock(Context, inventory::ReturnStock) override { not_asked(); }
  Task<Result<inventory::Ledger>> list_ledger(Context, inventory::ListLedger) override { not_asked(); }

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("notifications do not ask the inventory this"); }
};

// Takes mails, or says what it is told to say.
class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(std::shared_ptr<std::vector<Message>> taken) : taken_(std::move(taken)) {}
  std::string name() const override { return "fake"; }
  Task<Delivery> send(Context, Message message) override {
    if (broken) throw std::runtime_error("the wire is cut");
    if (answer.outcome == Outcome::taken) taken_->push_back(std::move(message));
    co_return answer;
  }
  Delivery answer;
  bool broken = false;

 private:
  std::shared_ptr<std::vector<Message>> taken_;
};

class Notifications : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const pg::MigrationSet sets[] = {{"events", events::migrations::embedded_files()},
                                     {"notification", migrations::embedded_files()}};
    database_ = std::make_unique<souk::testing::TestDatabase>(sets);
    pool_ = std::make_unique<pg::Pool>(runtime_, pg::PoolOptions{.url = database_->url(), .name = "notification_db"});
    auto transport = std::make_unique<FakeTransport>(taken_);
    transport_ = transport.get();
    service_ = std::make_unique<Service>(*pool_, orders_, users_, inventory_, std::move(transport),
                                         Service::Options{"Souk <shop@example.com>", "merchant@example.com"});
  }
  void TearDown() override {
    if (pool_) runtime_.block_on(pool_->close());
  }

  static Task<Result<NotificationPage>> list_on(Api& api, ListNotifications request) {
    co_return co_await api.list_notifications(souk::testing::test_context(), std::move(request));
  }
  static Task<std::size_t> deliver_on(Deliverer& deliverer) {
    co_return co_await deliverer.deliver_due(souk::testing::test_context());
  }
  static Task<> drain_on(TaskGroup& group) { co_await group.drain(); }

  events::Event event(std::string type, order::OrderEvent order) {
    return {.id = Uuid::v7(),
            .type = std::move(type),
            .key = order.order_id.to_string(),
            .payload = {json::write(order)},
            .created_at = now()};
  }
  order::OrderEvent order(std::optional<std::string> email = "guest@example.com") {
    return {.order_id = Uuid::v7(),
            .order_number = "SO-1",
            .user_id = users_.anna.id,
            .email = std::move(email),
            .total = Amount(5000),
            .currency = "USD"};
  }
  events::EventPage page(std::vector<events::Event> events) {
    const auto before = std::exchange(cursor_, std::to_string(std::stoi("0" + cursor_) + 1));
    return {.events = std::move(events), .next = cursor_, .after = before};
  }
  void handle(std::vector<events::Event> events) {
    runtime_.block_on(service_->handle_orders(souk::testing::test_context(), page(std::move(events))));
  }
  std::vector<Notification> list(ListNotifications request = {}) {
    return runtime_.block_on(list_on(*service_, std::move(request))).value().data;
  }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }
  template <class Reply>
  Result<Reply> ask(Task<Result<Reply>> (Api::*method)(Context, NotificationRef), Uuid id) {
    return runtime_.block_on(ask_on(*service_, method, id));
  }
  template <class Reply>
  static Task<Result<Reply>> ask_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, NotificationRef), Uuid id) {
    co_return co_await (api.*method)(souk::testing::test_context(), {.id = id});
  }
  Result<NotificationDetails> get(Uuid id) { return ask(&Api::get_notification, id); }
  Result<Notification> retry(Uuid id) { return ask(&Api::retry_notification, id); }
  std::size_t deliver() { return runtime_.block_on(deliver_on(service_->deliverer())); }
  std::string sql(const std::string& statement) { return database_->sql(statement); }

  Runtime runtime_{2};
  FakeOrders orders_;
  FakeUsers users_;
  FakeInventory inventory_;
  std::shared_ptr<std::vector<Message>> taken_ = std::make_shared<std::vector<Message>>();
  FakeTransport* transport_ = nullptr;
  std::string cursor_;
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Service> service_;
};

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
  Service silent(*pool_, orders_, users_, inventory_, nullptr, {.sender = "shop@example.com"});
  runtime_.block_on(silent.handle_orders(souk::testing::test_context(), page({event("order.confirmed", order())})));
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
  Service other(*pool_, orders_, users_, inventory_, nullptr, {.sender = "shop@example.com"});
  const events::Event low{.id = Uuid::v7(),
                          .type = "stock.low",
                          .key = "lamp",
                          .payload = {json::write(inventory::StockLow{.product_id = "lamp"})},
                          .created_at = now()};
  runtime_.block_on(other.handle_stock(souk::testing::test_context(), page({low})));
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
