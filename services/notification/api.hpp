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
  std::optional<std::string> handed_to;      // the transport that took it: "file", "smtp"
  Timestamp created_at;
  std::optional<Timestamp> sent_at;
};
BOOST_DESCRIBE_STRUCT(Notification, (),
                      (id, kind, subject_id, channel, recipient, subject, status, attempts, next_attempt_at, last_error,
                       message_id, handed_to, created_at, sent_at))

// One time that it was handed over, or should have been.
struct Attempt {
  std::int64_t number = 0;                      // from 1
  Outcome outcome{};                            // try_again: not now; refused: never
  std::optional<std::int64_t> response_status;  // of the receiver: a reply code of SMTP
  std::optional<std::string> detail;
  std::int64_t duration_ms = 0;
  Timestamp ended_at;
};
BOOST_DESCRIBE_STRUCT(Attempt, (), (number, outcome, response_status, detail, duration_ms, ended_at))

struct NotificationDetails {
  Notification notification;
  std::string text;
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
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ListNotifications, (), (subject_id, status, limit, cursor))
struct NotificationPage {
  std::vector<Notification> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(NotificationPage, (), (data, has_more, next_cursor))

class Api {
 public:
  virtual ~Api() = default;
  // Newest first. request.invalid_cursor
  virtual Task<Result<NotificationPage>> list_notifications(Context context, ListNotifications request) = 0;
  // notification.not_found
  virtual Task<Result<NotificationDetails>> get_notification(Context context, NotificationRef request) = 0;
  // Makes a message due now that has failed or waits for its next attempt, with all attempts before it again.
  // notification.not_found, notification.already_sent
  virtual Task<Result<Notification>> retry_notification(Context context, NotificationRef request) = 0;
};

}  // namespace souk::notification
