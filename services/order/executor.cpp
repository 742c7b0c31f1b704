#include "executor.hpp"

#include <algorithm>

#include "answers.hpp"
#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "errors.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"
#include "telemetry/trace.hpp"

namespace souk::order {
namespace {

using namespace std::chrono_literals;
using saga::Action;
using saga::Event;
using saga::What;

constexpr Duration commit_limit = 6s;  // what must not be left half done
constexpr std::int64_t hold_seconds = 900;

// Each sellable item once, in the order of the lines.
std::vector<inventory::ReserveLine> to_reserve(const Details& details) {
  std::vector<inventory::ReserveLine> wanted;
  for (const auto& line : details.lines) {
    const auto known = std::ranges::find(wanted, line.sellable_id, &inventory::ReserveLine::product_id);
    if (known == wanted.end()) {
      wanted.push_back({line.sellable_id, line.quantity});
    } else {
      known->quantity += line.quantity;
    }
  }
  return wanted;
}

// The inventory's words on "items[N]" of what was reserved, as words on the cart's lines with their names.
Error short_of(const Details& details, const std::vector<inventory::ReserveLine>& wanted, const Error& error) {
  std::vector<FieldError> items;
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    const auto field = "items[" + std::to_string(n) + "]";
    const auto said = std::ranges::find_if(error.errors, [&](const auto& e) { return e.field.starts_with(field); });
    if (said == error.errors.end() && !error.errors.empty()) continue;
    const auto line = std::ranges::find(details.lines, wanted[n].product_id, &BoughtLine::sellable_id);
    const auto position = line - details.lines.begin();
    const auto why = said == error.errors.end() ? std::string("not enough is left") : said->detail;
    items.push_back({fmt::format("items[{}]", position), "insufficient_stock",
                     fmt::format("{} ({}): {}", line->name, line->sellable_id, why)});
  }
  return errors::insufficient_stock(std::move(items)).error();
}

PaymentStatus payment_status(const saga::State& state) {
  const bool paid = !state.needs_payment || state.money == saga::Money::captured;
  return paid ? PaymentStatus::paid : PaymentStatus::pending;
}

}  // namespace

Run Run::fresh(Checkpoint checkpoint) {
  const bool needs_payment = checkpoint.details.total > Amount();
  return {.checkpoint = std::move(checkpoint), .state = saga::fresh(needs_payment)};
}

Run Run::taken_over(Checkpoint checkpoint) {
  const auto state = saga::taken_over(checkpoint.phase, checkpoint.details.total > Amount(), checkpoint.refusal);
  return {.checkpoint = std::move(checkpoint), .state = state};
}

std::chrono::seconds Run::age() const {
  return checkpoint.age + std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
}

Task<> Executor::decide(Context context, Run& run) {
  const auto service = context.as_service("order");
  while (!saga::decided(run.state)) co_await step(service, run, saga::next(run.state, run.age()));
}

Task<> Executor::complete(Context context, Run& run) {
  const auto service = context.as_service("order");
  for (;;) {
    const auto action = saga::next(run.state, run.age());
    if (run.state.phase != saga::Phase::completing || action == Action::stop) co_return;
    co_await step(service, run, action);
  }
}

Task<> Executor::finish_cart(Context context, Run& run) {
  if (saga::next(run.state, run.age()) == Action::finish_cart) {
    co_await step(context.as_service("order"), run, Action::finish_cart);
  }
}

Task<> Executor::step(Context context, Run& run, Action action) {
  if (context.expired()) action = Action::hand_over;
  if (run.state.unanswered > 0 && action != Action::hand_over) co_await answers::pause(context, run.state.unanswered);
  trace::Span span(context, trace::Kind::internal, "checkout", json::enum_name(action));
  auto event = co_await perform(span.context(context), run, action);
  span.end();
  run.state = saga::after(std::move(run.state), action, event);
  run.checkpoint.phase = run.state.phase;
  if (event.what == What::no_answer || event.what == What::overtaken || event.what == What::handed_over) {
    log::info(context, "checkout saga goes on later", log::kv("order_id", run.checkpoint.id), log::kv("action", action),
              log::kv("what", event.what));
  }
}

// Whatever says that nothing is known becomes no_answer; other exceptions end the run.
Task<Event> Executor::perform(Context context, Run& run, Action action) {
  std::string reason;
  try {
    switch (action) {
      case Action::extend_hold:
      case Action::reserve:
      case Action::release:
      case Action::complete_stock: co_return co_await perform_stock(context, run, action);
      case Action::charge:
      case Action::ask_payment:
      case Action::cancel_payment:
      case Action::refund: co_return co_await perform_money(context, run, action);
      default: co_return co_await perform_write(context, run, action);
    }
  } catch (...) {
    reason = answers::reason_of_no_answer(std::current_exception());
  }
  log::warning(context, "no answer", log::kv("action", action), log::kv("reason", reason));
  co_return Event{What::no_answer};
}

Task<Event> Executor::perform_stock(Context context, Run& run, Action action) {
  context = context.limited(answers::call_limit);
  switch (action) {
    case Action::extend_hold: co_return co_await extend_hold(context, run);
    case Action::reserve: co_return co_await reserve(context, run);
    case Action::complete_stock: co_return co_await complete_stock(context, run);
    default: break;
  }
  SOUK_FAILPOINT("order.before_release");
  const auto released = co_await apis_.inventory.release(context, {.order_id = run.checkpoint.id});
  SOUK_FAILPOINT("order.after_release");
  co_return Event{released ? What::stock_released : What::no_answer};
}

Task<Event> Executor::extend_hold(Context context, Run& run) {
  const auto extended =
      co_await apis_.inventory.extend(context, {.order_id = run.checkpoint.id, .hold_seconds = hold_seconds});
  if (extended) co_return Event{What::stock_held};
  if (answers::is_no_answer(extended.error())) co_return Event{What::no_answer};
  // Why it could not be extended: there is none, it ran out, it was released, it is sold already.
  const auto found = co_await apis_.inventory.get_reservation(context, {.order_id = run.checkpoint.id});
  if (!found) co_return Event{answers::is_no_answer(found.error()) ? What::no_answer : What::stock_absent};
  switch (found->status) {
    case inventory::ReservationStatus::active: co_return Event{What::no_answer};  // changed in between
    case inventory::ReservationStatus::completed: co_return Event{What::stock_held};
    case inventory::ReservationStatus::expired: co_return Event{What::stock_lapsed};
    case inventory::ReservationStatus::cancelled: co_return Event{What::stock_lost, errors::cancelled()};
  }
  std::unreachable();
}

Task<Event> Executor::reserve(Context context, Run& run) {
  auto wanted = to_reserve(run.checkpoint.details);
  SOUK_FAILPOINT("order.before_reserve");
  inventory::Reserve request{.order_id = run.checkpoint.id, .lines = wanted, .hold_seconds = hold_seconds};
  const auto reserved = co_await apis_.inventory.reserve(context, std::move(request));
  SOUK_FAILPOINT("order.after_reserve");
  if (reserved) co_return Event{What::stock_held};
  if (answers::is_no_answer(reserved.error())) co_return Event{What::no_answer};
  if (reserved.error().code == "inventory.reservation_closed") co_return Event{What::stock_lost};
  co_return Event{What::stock_refused, short_of(run.checkpoint.details, wanted, reserved.error())};
}

Task<Event> Executor::complete_stock(Context context, Run& run) {
  SOUK_FAILPOINT("order.before_complete");
  const auto completed = co_await apis_.inventory.complete(context, {.order_id = run.checkpoint.id});
  SOUK_FAILPOINT("order.after_complete");
  if (completed) co_return Event{What::stock_sold};
  co_return Event{answers::is_no_answer(completed.error()) ? What::no_answer : What::stock_refused};
}

Task<Event> Executor::perform_money(Context context, Run& run, Action action) {
  const payment::OrderRef order{.order_id = run.checkpoint.id};
  if (action == Action::charge) co_return co_await charge(context.limited(answers::charge_limit), run);
  if (action == Action::refund) co_return co_await refund(context.limited(answers::charge_limit), run);
  // Both may have to ask the gateway.
  const auto limited = context.limited(answers::charge_limit);
  if (action == Action::cancel_payment) SOUK_FAILPOINT("order.before_cancel_payment");
  const auto payment = action == Action::ask_payment ? co_await apis_.payments.resolve(limited, order)
                                                     : co_await apis_.payments.cancel(limited, order);
  if (action == Action::cancel_payment) SOUK_FAILPOINT("order.after_cancel_payment");
  if (!payment) {
    if (answers::is_no_answer(payment.error())) co_return Event{What::no_answer};
    co_return Event{action == Action::ask_payment ? What::money_absent : What::money_cancelled};
  }
  run.checkpoint.next_action = payment->next_action;
  run.gateway = payment->payment_gateway;
  co_return answers::heard(*payment);
}

Task<Event> Executor::charge(Context context, Run& run) {
  const auto& details = run.checkpoint.details;
  payment::Charge request{.order_id = run.checkpoint.id,
                          .user_id = details.user_id,
                          .amount = details.total,
                          .currency = details.currency,
                          .method = details.payment_method,
                          .gateway = details.gateway,
                          .token = run.checkpoint.payment_token,
                          .payment_method_id = details.payment_method_id};
  if (!options_.return_url_base.empty()) {
    request.return_url =
        fmt::format("{}/v1/checkouts/{}/return?access_token={}", options_.return_url_base,
                    run.checkpoint.id.to_string(), rules::access_token(options_.secret, run.checkpoint.id));
  }
  SOUK_FAILPOINT("order.before_charge");
  const auto payment = co_await apis_.payments.charge(context, std::move(request));
  SOUK_FAILPOINT("order.after_charge");
  if (!payment) {
    if (answers::is_no_answer(payment.error())) co_return Event{What::no_answer};
    co_return Event{What::money_refused, payment.error()};
  }
  run.checkpoint.next_action = payment->next_action;
  run.gateway = payment->payment_gateway;
  co_return answers::heard(*payment);
}

Task<Event> Executor::refund(Context context, Run& run) {
  SOUK_FAILPOINT("order.before_refund");
  payment::RefundPayment request{.order_id = run.checkpoint.id, .cause = "compensation"};
  const auto refund = co_await apis_.payments.refund(context, std::move(request));
  SOUK_FAILPOINT("order.after_refund");
  // A refund that is on its way is the payment service's to finish.
  if (refund) co_return Event{refund->status == payment::RefundStatus::failed ? What::no_answer : What::money_refunded};
  // It is not captured after all: whatever it is, ask.
  co_return Event{answers::is_no_answer(refund.error()) ? What::no_answer : What::money_uncertain};
}

Task<Event> Executor::perform_write(Context context, Run& run, Action action) {
  switch (action) {
    case Action::write_order: co_return co_await write_order(run);
    case Action::write_undoing: co_return co_await write_undoing(context, run);
    case Action::write_refusal: co_return co_await write_refusal(run);
    case Action::park:
    case Action::hand_over: co_return co_await give_up(context, run, action);
    case Action::cancel_order: co_return co_await cancel_order(context, run);
    case Action::finish_cart: break;
    case Action::write_completed: {
      co_await note_capture(context, run);
      const auto done = co_await writes_.write_completed({run.checkpoint.id, run.checkpoint.step_version});
      co_return Event{done.written ? What::completed : What::overtaken};
    }
    default: throw std::logic_error("an action that nobody performs");
  }
  const auto& details = run.checkpoint.details;
  cart::FinishCheckout request{
      .cart_id = details.cart_id, .user_id = details.cart_user_id, .version = details.cart_version};
  for (const auto& line : details.lines) {
    request.lines.push_back({line.item_id, line.product_id, line.variant_id, line.quantity});
  }
  SOUK_FAILPOINT("order.before_finish_cart");
  const auto finished = co_await apis_.carts.finish_checkout(context.limited(answers::call_limit), std::move(request));
  SOUK_FAILPOINT("order.after_finish_cart");
  co_return Event{finished ? What::cart_finished : What::no_answer};
}

// What was held may have been captured while there was no order yet to write it on: the event of that is gone by.
Task<> Executor::note_capture(Context context, const Run& run) {
  const auto& checkpoint = run.checkpoint;
  const bool held =
      checkpoint.payment_status == PaymentStatus::pending && checkpoint.details.payment_method != payment::Method::cod;
  if (!held) co_return;
  const auto payment =
      co_await apis_.payments.get_payment(context.limited(answers::call_limit), {.order_id = checkpoint.id});
  if (!payment) throw Unavailable("the order's payment cannot be read: " + payment.error().code);
  co_await sagas_.note_payments(context, {{checkpoint.id, answers::payment_status_after(payment->status)}});
}

Task<Event> Executor::write_order(Run& run) {
  auto& checkpoint = run.checkpoint;
  OrderToWrite order{.id = checkpoint.id,
                     .step_version = checkpoint.step_version,
                     .details = checkpoint.details,
                     .payment_status = payment_status(run.state),
                     .gateway = run.gateway};
  const auto written = co_await writes_.write_order(std::move(order));
  if (!written.confirmed_at) co_return Event{What::overtaken};
  checkpoint.confirmed_at = written.confirmed_at;
  checkpoint.payment_status = payment_status(run.state);
  co_return Event{What::order_written};
}

Task<Event> Executor::write_undoing(Context context, Run& run) {
  const Step step{run.checkpoint.id, run.checkpoint.step_version};
  SOUK_FAILPOINT("order.before_undoing_commit");
  const bool written = co_await sagas_.write_undoing(context.limited(answers::call_limit), step,
                                                     run.state.refusal.value_or(errors::expired()));
  SOUK_FAILPOINT("order.after_undoing_commit");
  co_return Event{written ? What::undoing_written : What::overtaken};
}

Task<Event> Executor::write_refusal(Run& run) {
  auto& checkpoint = run.checkpoint;
  checkpoint.refusal = run.state.refusal;
  RefusalToWrite refusal{.id = checkpoint.id, .step_version = checkpoint.step_version, .refusal = *run.state.refusal};
  const auto written = co_await writes_.write_refusal(std::move(refusal));
  co_return Event{written.written ? What::refusal_written : What::overtaken};
}

// Also when the request's time is over.
Task<Event> Executor::give_up(Context context, Run& run, Action action) {
  const Step step{run.checkpoint.id, run.checkpoint.step_version};
  context = context.extended(answers::call_limit);
  if (action == Action::park) {
    const bool parked = co_await sagas_.park(context, step, run.checkpoint.next_action, options_.check_waiting_after);
    co_return Event{parked ? What::parked : What::overtaken};
  }
  const bool given = co_await sagas_.hand_over(context, step, answers::check_after(run.age()));
  co_return Event{given ? What::handed_over : What::overtaken};
}

// The hold ran out after the order was written, and others bought what was left: all that can be done is to say so.
Task<Event> Executor::cancel_order(Context context, Run& run) {
  log::error(context, "a confirmed order has no stock", log::kv("order_id", run.checkpoint.id));
  const auto cancelled =
      co_await cancellations_.cancel(context.extended(commit_limit), run.checkpoint.id, "stock_lost",
                                     "Some items are no longer in stock.", [](const LockedOrder&) { return true; });
  co_return Event{cancelled || !answers::is_no_answer(cancelled.error()) ? What::order_cancelled : What::no_answer};
}

}  // namespace souk::order
