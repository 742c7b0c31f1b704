#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "notification/api.hpp"
#include "postgres/pool.hpp"
#include "webhook_rules.hpp"

namespace souk::notification {

inline constexpr std::int64_t most_webhooks = 50;
inline constexpr std::int64_t most_secrets = 5;  // of an endpoint, that hold at the same time

// A message to an endpoint that is due, claimed by this process.
struct DueWebhook {
  Uuid id;
  Uuid endpoint_id;
  std::string url;
  std::int64_t secret_version = 1;
  std::int64_t oldest_version = 1;  // that still holds
  std::string message_id;
  std::string body;
  std::int64_t attempts = 0;  // this one included
  std::int64_t attempts_before = 0;
  std::int64_t age_s = 0;  // how long it is owed
};
BOOST_DESCRIBE_STRUCT(DueWebhook, (),
                      (id, endpoint_id, url, secret_version, oldest_version, message_id, body, attempts,
                       attempts_before, age_s))

struct WebhookAttempt {
  Uuid id;  // the message's
  Uuid endpoint_id;
  std::string url;
  std::int64_t number = 0;
  int status = 0;  // 0: no answer
  webhooks::Verdict verdict;
  std::chrono::milliseconds duration{};
};

// An endpoint that an attempt has disabled.
struct DisabledWebhook {
  Uuid id;
  std::string url;
  std::string reason;
};

struct StoredWebhook {
  Webhook webhook;
  std::int64_t secret_version = 1;
  std::int64_t oldest_version = 1;  // that still holds
};

// The table webhook_endpoints, and the rows of notifications that go there.
class WebhookRepository {
 public:
  explicit WebhookRepository(pg::Pool& pool) : pool_(pool) {}

  // A row for each enabled endpoint that wants the event; those that are there already are left as they are. Returns
  // how many were new.
  Task<std::int64_t> insert_messages(pg::Transaction& tx, const std::vector<webhooks::Told>& told);
  // One to this endpoint, whatever it wants. Returns its id.
  Task<Uuid> insert_message(pg::Transaction& tx, Uuid endpoint_id, std::string url, webhooks::Told told);

  // What is due, of each enabled endpoint at most `places` less those that are `busy` with it. Nobody else gets them
  // before `lease` is over.
  Task<std::vector<DueWebhook>> claim_due(Context context, const std::map<Uuid, std::int64_t>& busy,
                                          std::int64_t places, std::chrono::seconds lease);
  // Writes the attempts and what follows from them for messages and endpoints. Returns the endpoints that were disabled
  // by it.
  Task<std::vector<DisabledWebhook>> record(pg::Transaction& tx, const std::vector<WebhookAttempt>& attempts);

  // Nothing where the URL is taken or there are too many; `count` says which.
  Task<std::optional<Webhook>> insert(pg::Transaction& tx, const CreateWebhook& wanted);
  Task<std::int64_t> lock_and_count(pg::Transaction& tx);
  Task<std::vector<Webhook>> list(Context context);
  Task<std::optional<StoredWebhook>> find(Context context, Uuid id);
  // Held until the transaction ends.
  Task<std::optional<StoredWebhook>> lock(pg::Transaction& tx, Uuid id);
  // Throws pg::Error (a unique violation) where the URL is taken.
  Task<> change(pg::Transaction& tx, Uuid id, const WebhookChanges& changes);
  // What waits is due now, and has all its days before it again.
  Task<> make_waiting_due(pg::Transaction& tx, Uuid endpoint_id);
  // The same for what was given up as well. What is due within a minute, or under way just now, is left alone. Returns
  // how many.
  Task<std::int64_t> redeliver(pg::Transaction& tx, Uuid endpoint_id);
  // The next version of the secret; `oldest` and the ones after it hold for `overlap`.
  Task<> rotate(pg::Transaction& tx, Uuid id, std::int64_t oldest, std::chrono::hours overlap);
  // With it, what waits is given up.
  Task<> remove(pg::Transaction& tx, Uuid id);
  // Messages that nobody will send any more, and deleted endpoints whose log is gone.
  Task<> prune(Context context);

 private:
  Task<std::vector<DisabledWebhook>> record_endpoints(pg::Transaction& tx, const std::vector<WebhookAttempt>& attempts);

  pg::Pool& pool_;
};

}  // namespace souk::notification
