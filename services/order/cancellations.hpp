#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/context.hpp"
#include "events/outbox.hpp"
#include "order/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"

namespace souk::order {

// The first durable point of a cancellation: the order's status, its history, its event, and the saga that gives stock
// and money back, in one commit.
class Cancellations {
 public:
  Cancellations(pg::Pool& pool, Repository& repository, events::Outbox& outbox)
      : pool_(pool), repository_(repository), outbox_(outbox) {}

  struct Cancelled {
    Order order;
    bool changed = false;  // false: it was cancelled before
  };
  // order.not_found where `may` says so, order.already_shipped, order.already_refunded.
  Task<Result<Cancelled>> cancel(Context context, Uuid order_id, std::string cause, std::optional<std::string> notes,
                                 std::function<bool(const LockedOrder&)> may);

 private:
  pg::Pool& pool_;
  Repository& repository_;
  events::Outbox& outbox_;
};

}  // namespace souk::order
