#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "events/event.hpp"
#include "inventory/api.hpp"
#include "notification/api.hpp"
#include "order/api.hpp"
#include "user/api.hpp"

// Which event is told to whom, and when a message that did not get through is tried again. Without I/O.
namespace souk::notification::rules {

// A message before it is a row.
struct Draft {
  std::string kind;
  std::string subject_id;
  std::string occurrence;  // tells repeats apart that are to be told again
  std::string recipient;
  std::string subject;
  std::string text;
  std::string html;
};

// Nothing for kinds that nobody is told of. `parcels` are of a shipped order.
std::optional<Draft> draft(const std::string& kind, const order::OrderEvent& order, const std::string& recipient,
                           const std::vector<order::Shipment>& parcels = {});
// "It comes in 2 parcels: DHL 123 and UPS 456." Of many parcels the first ten are named; of none the order's number.
std::string describe_parcels(const std::vector<order::Shipment>& parcels,
                             const std::optional<std::string>& tracking_number);
// A repeated registration is told once a day: the sender of the request must not fill somebody's mailbox.
std::optional<Draft> draft(const std::string& kind, const user::UserRegistered& account, Timestamp at);

// Each crossing of the reorder level is told, so `event_id` tells them apart.
std::optional<Draft> draft(const std::string& kind, const inventory::StockLow& stock, Uuid event_id,
                           const std::string& recipient);

// The merchant is told each time that a webhook was disabled.
Draft webhook_disabled(Uuid webhook_id, const std::string& url, const std::string& reason, Timestamp at,
                       const std::string& recipient);

// How long until the next attempt after so many (from 1): 30 s, doubling, at most 1 h. Nothing after 120: given up.
std::optional<std::chrono::seconds> retry_after(std::int64_t attempts);

// The domain of a sender such as "Souk <shop@example.com>", for message ids.
std::string domain_of(const std::string& sender);

}  // namespace souk::notification::rules
