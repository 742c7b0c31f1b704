#include "saga.hpp"

#include <utility>

#include "core/seeded_bug.hpp"
#include "errors.hpp"

namespace souk::order::saga {
namespace {

bool has_money(Money money) {
  return money == Money::captured || money == Money::authorised || money == Money::on_delivery;
}

// No money was taken, or it was given back, and none can be taken any more.
bool is_settled(const State& state) {
  if (!state.needs_payment) return true;
  if (SOUK_SEEDED_BUG("order.undone_without_lookup") && state.money == Money::unknown) return true;
  return state.money == Money::untouched || state.money == Money::refused || state.money == Money::cancelled ||
         state.money == Money::refunded;
}

// Whoever asks for the money hears the same, now and later: nobody can make an order of this checkout any more.
bool is_refused_for_good(const State& state) {
  return state.money == Money::refused || state.money == Money::cancelled || state.money == Money::refunded;
}

// Money first: only when it is sure that none was taken the stock may go.
Action next_undoing(const State& state) {
  const bool nothing_held = state.stock == Stock::released ||
                            (state.alone && (state.stock == Stock::untouched || state.stock == Stock::refused));
  if (is_settled(state) && nothing_held) return Action::write_refusal;
  const bool must_write = !SOUK_SEEDED_BUG("order.undone_before_it_is_written");
  if (must_write && !state.undoing && !is_refused_for_good(state)) return Action::write_undoing;
  if (!is_settled(state)) return state.money == Money::captured ? Action::refund : Action::cancel_payment;
  return Action::release;
}

Action next_paying(const State& state, std::chrono::seconds age) {
  switch (state.money) {
    case Money::untouched:
    case Money::absent: return age < charge_within ? Action::charge : Action::write_undoing;
    case Money::unknown:
    case Money::uncertain: return Action::ask_payment;
    // The payment service looks again before it charges, and the gateway charges once for an order.
    case Money::unheard_of: return age < charge_within ? Action::charge : Action::ask_payment;
    case Money::needs_customer: return Action::park;
    case Money::captured:
    case Money::authorised:
    case Money::on_delivery: return Action::write_order;
    case Money::refused:
    case Money::cancelled:
    case Money::refunded: break;  // set the refusal: next_undoing
  }
  std::unreachable();
}

Action next_buying(const State& state, std::chrono::seconds age) {
  // Who takes over asks for the money first: a declined payment needs no stock.
  if (state.needs_payment && state.money == Money::unknown) return Action::ask_payment;
  const bool money_is_late = state.needs_payment && !has_money(state.money) && age >= money_within;
  if (money_is_late) return Action::write_undoing;
  switch (state.stock) {
    case Stock::untouched:
    case Stock::absent:
    case Stock::lapsed: return Action::reserve;
    case Stock::unknown: return Action::extend_hold;
    default: return state.needs_payment ? next_paying(state, age) : Action::write_order;
  }
}

Action next_completing(const State& state) {
  // The cart first, because its owner looks at it next; but a cart that does not answer must not hold up the stock.
  if (!state.cart_finished && state.unanswered == 0) return Action::finish_cart;
  if (state.stock == Stock::refused || state.stock == Stock::lost) return Action::cancel_order;
  if (state.stock != Stock::sold && state.stock != Stock::released) return Action::complete_stock;
  return state.cart_finished ? Action::write_completed : Action::finish_cart;
}

void refuse_with(State& state, Error error) {
  if (!state.refusal) state.refusal = std::move(error);
}

void note_stock(State& state, Stock stock, const Event& event) {
  state.stock = stock;
  if (stock == Stock::refused || stock == Stock::lost) {
    refuse_with(state, event.refusal.value_or(errors::hold_lost()));
  }
}

void note_money(State& state, Money money, Action action, const Event& event) {
  state.money = money;
  if (money == Money::refused) refuse_with(state, event.refusal.value_or(errors::declined("")));
  // Cancelled by us, because it took too long, or by the customer.
  if (money == Money::cancelled) {
    refuse_with(state, action == Action::cancel_payment ? errors::expired() : errors::cancelled());
  }
  if (money == Money::refunded) refuse_with(state, errors::cancelled());
}

void note_no_answer(State& state, Action action) {
  ++state.unanswered;
  state.alone = false;
  // The charge may have happened.
  if (action == Action::charge) state.money = Money::uncertain;
  // Whether it was written or not: the lease ends by itself.
  if (action == Action::park || action == Action::hand_over) state.resting = true;
}

}  // namespace

State fresh(bool needs_payment) { return State{.needs_payment = needs_payment}; }

State taken_over(Phase phase, bool needs_payment, std::optional<Error> refusal) {
  const bool undoing = refusal.has_value();
  return State{.phase = phase,
               .needs_payment = needs_payment,
               .stock = Stock::unknown,
               .money = Money::unknown,
               .refusal = std::move(refusal),
               .undoing = undoing,
               .alone = false};
}

Action next(const State& state, std::chrono::seconds age) {
  if (state.resting || state.phase == Phase::completed || state.phase == Phase::compensated) return Action::stop;
  if (state.unanswered >= most_unanswered) return Action::hand_over;
  if (state.phase == Phase::completing) return next_completing(state);
  return state.refusal ? next_undoing(state) : next_buying(state, age);
}

State after(State state, Action action, const Event& event) {
  const bool uncertain = event.what == What::no_answer || event.what == What::money_uncertain;
  if (!uncertain) state.unanswered = 0;
  switch (event.what) {
    case What::stock_held: note_stock(state, Stock::held, event); break;
    case What::stock_absent: note_stock(state, Stock::absent, event); break;
    case What::stock_lapsed: note_stock(state, Stock::lapsed, event); break;
    case What::stock_refused: note_stock(state, Stock::refused, event); break;
    case What::stock_lost: note_stock(state, Stock::lost, event); break;
    case What::stock_released: note_stock(state, Stock::released, event); break;
    case What::stock_sold: note_stock(state, Stock::sold, event); break;
    case What::money_absent: note_money(state, Money::absent, action, event); break;
    case What::money_uncertain:
      note_money(state, action == Action::ask_payment ? Money::unheard_of : Money::uncertain, action, event);
      ++state.unanswered;
      break;
    case What::money_needs_customer: note_money(state, Money::needs_customer, action, event); break;
    case What::money_captured: note_money(state, Money::captured, action, event); break;
    case What::money_authorised: note_money(state, Money::authorised, action, event); break;
    case What::money_on_delivery: note_money(state, Money::on_delivery, action, event); break;
    case What::money_refused: note_money(state, Money::refused, action, event); break;
    case What::money_cancelled: note_money(state, Money::cancelled, action, event); break;
    case What::money_refunded: note_money(state, Money::refunded, action, event); break;
    case What::order_written: state.phase = Phase::completing; break;
    case What::undoing_written:
      refuse_with(state, errors::expired());
      state.undoing = true;
      break;
    case What::refusal_written: state.phase = Phase::compensated; break;
    case What::order_cancelled: state.stock = Stock::released; break;
    case What::cart_finished: state.cart_finished = true; break;
    case What::completed: state.phase = Phase::completed; break;
    case What::parked:
      state.phase = Phase::waiting;
      state.resting = true;
      break;
    case What::overtaken: state.overtaken = state.resting = true; break;
    case What::handed_over: state.resting = true; break;
    case What::no_answer: note_no_answer(state, action); break;
  }
  return state;
}

bool decided(const State& state) {
  return state.resting || (state.phase != Phase::running && state.phase != Phase::waiting);
}

UndoAction next(const Cancellation& state) {
  if (state.resting || state.written) return UndoAction::stop;
  if (state.unanswered >= most_unanswered) return UndoAction::hand_over;
  if (!state.stock_returned) {
    if (state.stock_sold) return UndoAction::return_stock;
    // Asked once more after the release, because a worker who was held up may have sold it just before.
    return state.stock_gone && !state.stock_released ? UndoAction::release_stock : UndoAction::complete_stock;
  }
  switch (state.money) {
    case Money::captured:
      return SOUK_SEEDED_BUG("order.cancelled_without_refund") ? UndoAction::write_done : UndoAction::refund;
    case Money::absent:
    case Money::refused:
    case Money::cancelled:
    case Money::refunded: return UndoAction::write_done;
    default: return UndoAction::cancel_payment;
  }
}

}  // namespace souk::order::saga
