#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "events/outbox.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "rules.hpp"

namespace souk::order {

// What happens to a confirmed order in the warehouse and on the road. Each change is one commit: the order's row, its
// history, its event.
class Fulfilment {
 public:
  Fulfilment(pg::Pool& pool, Repository& repository, events::Outbox& outbox, payment::Api& payments)
      : pool_(pool), repository_(repository), outbox_(outbox), payments_(payments) {}

  // order.not_found, order.illegal_status. Twice is once.
  Task<Result<Order>> start_processing(Context context, Uuid order_id);
  // order.not_found, order.illegal_status, order.checkout_unfinished, order.unknown_item, order.nothing_left_to_ship,
  // idempotency.body_mismatch, idempotency.in_progress. Money that is only held is captured before the first parcel is
  // written: order.capture_failed, order.capture_unanswered; then nothing is shipped.
  Task<Result<Order>> ship(Context context, ShipOrder request);
  // Cash on delivery is settled before the commit, so a delivered order is paid. order.not_found, order.illegal_status,
  // order.not_paid, order.capture_failed, order.capture_unanswered. Twice is once.
  Task<Result<Order>> deliver(Context context, Uuid order_id);

 private:
  // Empty: money is held that must be captured first; nothing was done.
  Task<Result<std::optional<Order>>> try_ship(Context context, ShipOrder request, bool captured);
  Task<Result<void>> capture(Context context, Uuid order_id);
  Task<std::vector<rules::Remaining>> remaining(pg::Transaction& tx, Uuid order_id);
  Task<> save_parcel(pg::Transaction& tx, Context context, const LockedOrder& order, Uuid parcel_id, Parcel parcel,
                     std::vector<ShippedItem> items);
  Task<> save_status(pg::Transaction& tx, Context context, Uuid order_id, OrderStatus status,
                     std::optional<std::string> notes);
  // Reads the order and appends its event where its status changed.
  Task<Order> tell(pg::Transaction& tx, Uuid order_id, bool changed);
  Task<> commit(pg::Transaction& tx);

  pg::Pool& pool_;
  Repository& repository_;
  events::Outbox& outbox_;
  payment::Api& payments_;
};

}  // namespace souk::order
