#pragma once

#include <functional>
#include <optional>

#include "core/context.hpp"
#include "events/outbox.hpp"
#include "inventory/api.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "return_repository.hpp"

namespace souk::order {

// Goods that come back. What is decided is decided under the order's lock, so that returns at the same time do not take
// back more than was bought. Receiving one is the first durable point of a saga: its values, its event, and the row
// that recovery goes on with; stock and money follow, each idempotent by the return's id.
class Returns {
 public:
  Returns(pg::Pool& pool, Repository& orders, ReturnRepository& repository, events::Outbox& outbox,
          inventory::Api& inventory, payment::Api& payments)
      : pool_(pool),
        orders_(orders),
        repository_(repository),
        outbox_(outbox),
        inventory_(inventory),
        payments_(payments) {}

  // order.not_found where `may` says so; see Api for the others.
  Task<Result<Return>> request(Context context, RequestReturn request, std::function<bool(const LockedOrder&)> may);
  Task<Result<Return>> decide(Context context, DecideReturn request);
  struct Received {
    Return returned;
    bool changed = false;  // false: it was received before
  };
  Task<Result<Received>> receive(Context context, ReceiveReturn request);

  // Gives stock and money back, or hands over to recovery.
  Task<> run(Context context, OpenReturn open);
  // An order of which everything has come back and all money was given back becomes `refunded`.
  Task<> close_order(Context context, Uuid order_id);

 private:
  // False: not done, to be tried again.
  Task<bool> go_on(Context context, OpenReturn open);
  Task<bool> restock(Context context, const Return& returned);
  // What was given back; empty while it is not known.
  Task<std::optional<Amount>> refund(Context context, const Return& returned);
  Task<> write_refunded(Context context, OpenReturn open, const Return& returned, Amount refunded);
  Task<> close(pg::Transaction& tx, Context context, Uuid order_id);

  pg::Pool& pool_;
  Repository& orders_;
  ReturnRepository& repository_;
  events::Outbox& outbox_;
  inventory::Api& inventory_;
  payment::Api& payments_;
};

}  // namespace souk::order
