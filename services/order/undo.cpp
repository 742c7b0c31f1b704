#include "undo.hpp"

#include "answers.hpp"
#include "core/failpoint.hpp"
#include "telemetry/log.hpp"

namespace souk::order {
namespace {

using saga::Money;
using saga::UndoAction;
using saga::What;

constexpr const char* cause = "cancel";  // of the returned stock and the refund

Money money_of(What what) {
  switch (what) {
    case What::money_captured: return Money::captured;
    case What::money_refunded: return Money::refunded;
    case What::money_refused: return Money::refused;
    case What::money_cancelled: return Money::cancelled;
    default: return Money::uncertain;
  }
}

}  // namespace

Task<> Undo::run(Context context, OpenCancellation cancellation) {
  const auto service = context.as_service("order");
  State state{.cancellation = cancellation, .saga = {}, .sold = {}};
  for (;;) {
    const auto action = service.expired() ? UndoAction::hand_over : saga::next(state.saga);
    if (state.saga.resting || action == UndoAction::stop) co_return;
    const bool answered = co_await step(service, state, action);
    state.saga.unanswered = answered ? 0 : state.saga.unanswered + 1;
  }
}

Task<bool> Undo::step(Context context, State& state, UndoAction action) {
  if (state.saga.unanswered > 0 && action != UndoAction::hand_over) {
    co_await answers::pause(context, state.saga.unanswered);
  }
  std::string reason;
  try {
    co_return co_await perform(context, state, action);
  } catch (...) {
    reason = answers::reason_of_no_answer(std::current_exception());
  }
  log::warning(context, "no answer", log::kv("action", action), log::kv("reason", reason));
  if (action == UndoAction::hand_over) state.saga.resting = true;
  co_return false;
}

Task<bool> Undo::perform(Context context, State& state, UndoAction action) {
  switch (action) {
    case UndoAction::complete_stock: co_return co_await complete_stock(context.limited(answers::call_limit), state);
    case UndoAction::return_stock: co_return co_await return_stock(context.limited(answers::call_limit), state);
    case UndoAction::release_stock: co_return co_await release_stock(context.limited(answers::call_limit), state);
    case UndoAction::cancel_payment: co_return co_await cancel_payment(context.limited(answers::charge_limit), state);
    case UndoAction::refund: co_return co_await refund(context.limited(answers::charge_limit), state);
    case UndoAction::write_done: co_return co_await write_done(context, state);
    case UndoAction::hand_over:
      co_await sagas_.hand_over(context.extended(answers::call_limit), state.cancellation,
                                answers::check_after(state.cancellation.age));
      state.saga.resting = true;
      break;
    case UndoAction::stop: break;
  }
  co_return true;
}

// The checkout that bought it may not have come so far yet. Sold first and returned then is the same in every case, and
// cannot cross with the checkout's own step.
Task<bool> Undo::complete_stock(Context context, State& state) {
  const auto completed = co_await inventory_.complete(context, {.order_id = state.cancellation.order_id});
  if (!completed && answers::is_no_answer(completed.error())) co_return false;
  // Nothing was held any more: nothing comes back.
  state.saga.stock_returned = !completed && state.saga.stock_released;
  state.saga.stock_gone = !completed;
  if (completed) {
    for (const auto& line : completed->lines) state.sold.push_back({line.product_id, line.quantity});
    state.saga.stock_sold = true;
  }
  co_return true;
}

// A hold that lapsed must not be sold later by a worker of the checkout who was held up.
Task<bool> Undo::release_stock(Context context, State& state) {
  const auto released = co_await inventory_.release(context, {.order_id = state.cancellation.order_id});
  state.saga.stock_released = released.has_value();
  co_return released.has_value();
}

Task<bool> Undo::return_stock(Context context, State& state) {
  SOUK_FAILPOINT("order.before_return_stock");
  inventory::ReturnStock request{.order_id = state.cancellation.order_id, .lines = state.sold, .cause = cause};
  const auto returned = co_await inventory_.return_stock(context, std::move(request));
  SOUK_FAILPOINT("order.after_return_stock");
  if (!returned) {
    log::error(context, "stock of a cancelled order cannot be returned",
               log::kv("order_id", state.cancellation.order_id), log::kv("code", returned.error().code));
    co_return false;
  }
  state.saga.stock_returned = true;
  co_return true;
}

Task<bool> Undo::cancel_payment(Context context, State& state) {
  const auto payment = co_await payments_.cancel(context, {.order_id = state.cancellation.order_id});
  if (!payment && answers::is_no_answer(payment.error())) co_return false;
  // An order of total 0 has none.
  state.saga.money = payment ? money_of(answers::heard(*payment).what) : Money::absent;
  co_return state.saga.money != Money::uncertain;
}

Task<bool> Undo::refund(Context context, State& state) {
  SOUK_FAILPOINT("order.before_cancel_refund");
  payment::RefundPayment request{.order_id = state.cancellation.order_id, .cause = cause};
  const auto refund = co_await payments_.refund(context, std::move(request));
  SOUK_FAILPOINT("order.after_cancel_refund");
  if (refund && refund->status == payment::RefundStatus::succeeded) {
    state.saga.money = Money::refunded;
    co_return true;
  }
  // On its way: recovery looks again until it has arrived.
  if (!refund || refund->status == payment::RefundStatus::failed) {
    log::error(context, "a cancelled order is not refunded yet", log::kv("order_id", state.cancellation.order_id),
               log::kv("code", refund ? std::string("payment.refund_failed") : refund.error().code));
  }
  co_return false;
}

Task<bool> Undo::write_done(Context context, State& state) {
  SOUK_FAILPOINT("order.before_cancelled_commit");
  const bool written =
      co_await sagas_.write_cancelled(context, state.cancellation, state.saga.money == Money::refunded);
  SOUK_FAILPOINT("order.after_cancelled_commit");
  // Not written: another worker has it.
  state.saga.written = written;
  state.saga.resting = !written;
  co_return true;
}

}  // namespace souk::order
