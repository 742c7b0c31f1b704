#include "service.hpp"

#include "backlog.hpp"
#include "core/failpoint.hpp"
#include "errors.hpp"
#include "events/consumer.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"
#include "templates.hpp"

namespace souk::notification {
namespace {

constexpr const char* order_consumer = "notification.orders";
constexpr const char* user_consumer = "notification.users";
constexpr const char* stock_consumer = "notification.stock";
constexpr const char* payment_consumer = "notification.payments";
constexpr auto housekeeping_interval = std::chrono::hours(1);

// An event of a feed that began anew may be one that was told of long ago: then its row is there, and nothing happens.
void warn_of_reset(const events::EventPage& page, const char* consumer) {
  if (page.reset) log::warning("a feed began anew; messages of lost events are lost", log::kv("consumer", consumer));
}

}  // namespace

Service::Service(pg::Pool& pool, order::Api& orders, user::Api& users, inventory::Api& inventory, Feed payment_events,
                 Outlets outlets, const Options& options)
    : pool_(pool),
      orders_(orders),
      users_(users),
      inventory_(inventory),
      payment_events_(std::move(payment_events)),
      repository_(pool),
      webhook_repository_(pool),
      deliverer_(repository_, std::move(outlets.mail)),
      webhook_sender_(std::move(outlets.webhooks)),
      webhook_deliverer_(
          pool, *webhook_sender_, options.webhook_key,
          [this](pg::Transaction& tx, const DisabledWebhook& webhook) { return tell_disabled(tx, webhook); }),
      domain_(rules::domain_of(options.sender)),
      options_(options) {}

void Service::follow(TaskGroup& group, const char* consumer, Feed source,
                     std::function<Task<>(Context, const events::EventPage&)> handle) {
  events::run_consumer(group, {.name = consumer,
                               .source = std::move(source),
                               .handle = std::move(handle),
                               .load_cursor = [this, consumer](Context context) {
                                 return events::load_cursor(pool_, std::move(context), consumer);
                               }});
}

void Service::start(TaskGroup& group) {
  using events::EventPage, events::ReadEvents;
  follow(
      group, order_consumer,
      [this](Context context, ReadEvents request) { return orders_.events(std::move(context), std::move(request)); },
      [this](Context context, const EventPage& page) { return handle_orders(std::move(context), page); });
  follow(
      group, user_consumer,
      [this](Context context, ReadEvents request) { return users_.events(std::move(context), std::move(request)); },
      [this](Context context, const EventPage& page) { return handle_users(std::move(context), page); });
  follow(
      group, stock_consumer,
      [this](Context context, ReadEvents request) { return inventory_.events(std::move(context), std::move(request)); },
      [this](Context context, const EventPage& page) { return handle_stock(std::move(context), page); });
  follow(group, payment_consumer, payment_events_,
         [this](Context context, const EventPage& page) { return handle_payments(std::move(context), page); });
  deliverer_.start(group);
  webhook_deliverer_.start(group);
  group.spawn("notification.housekeeping", keep_house(group));
  group.spawn("notification.backlog", watch_backlog(pool_, group));
}

Task<> Service::keep_house(TaskGroup& group) {
  do {
    try {
      const auto context = Context::background("notification", std::chrono::minutes(1));
      co_await repository_.prune(context);
      co_await webhook_repository_.prune(context);
    } catch (const std::exception& e) {
      log::warning("notification housekeeping failed and is tried again", log::kv("why", std::string_view(e.what())));
    }
  } while (co_await group.sleep(housekeeping_interval));
}

Task<> Service::handle_orders(Context context, const events::EventPage& page) {
  warn_of_reset(page, order_consumer);
  Messages messages;
  for (const auto& event : page.events) {
    messages.add(webhooks::of_order_event(event));
    // Also those that a newer order service tells of while it runs beside this one.
    if (!templates::is_told(event.type)) {
      if (unknown_.insert(event.type).second) log::info("nobody is told of an event", log::kv("type", event.type));
      continue;
    }
    const auto order = json::read_trusted<order::OrderEvent>(event.payload.text);
    if (const auto recipient = co_await recipient_of(context, order)) {
      const auto parcels = co_await parcels_of(context, event.type, order.order_id);
      messages.add(rules::draft(event.type, order, *recipient, parcels));
    }
  }
  co_await store(context, order_consumer, page, messages);
}

Task<> Service::handle_users(Context context, const events::EventPage& page) {
  warn_of_reset(page, user_consumer);
  Messages messages;
  for (const auto& event : page.events) {
    if (event.type != "user.registered" && event.type != "registration.repeated") continue;
    const auto account = json::read_trusted<user::UserRegistered>(event.payload.text);
    messages.add(rules::draft(event.type, account, event.created_at));
  }
  co_await store(context, user_consumer, page, messages);
}

Task<> Service::handle_stock(Context context, const events::EventPage& page) {
  warn_of_reset(page, stock_consumer);
  Messages messages;
  for (const auto& event : page.events) {
    messages.add(webhooks::of_stock_event(event));
    if (event.type != "stock.low" || options_.merchant_email.empty()) continue;
    const auto stock = json::read_trusted<inventory::StockLow>(event.payload.text);
    messages.add(rules::draft(event.type, stock, event.id, options_.merchant_email));
  }
  co_await store(context, stock_consumer, page, messages);
}

Task<> Service::handle_payments(Context context, const events::EventPage& page) {
  warn_of_reset(page, payment_consumer);
  Messages messages;
  for (const auto& event : page.events) messages.add(webhooks::of_payment_event(event));
  co_await store(context, payment_consumer, page, messages);
}

Task<std::vector<order::Shipment>> Service::parcels_of(Context context, const std::string& kind, Uuid order_id) {
  if (kind != "order.shipped") co_return std::vector<order::Shipment>();
  auto order = co_await orders_.get_order(context.as_service("notification"), {.order_id = order_id});
  if (order) co_return std::move(order->shipments);
  if (order.error().kind != ErrorKind::not_found) throw Unavailable("orders: " + order.error().detail);
  co_return std::vector<order::Shipment>();
}

Task<std::optional<std::string>> Service::recipient_of(Context context, const order::OrderEvent& order) {
  if (order.email && !order.email->empty()) co_return order.email;
  const auto user = co_await users_.get_user(context.as_service("notification"), {.user_id = order.user_id});
  if (user && user->status != user::UserStatus::deleted) co_return user->email;
  if (!user && user.error().kind != ErrorKind::not_found) throw Unavailable("users: " + user.error().detail);
  log::warning(context, "nobody to tell of an order", log::kv("order_id", order.order_id));
  co_return std::nullopt;
}

Task<> Service::store(Context context, std::string consumer, const events::EventPage& page, const Messages& messages) {
  auto tx = co_await pool_.begin(context);
  co_await insert_mails(tx, messages.mails);
  const auto webhooks = co_await webhook_repository_.insert_messages(tx, messages.webhooks);
  co_await events::store_cursor(tx, std::move(consumer), page);
  SOUK_FAILPOINT("notification.before_messages_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("notification.after_messages_commit");
  if (!messages.mails.empty()) deliverer_.wake();
  if (webhooks > 0) webhook_deliverer_.wake();
}

Task<> Service::insert_mails(pg::Transaction& tx, const std::vector<rules::Draft>& mails) {
  std::optional<std::string> why_pending;
  if (!deliverer_.has_transport()) why_pending = "no mail transport is set (SOUK_SMTP_URL, SOUK_MAIL_DIR)";
  co_await repository_.insert_mails(tx, mails, domain_, why_pending);
}

Task<Result<NotificationPage>> Service::list_notifications(Context context, ListNotifications request) {
  std::optional<Uuid> before;
  if (request.cursor) {
    before = Uuid::parse(*request.cursor);
    if (!before) co_return errors::invalid_cursor();
  }
  const std::int64_t limit = request.limit.value_or(20);
  NotificationPage page;
  page.data = co_await repository_.list(std::move(context), std::move(request), before, limit + 1);
  page.has_more = std::ssize(page.data) > limit;
  if (page.has_more) {
    page.data.pop_back();
    page.next_cursor = page.data.back().id.to_string();
  }
  co_return page;
}

Task<Result<NotificationDetails>> Service::get_notification(Context context, NotificationRef request) {
  auto details = co_await repository_.find_details(std::move(context), request.id);
  if (!details) co_return errors::not_found();
  co_return *std::move(details);
}

Task<Result<Notification>> Service::retry_notification(Context context, NotificationRef request) {
  auto notification = co_await repository_.find(context, request.id);
  if (!notification) co_return errors::not_found();
  if (const auto& endpoint = notification->endpoint_id) {
    const auto webhook = co_await webhook_repository_.find(context, *endpoint);
    if (!webhook) co_return errors::webhook_not_found();
    if (webhook->webhook.status != WebhookStatus::enabled) co_return errors::webhook_disabled();
  }
  co_await repository_.make_due(context, request.id);
  notification = co_await repository_.find(std::move(context), request.id);
  if (!notification) co_return errors::not_found();
  if (notification->channel == Channel::webhook) {
    webhook_deliverer_.wake();
  } else if (notification->status == MessageStatus::sent) {
    co_return errors::already_sent();
  } else {
    deliverer_.wake();
  }
  co_return *std::move(notification);
}

}  // namespace souk::notification
