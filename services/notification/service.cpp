#include "service.hpp"

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
constexpr auto housekeeping_interval = std::chrono::hours(1);

// An event of a feed that began anew may be one that was told of long ago: then its row is there, and nothing happens.
void warn_of_reset(const events::EventPage& page, const char* consumer) {
  if (page.reset) log::warning("a feed began anew; messages of lost events are lost", log::kv("consumer", consumer));
}

}  // namespace

Service::Service(pg::Pool& pool, order::Api& orders, user::Api& users, inventory::Api& inventory,
                 std::unique_ptr<Transport> transport, const Options& options)
    : pool_(pool),
      orders_(orders),
      users_(users),
      inventory_(inventory),
      repository_(pool),
      deliverer_(repository_, std::move(transport)),
      domain_(rules::domain_of(options.sender)),
      merchant_email_(options.merchant_email) {}

void Service::start(TaskGroup& group) {
  const auto load = [this](const char* consumer) {
    return [this, consumer](Context context) { return events::load_cursor(pool_, std::move(context), consumer); };
  };
  events::run_consumer(
      group,
      {.name = order_consumer,
       .source = [this](Context context,
                        events::ReadEvents request) { return orders_.events(std::move(context), std::move(request)); },
       .handle = [this](Context context,
                        const events::EventPage& page) { return handle_orders(std::move(context), page); },
       .load_cursor = load(order_consumer)});
  events::run_consumer(
      group,
      {.name = user_consumer,
       .source = [this](Context context,
                        events::ReadEvents request) { return users_.events(std::move(context), std::move(request)); },
       .handle = [this](Context context,
                        const events::EventPage& page) { return handle_users(std::move(context), page); },
       .load_cursor = load(user_consumer)});
  events::run_consumer(
      group, {.name = stock_consumer,
              .source =
                  [this](Context context, events::ReadEvents request) {
                    return inventory_.events(std::move(context), std::move(request));
                  },
              .handle = [this](Context context,
                               const events::EventPage& page) { return handle_stock(std::move(context), page); },
              .load_cursor = load(stock_consumer)});
  deliverer_.start(group);
  group.spawn("notification.housekeeping", keep_house(group));
}

Task<> Service::keep_house(TaskGroup& group) {
  do {
    try {
      co_await repository_.prune(Context::background("notification", std::chrono::minutes(1)));
    } catch (const std::exception& e) {
      log::warning("notification housekeeping failed and is tried again", log::kv("why", std::string_view(e.what())));
    }
  } while (co_await group.sleep(housekeeping_interval));
}

Task<> Service::handle_orders(Context context, const events::EventPage& page) {
  warn_of_reset(page, order_consumer);
  std::vector<rules::Draft> drafts;
  for (const auto& event : page.events) {
    // Also those that a newer order service tells of while it runs beside this one.
    if (!templates::is_told(event.type)) {
      if (unknown_.insert(event.type).second) log::info("nobody is told of an event", log::kv("type", event.type));
      continue;
    }
    const auto order = json::read_trusted<order::OrderEvent>(event.payload.text);
    if (const auto recipient = co_await recipient_of(context, order)) {
      drafts.push_back(rules::draft(event.type, order, *recipient).value());
    }
  }
  co_await store(context, order_consumer, page, drafts);
}

Task<> Service::handle_users(Context context, const events::EventPage& page) {
  warn_of_reset(page, user_consumer);
  std::vector<rules::Draft> drafts;
  for (const auto& event : page.events) {
    if (event.type != "user.registered" && event.type != "registration.repeated") continue;
    const auto account = json::read_trusted<user::UserRegistered>(event.payload.text);
    if (auto draft = rules::draft(event.type, account, event.created_at)) drafts.push_back(*std::move(draft));
  }
  co_await store(context, user_consumer, page, drafts);
}

Task<> Service::handle_stock(Context context, const events::EventPage& page) {
  warn_of_reset(page, stock_consumer);
  std::vector<rules::Draft> drafts;
  for (const auto& event : page.events) {
    if (event.type != "stock.low" || merchant_email_.empty()) continue;
    const auto stock = json::read_trusted<inventory::StockLow>(event.payload.text);
    if (auto draft = rules::draft(event.type, stock, event.id, merchant_email_)) drafts.push_back(*std::move(draft));
  }
  co_await store(context, stock_consumer, page, drafts);
}

Task<std::optional<std::string>> Service::recipient_of(Context context, const order::OrderEvent& order) {
  if (order.email && !order.email->empty()) co_return order.email;
  const auto user = co_await users_.get_user(context.as_service("notification"), {.user_id = order.user_id});
  if (user && user->status != user::UserStatus::deleted) co_return user->email;
  if (!user && user.error().kind != ErrorKind::not_found) throw Unavailable("users: " + user.error().detail);
  log::warning(context, "nobody to tell of an order", log::kv("order_id", order.order_id));
  co_return std::nullopt;
}

Task<> Service::store(Context context, std::string consumer, const events::EventPage& page,
                      const std::vector<rules::Draft>& drafts) {
  std::optional<std::string> why_pending;
  if (!deliverer_.has_transport()) why_pending = "no mail transport is set (SOUK_SMTP_URL, SOUK_MAIL_DIR)";
  auto tx = co_await pool_.begin(context);
  co_await repository_.insert_mails(tx, drafts, domain_, why_pending);
  co_await events::store_cursor(tx, std::move(consumer), page);
  SOUK_FAILPOINT("notification.before_messages_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("notification.after_messages_commit");
  if (!drafts.empty()) deliverer_.wake();
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
  co_await repository_.make_due(context, request.id);
  auto notification = co_await repository_.find(std::move(context), request.id);
  if (!notification) co_return errors::not_found();
  if (notification->status == MessageStatus::sent) co_return errors::already_sent();
  deliverer_.wake();
  co_return *std::move(notification);
}

}  // namespace souk::notification
