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
  std::int64_t attempts = 0;  // this one included
};
BOOST_DESCRIBE_STRUCT(Due, (), (id, message_id, recipient, subject, text, html, created_at, attempts))

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
  Task<> mark_sent(Context context, std::vector<Uuid> ids, std::string handed_to);
  // Nothing to wait for: it has failed for good.
  Task<> mark_not_sent(Context context, Uuid id, std::string why, std::optional<std::chrono::seconds> next_in);

  // Newest first, older than `before` where it is given.
  Task<std::vector<Notification>> list(Context context, ListNotifications filter, std::optional<Uuid> before,
                                       std::int64_t limit);
  // Deletes what was sent more than 90 days ago. Returns how many.
  Task<std::int64_t> prune(Context context);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::notification
