#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "events/event.hpp"
#include "notification/api.hpp"

// Webhooks as https://www.standardwebhooks.com has them. Without I/O.
namespace souk::notification::webhooks {

// Something that endpoints may be told of.
struct Told {
  std::string type;        // "order.shipped"
  std::string subject_id;  // the order's id, the item's
  std::string occurrence;  // tells repeats of the same type and subject apart
  std::string body;        // {"type", "timestamp", "data"}
};

// What other services' events are as webhooks; nothing for those that endpoints are not told of.
std::optional<Told> of_order_event(const events::Event& event);
std::optional<Told> of_payment_event(const events::Event& event);
std::optional<Told> of_stock_event(const events::Event& event);
// An event "webhook.test", each time another one.
Told test_event(Uuid endpoint_id, Timestamp at);

// Whether an endpoint with this list wants the event. "order.*" is all of the order's; an empty list is everything.
bool wants(const std::vector<std::string>& event_types, std::string_view type);

// The secret of an endpoint, "whsec_" and 32 bytes in base64: derived from the platform's key, the endpoint and the
// version, so that no copy of the database holds it.
std::string secret_of(const std::string& key, Uuid endpoint_id, std::int64_t version);

// One signature of the header webhook-signature: "v1," and the HMAC-SHA256 of id, time and body under the secret's
// bytes. Throws std::invalid_argument for what is no secret.
std::string signature(const std::string& secret, std::string_view message_id, std::int64_t unix_seconds,
                      std::string_view body);
// The whole header: a signature for each version, the newest first.
std::string signatures(const std::string& key, Uuid endpoint_id, std::int64_t oldest_version,
                       std::int64_t newest_version, std::string_view message_id, std::int64_t unix_seconds,
                       std::string_view body);

// Refuses types that there are not: a misspelt one would never come. webhook.unknown_event_type
Result<void> check_event_types(const std::vector<std::string>& event_types);
// Refuses what is no URL, and unless `allow_private`: http, and an address that is not public. webhook.invalid_url
Result<void> check_url(const std::string& url, bool allow_private);

// What an endpoint answered, or why it did not.
struct Reply {
  int status = 0;  // 0: no answer
  std::optional<std::chrono::seconds> retry_after{};
  std::string excerpt{};  // the first bytes of the body
  std::string failure{};  // why there is no answer
};

// What follows from an attempt.
struct Verdict {
  Outcome outcome{};  // taken: 2xx; refused: 410, it is gone; try_again: everything else, redirects too
  std::string detail;
  std::optional<std::chrono::seconds> next_in{};   // try_again: until the next; absent: given up
  std::optional<std::chrono::seconds> pause_in{};  // 429 and 503 with Retry-After: how long nothing is sent there
};
// `attempts` counts from 1; `age` is how long the message is owed, `chance` in [0, 1) spreads what failed together.
Verdict judge(const Reply& reply, std::int64_t attempts, std::chrono::seconds age, double chance);

// How long until the next attempt: by chance up to 5 s, then 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, and 24 h from
// there on; the last attempt comes when the message is six days old. Nothing after that: given up.
std::optional<std::chrono::seconds> retry_after(std::int64_t attempts, std::chrono::seconds age, double chance);

// Printable text of what a stranger sent, at most so many characters: PostgreSQL and people can read it.
std::string printable(std::string_view bytes, std::size_t most);

}  // namespace souk::notification::webhooks
