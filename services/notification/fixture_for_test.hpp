#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <mutex>

#include "events/consumer.hpp"
#include "events/outbox.hpp"
#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::notification::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::notification {

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
  Task<Result<order::Order>> get_order(Context, order::OrderRef request) override {
    if (request.order_id != shipped.id) co_return refuse(ErrorKind::not_found, "order.not_found", "");
    co_return shipped;
  }
  Task<Result<order::OrderPage>> list_orders(Context, order::ListOrders) override { not_asked(); }
  Task<Result<order::Order>> cancel_order(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::OrderPage>> search_orders(Context, order::SearchOrders) override { not_asked(); }
  Task<Result<order::Order>> start_processing(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::Order>> ship_order(Context, order::ShipOrder) override { not_asked(); }
  Task<Result<order::Order>> deliver_order(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::Return>> request_return(Context, order::RequestReturn) override { not_asked(); }
  Task<Result<order::OrderReturns>> list_order_returns(Context, order::OrderRef) override { not_asked(); }
  Task<Result<order::ReturnPage>> list_returns(Context, order::ListReturns) override { not_asked(); }
  Task<Result<order::Return>> get_return(Context, order::ReturnRef) override { not_asked(); }
  Task<Result<order::Return>> decide_return(Context, order::DecideReturn) override { not_asked(); }
  Task<Result<order::Return>> receive_return(Context, order::ReceiveReturn) override { not_asked(); }
  Task<Result<order::Purchased>> has_purchased(Context, order::HasPurchased) override { not_asked(); }
  Task<Result<order::Coupon>> create_coupon(Context, order::NewCoupon) override { not_asked(); }
  Task<Result<order::Coupon>> get_coupon(Context, order::CouponRef) override { not_asked(); }
  Task<Result<order::CouponPage>> list_coupons(Context, order::ListCoupons) override { not_asked(); }
  Task<Result<order::Coupon>> patch_coupon(Context, order::PatchCoupon) override { not_asked(); }
  Task<Result<order::CapturesChecked>> check_captures(Context, order::CheckCaptures) override { not_asked(); }

  std::mutex mutex;
  std::deque<events::Event> feed;
  order::Order shipped{};  // the only one that is known

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

// What endpoints answer, as it is told to.
class FakeSender final : public WebhookSender {
 public:
  Task<webhooks::Reply> post(WebhookRequest request) override {
    sent.push_back(std::move(request));
    co_return answer;
  }
  webhooks::Reply answer{.status = 200};
  std::vector<WebhookRequest> sent;
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
    service_ = make_service(std::move(transport), {"Souk <shop@example.com>", "merchant@example.com", "key"});
  }
  void TearDown() override {
    if (pool_) runtime_.block_on(pool_->close());
  }

  std::unique_ptr<Service> make_service(std::unique_ptr<Transport> transport, const Service::Options& options) {
    auto sender = std::make_unique<FakeSender>();
    sender_ = sender.get();
    return std::make_unique<Service>(*pool_, orders_, users_, inventory_, Service::Feed(),
                                     Service::Outlets{std::move(transport), std::move(sender)}, options);
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
  FakeSender* sender_ = nullptr;  // of the service made last
  std::string cursor_;
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Service> service_;
};

}  // namespace souk::notification
