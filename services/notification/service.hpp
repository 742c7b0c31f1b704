#pragma once

#include <functional>
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
#include "webhook_deliverer.hpp"
#include "webhook_sender.hpp"

namespace souk::notification {

class Service final : public Api {
 public:
  struct Options {
    std::string sender;            // From of the mails
    std::string merchant_email{};  // is told of low stock and disabled webhooks; empty: nobody is
    std::string webhook_key{};     // the secrets of webhooks are derived from it
    bool allow_private_webhooks = false;
  };
  // What takes messages out of the house. Without `mail` mails wait, and say why.
  struct Outlets {
    std::unique_ptr<Transport> mail;
    std::unique_ptr<WebhookSender> webhooks;
  };
  using Feed = std::function<Task<Result<events::EventPage>>(Context, events::ReadEvents)>;

  // Of payments only the events are needed.
  Service(pg::Pool& pool, order::Api& orders, user::Api& users, inventory::Api& inventory, Feed payment_events,
          Outlets outlets, const Options& options);

  // Follows the events of orders, users, stock and payments, hands messages over, keeps house.
  void start(TaskGroup& group);

  Task<Result<NotificationPage>> list_notifications(Context context, ListNotifications request) override;
  Task<Result<NotificationDetails>> get_notification(Context context, NotificationRef request) override;
  Task<Result<Notification>> retry_notification(Context context, NotificationRef request) override;
  Task<Result<WebhookWithSecret>> create_webhook(Context context, CreateWebhook request) override;
  Task<Result<Webhooks>> list_webhooks(Context context, ListWebhooks request) override;
  Task<Result<Webhook>> get_webhook(Context context, WebhookRef request) override;
  Task<Result<Webhook>> patch_webhook(Context context, PatchWebhook request) override;
  Task<Result<WebhookWithSecret>> rotate_webhook_secret(Context context, RotateWebhookSecret request) override;
  Task<Result<Done>> delete_webhook(Context context, WebhookRef request) override;
  Task<Result<Redelivered>> redeliver_webhook(Context context, WebhookRef request) override;
  Task<Result<Notification>> test_webhook(Context context, WebhookRef request) override;

  // What the consumers do with a page of events, in one transaction with their cursor.
  Task<> handle_orders(Context context, const events::EventPage& page);
  Task<> handle_users(Context context, const events::EventPage& page);
  Task<> handle_stock(Context context, const events::EventPage& page);
  Task<> handle_payments(Context context, const events::EventPage& page);
  Deliverer& deliverer() { return deliverer_; }
  WebhookDeliverer& webhook_deliverer() { return webhook_deliverer_; }

 private:
  // What is to be told of a page of events.
  struct Messages {
    std::vector<rules::Draft> mails;
    std::vector<webhooks::Told> webhooks;

    void add(std::optional<rules::Draft> mail) {
      if (mail) mails.push_back(*std::move(mail));
    }
    void add(std::optional<webhooks::Told> told) {
      if (told) webhooks.push_back(*std::move(told));
    }
  };

  void follow(TaskGroup& group, const char* consumer, Feed source,
              std::function<Task<>(Context, const events::EventPage&)> handle);
  Task<> keep_house(TaskGroup& group);
  Task<> store(Context context, std::string consumer, const events::EventPage& page, const Messages& messages);
  Task<> insert_mails(pg::Transaction& tx, const std::vector<rules::Draft>& mails);
  Task<> tell_disabled(pg::Transaction& tx, const DisabledWebhook& webhook);
  // With what the order is on its way, if it is.
  Task<std::vector<order::Shipment>> parcels_of(Context context, const std::string& kind, Uuid order_id);
  // Where the order's customer is reached; nothing for somebody who cannot be.
  Task<std::optional<std::string>> recipient_of(Context context, const order::OrderEvent& order);

  pg::Pool& pool_;
  order::Api& orders_;
  user::Api& users_;
  inventory::Api& inventory_;
  Feed payment_events_;
  Repository repository_;
  WebhookRepository webhook_repository_;
  Deliverer deliverer_;
  std::unique_ptr<WebhookSender> webhook_sender_;
  WebhookDeliverer webhook_deliverer_;
  std::string domain_;
  Options options_;
  std::set<std::string> unknown_;  // types of order events that were passed over, each logged once
};

}  // namespace souk::notification
