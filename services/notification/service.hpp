#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "deliverer.hpp"
#include "inventory/api.hpp"
#include "notification/api.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "transport.hpp"
#include "user/api.hpp"

namespace souk::notification {

class Service final : public Api {
 public:
  struct Options {
    std::string sender;            // From of the mails
    std::string merchant_email{};  // is told of low stock; empty: nobody is
  };

  // `transport` may be null: then mails wait, and say why.
  Service(pg::Pool& pool, order::Api& orders, user::Api& users, inventory::Api& inventory,
          std::unique_ptr<Transport> transport, const Options& options);

  // Follows the events of orders, users and stock, hands mails over, keeps house.
  void start(TaskGroup& group);

  Task<Result<NotificationPage>> list_notifications(Context context, ListNotifications request) override;
  Task<Result<NotificationDetails>> get_notification(Context context, NotificationRef request) override;
  Task<Result<Notification>> retry_notification(Context context, NotificationRef request) override;

  // What the consumers do with a page of events, in one transaction with their cursor.
  Task<> handle_orders(Context context, const events::EventPage& page);
  Task<> handle_users(Context context, const events::EventPage& page);
  Task<> handle_stock(Context context, const events::EventPage& page);
  Deliverer& deliverer() { return deliverer_; }

 private:
  Task<> keep_house(TaskGroup& group);
  Task<> store(Context context, std::string consumer, const events::EventPage& page,
               const std::vector<rules::Draft>& drafts);
  // Where the order's customer is reached; nothing for somebody who cannot be.
  Task<std::optional<std::string>> recipient_of(Context context, const order::OrderEvent& order);

  pg::Pool& pool_;
  order::Api& orders_;
  user::Api& users_;
  inventory::Api& inventory_;
  Repository repository_;
  Deliverer deliverer_;
  std::string domain_;
  std::string merchant_email_;
  std::set<std::string> unknown_;  // types of order events that were passed over, each logged once
};

}  // namespace souk::notification
