#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "service.hpp"

namespace souk::catalog {

// A feed in memory: cursors are how many events were read.
class FakeFeed {
 public:
  template <class Payload>
  void tell(std::string type, std::string key, const Payload& payload) {
    const std::lock_guard lock(mutex_);
    const auto cursor = std::to_string(events_.size() + 1);
    events_.push_back({.cursor = cursor,
                       .id = Uuid::v7(),
                       .type = std::move(type),
                       .key = std::move(key),
                       .payload = {json::write(payload)},
                       .created_at = now()});
  }
  void begin_anew() {
    const std::lock_guard lock(mutex_);
    events_.clear();
    anew_ = true;
  }
  events::EventPage read(const events::ReadEvents& request) {
    const std::lock_guard lock(mutex_);
    events::EventPage page{.next = request.after};
    if (anew_) {
      anew_ = false;
      return {.next = "0", .reset = true};
    }
    const auto from = request.after.empty() ? 0 : std::stoul(request.after);
    for (auto i = from; i < events_.size(); ++i) page.events.push_back(events_[i]);
    page.next = std::to_string(events_.size());
    return page;
  }

 private:
  std::mutex mutex_;
  std::vector<events::Event> events_;
  bool anew_ = false;
};

// What the catalog reads of the inventory and the reviews.
struct FakeSources {
  void tell_stock(const std::string& id, bool available) {
    stock.tell("stock.availability_changed", id,
               inventory::AvailabilityChanged{.product_id = id, .available = available});
  }
  void tell_rating(const std::string& id, double average, std::int64_t count) {
    ratings.tell("rating.changed", id, review::RatingChanged{.product_id = id, .average = average, .count = count});
  }

  Service::Sources sources() {
    return {.stock_events = [this](Context, events::ReadEvents request) { return read(stock, std::move(request)); },
            .get_stock = [this](Context, inventory::GetStock request) { return get_stock(*this, std::move(request)); },
            .rating_events = [this](Context, events::ReadEvents request) { return read(ratings, std::move(request)); }};
  }

  FakeFeed stock;
  FakeFeed ratings;
  std::map<std::string, std::int64_t> quantities;  // as they are when the feed begins anew

 private:
  static Task<Result<events::EventPage>> read(FakeFeed& feed, events::ReadEvents request) {
    co_return feed.read(request);
  }
  static Task<Result<inventory::StockList>> get_stock(FakeSources& sources, inventory::GetStock request) {
    inventory::StockList list;
    for (const auto& id : request.product_ids) {
      const auto found = sources.quantities.find(id);
      if (found != sources.quantities.end())
        list.data.push_back({.product_id = id, .available_quantity = found->second});
    }
    co_return list;
  }
};

}  // namespace souk::catalog
