#include "cancellations.hpp"

#include "core/failpoint.hpp"
#include "core/seeded_bug.hpp"
#include "details.hpp"
#include "errors.hpp"
#include "rules.hpp"

namespace souk::order {

Task<Result<Cancellations::Cancelled>> Cancellations::cancel(Context context, Uuid order_id, std::string cause,
                                                             std::optional<std::string> notes,
                                                             std::function<bool(const LockedOrder&)> may) {
  auto tx = co_await pool_.begin(context);
  const auto locked = co_await repository_.lock(tx, order_id);
  if (!locked || !may(*locked)) co_return errors::order_not_found();
  SOUK_CO_TRY(const auto status, rules::after_cancel(locked->status));
  const bool changed = status != locked->status;
  // A part that is on its way cannot come back into the stock by cancelling.
  if (changed && locked->parcels > 0) co_return errors::already_shipped();
  if (changed) {
    co_await repository_.save_cancelled(tx, order_id, context.caller().to_string(), std::move(notes));
    co_await repository_.start_cancellation(tx, order_id, std::move(cause));
  }
  auto order = co_await repository_.get(tx, order_id);
  if (SOUK_SEEDED_BUG("order.event_outside_the_transaction")) {
    co_await tx.commit();
    tx = co_await pool_.begin(context);
  }
  if (changed) co_await outbox_.append(tx, "order.cancelled", order_id.to_string(), event_of(order));
  SOUK_FAILPOINT("order.before_cancel_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("order.after_cancel_commit");
  outbox_.committed();
  co_return Cancelled{std::move(order), changed};
}

}  // namespace souk::order
