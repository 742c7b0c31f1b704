#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/json.hpp"

// Messages to people and systems (database notification_db), made from other services' events.
namespace souk::notification {

BOOST_DEFINE_ENUM_CLASS(Channel, email, webhook)
// sent: a transport has taken it. failed: given up.
BOOST_DEFINE_ENUM_CLASS(MessageStatus, pending, sent, failed)
// What became of an attempt.
BOOST_DEFINE_ENUM_CLASS(Outcome, taken, try_again, refused)

struct Notification {
  Uuid id;
  std::string kind;        // "order.confirmed"
  std::string subject_id;  // the order's id
  Channel channel{};
  std::string recipient;
  std::string subject;
  MessageStatus status{};
  std::int64_t attempts = 0;
  std::optional<Timestamp> next_attempt_at;  // while it is pending
  std::optional<std::string> last_error;     // why it is still pending, or has failed
  std::string message_id;                    // the same for each attempt
  std::optional<std::string> handed_to;      // the transport that took it: "file", "smtp", "webhook"
  std::optional<Uuid> endpoint_id;           // of a webhook
  Timestamp created_at;
  std::optional<Timestamp> sent_at;
};
BOOST_DESCRIBE_STRUCT(Notification, (),
                      (id, kind, subject_id, channel, recipient, subject, status, attempts, next_attempt_at, last_error,
                       message_id, handed_to, endpoint_id, created_at, sent_at))

// One time that it was handed over, or should have been.
struct Attempt {
  std::int64_t number = 0;                      // from 1
  Outcome outcome{};                            // try_again: not now; refused: never
  std::optional<std::int64_t> response_status;  // of the receiver: a reply code of SMTP, a status of HTTP
  std::optional<std::string> detail;
  std::int64_t duration_ms = 0;
  Timestamp ended_at;
};
BOOST_DESCRIBE_STRUCT(Attempt, (), (number, outcome, response_status, detail, duration_ms, ended_at))

struct NotificationDetails {
  Notification notification;
  std::string text;               // of a webhook: the body
  std::vector<Attempt> attempts;  // the newest 100, newest first
};
BOOST_DESCRIBE_STRUCT(NotificationDetails, (), (notification, text, attempts))
struct NotificationRef {
  Uuid id;
};
BOOST_DESCRIBE_STRUCT(NotificationRef, (), (id))

struct ListNotifications {
  std::optional<json::Text<1, 100>> subject_id;
  std::optional<MessageStatus> status;
  std::optional<Channel> channel;
  std::optional<Uuid> endpoint_id;  // of a webhook: its log
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListNotifications, (), (subject_id, status, channel, endpoint_id, limit, cursor))
struct NotificationPage {
  std::vector<Notification> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(NotificationPage, (), (data, has_more, next_cursor))

BOOST_DEFINE_ENUM_CLASS(WebhookStatus, enabled, disabled)

// A system of the merchant's that is told of events by signed requests (standardwebhooks.com).
struct Webhook {
  Uuid id;
  std::string url;
  std::string description;
  std::vector<std::string> event_types;  // "order.shipped", "order.*"; empty: all
  WebhookStatus status{};
  std::optional<std::string> disabled_reason;
  std::optional<Timestamp> failing_since;  // the first failure after the last success; disabled after five days of it
  std::optional<Timestamp> last_success_at;
  std::optional<Timestamp> paused_until;            // it asked for it by Retry-After
  std::optional<Timestamp> previous_secrets_until;  // until then earlier secrets are signed with as well
  Timestamp created_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Webhook, (),
                      (id, url, description, event_types, status, disabled_reason, failing_since, last_success_at,
                       paused_until, previous_secrets_until, created_at, updated_at))

// The only replies that show a secret.
struct WebhookWithSecret {
  Webhook webhook;
  std::string secret;  // "whsec_…"
};
BOOST_DESCRIBE_STRUCT(WebhookWithSecret, (), (webhook, secret))

struct CreateWebhook {
  json::Text<1, 1000> url;
  std::optional<json::Text<0, 255>> description;
  std::optional<std::vector<json::Text<1, 50>>> event_types;
};
BOOST_DESCRIBE_STRUCT(CreateWebhook, (), (url, description, event_types))
struct WebhookRef {
  Uuid id;
};
BOOST_DESCRIBE_STRUCT(WebhookRef, (), (id))
struct ListWebhooks {};
BOOST_DESCRIBE_STRUCT(ListWebhooks, (), ())
struct Webhooks {
  std::vector<Webhook> data;  // oldest first; never more than 50
};
BOOST_DESCRIBE_STRUCT(Webhooks, (), (data))
// Members that are absent stay as they are.
struct WebhookChanges {
  std::optional<json::Text<1, 1000>> url;
  std::optional<json::Text<0, 255>> description;
  std::optional<std::vector<json::Text<1, 50>>> event_types;
  std::optional<WebhookStatus> status;
};
BOOST_DESCRIBE_STRUCT(WebhookChanges, (), (url, description, event_types, status))
struct PatchWebhook {
  Uuid id;
  WebhookChanges changes;
};
BOOST_DESCRIBE_STRUCT(PatchWebhook, (), (id, changes))
struct RotateWebhookSecret {
  Uuid id;
  json::Int<0, 168> overlap_hours = 24;
};
BOOST_DESCRIBE_STRUCT(RotateWebhookSecret, (), (id, overlap_hours))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())
struct Redelivered {
  std::int64_t messages = 0;
};
BOOST_DESCRIBE_STRUCT(Redelivered, (), (messages))

class Api {
 public:
  virtual ~Api() = default;
  // Newest first. request.invalid_cursor
  virtual Task<Result<NotificationPage>> list_notifications(Context context, ListNotifications request) = 0;
  // notification.not_found
  virtual Task<Result<NotificationDetails>> get_notification(Context context, NotificationRef request) = 0;
  // Makes a message due now that has failed or waits for its next attempt, with all attempts before it again; a webhook
  // also when it was sent.
  // notification.not_found, notification.already_sent, webhook.not_found, webhook.disabled
  virtual Task<Result<Notification>> retry_notification(Context context, NotificationRef request) = 0;

  // From now on events go there. webhook.invalid_url, webhook.unknown_event_type, webhook.url_taken, webhook.too_many
  virtual Task<Result<WebhookWithSecret>> create_webhook(Context context, CreateWebhook request) = 0;
  virtual Task<Result<Webhooks>> list_webhooks(Context context, ListWebhooks request) = 0;
  // webhook.not_found
  virtual Task<Result<Webhook>> get_webhook(Context context, WebhookRef request) = 0;
  // What waits goes to the new URL. While a webhook is disabled nothing is sent to it: what waited then goes out when
  // it is enabled, events of that time never do. webhook.not_found, webhook.invalid_url, webhook.unknown_event_type,
  // webhook.url_taken
  virtual Task<Result<Webhook>> patch_webhook(Context context, PatchWebhook request) = 0;
  // A new secret. Those that hold now are signed with as well until the overlap is over; with none, only the new one
  // is. webhook.not_found, webhook.too_many_secrets where five would hold
  virtual Task<Result<WebhookWithSecret>> rotate_webhook_secret(Context context, RotateWebhookSecret request) = 0;
  // What waits is given up. webhook.not_found
  virtual Task<Result<Done>> delete_webhook(Context context, WebhookRef request) = 0;
  // Makes all messages due now that were given up or wait for longer than a minute, with all their days before them
  // again: for a receiver that is back. webhook.not_found, webhook.disabled
  virtual Task<Result<Redelivered>> redeliver_webhook(Context context, WebhookRef request) = 0;
  // Sends it an event "webhook.test". webhook.not_found, webhook.disabled
  virtual Task<Result<Notification>> test_webhook(Context context, WebhookRef request) = 0;
};

}  // namespace souk::notification
