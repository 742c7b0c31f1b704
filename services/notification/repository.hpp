#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "notification/api.hpp"
#include "postgres/pool.hpp"
#include "rules.hpp"
#include "transport.hpp"

namespace souk::notification {

// A mail that is due, claimed by this process.
struct Due {
  Uuid id;
  std::string message_id;
  std::string recipient;
  std::string subject;
  std::string text;
  std::string html;
  Timestamp created_at;
  std::int64_t attempts = 0;         // this one included
  std::int64_t attempts_before = 0;  // of these: before somebody asked for it to be sent again
};
BOOST_DESCRIBE_STRUCT(Due, (), (id, message_id, recipient, subject, text, html, created_at, attempts, attempts_before))

// What became of an attempt, as it is written down.
struct AttemptRow {
  Uuid id;  // the message's
  std::int64_t number = 0;
  Delivery delivery;
  std::string handed_to;
  std::chrono::milliseconds duration{};
  std::optional<std::chrono::seconds> next_in;  // try_again: until the next; absent: given up
};

// The table notifications.
class Repository {
 public:
  explicit Repository(pg::Pool& pool) : pool_(pool) {}

  // Those that are there already are left as they are. `why_pending` is for people who wonder; may be empty. Returns
  // how many were new.
  Task<std::int64_t> insert_mails(pg::Transaction& tx, const std::vector<rules::Draft>& drafts,
                                  const std::string& domain, const std::optional<std::string>& why_pending);

  // Up to `limit` mails that are due. Nobody else gets them before `lease` is over.
  Task<std::vector<Due>> claim_due(Context context, std::int64_t limit, std::chrono::seconds lease);
  // Writes the attempts and what follows from them, together. Throws after all others are written when the server
  // refuses one.
  Task<> record(Context context, std::vector<AttemptRow> attempts);
  // What was claimed and not tried: due at once, as if it had not been claimed.
  Task<> put_back(Context context, std::vector<Uuid> ids);

  Task<std::optional<Notification>> find(Context context, Uuid id);
  Task<std::optional<NotificationDetails>> find_details(Context context, Uuid id);
  // Makes it due now with all its attempts before it, unless it is a mail that was sent.
  Task<> make_due(Context context, Uuid id);

  // Newest first, older than `before` where it is given.
  Task<std::vector<Notification>> list(Context context, ListNotifications filter, std::optional<Uuid> before,
                                       std::int64_t limit);
  // Deletes what was sent, or had failed, more than 90 days ago. Returns how many.
  Task<std::int64_t> prune(Context context);

 private:
  Task<> write(Context context, std::vector<AttemptRow> attempts);

  pg::Pool& pool_;
};

}  // namespace souk::notification
