#include "workers.hpp"

#include <algorithm>
#include <utility>

#include "json/json.hpp"
#include "services/order/errors.hpp"

namespace souk::order::simulation {
namespace {

using saga::Action;
using saga::Phase;
using saga::UndoAction;

constexpr Ms lease = 30 * second;
constexpr Ms run_time = 24 * second;
constexpr Ms request_time = 18 * second;
constexpr Ms call_limit = 2 * second;
constexpr Ms charge_limit = 12 * second;
constexpr Ms check_waiting_after = 30 * second;

Ms check_after(Ms age) { return std::clamp<Ms>(age / 4, 1 * second, 60 * second); }

bool is_open(Payments::State state) { return state == Payments::State::unknown || state == Payments::State::customer; }

// No money is there and none can come any more.
bool is_settled(Payments::State state) {
  using enum Payments::State;
  return state == none || state == closed || state == refused || state == cancelled || state == refunding ||
         state == refunded;
}

std::string_view said(What what) { return json::enum_name(what); }

}  // namespace

// --- who works

Workers::Ref Workers::hire(int order, int version, Ms time) {
  auto worker = std::make_shared<Worker>();
  worker->order = order;
  worker->number = static_cast<int>(workers_.size()) + 1;
  worker->version = version;
  worker->deadline = world_.now + time;
  workers_.push_back(worker);
  return worker;
}

void Workers::begin(int order) {
  auto& its = row(order);
  its.begun = true;
  its.created = world_.now;
  its.lease_until = its.check_at = world_.now + lease;
  const auto worker = hire(order, its.version, request_time);
  worker->state = saga::fresh(its.means != Means::nothing_due);
  world_.note("order {}: intent, {} pieces with {}; worker {} begins", order, its.pieces, name_of(its.means),
              worker->number);
  watch(order);
  step(worker);
}

void Workers::take(int order) {
  auto& its = row(order);
  if (!its.begun || its.over() || its.lease_until > world_.now) return;
  ++its.version;
  its.lease_until = its.check_at = world_.now + lease;
  const auto worker = hire(order, its.version, run_time);
  const auto refusal = its.undoing ? std::optional(errors::expired()) : std::nullopt;
  worker->state = saga::taken_over(its.phase, its.means != Means::nothing_due, refusal);
  world_.note("order {}: worker {} takes over", order, worker->number);
  step(worker);
}

void Workers::watch(int order) {
  const auto& its = row(order);
  const auto due = std::max(its.lease_until, its.check_at);
  world_.after(std::max<Ms>(due - world_.now, 0) + world_.dice.between(1, 2 * second), [this, order] {
    const auto& now = row(order);
    if (now.over()) return;
    if (std::max(now.lease_until, now.check_at) <= world_.now) take(order);
    watch(order);
  });
}

void Workers::cancel(int order) {
  auto& its = row(order);
  if (!its.written || its.cancelled) return;
  its.cancelled = true;
  its.undo_created = its.undo_lease_until = its.undo_check_at = world_.now;
  world_.note("order {}: cancelled", order);
  ++world_.tally.cancelled;
  watch_undo(order);
}

void Workers::watch_undo(int order) {
  const auto& its = row(order);
  const auto due = std::max(its.undo_lease_until, its.undo_check_at);
  world_.after(std::max<Ms>(due - world_.now, 0) + world_.dice.between(1, 2 * second), [this, order] {
    auto& now = row(order);
    if (now.returned) return;
    if (std::max(now.undo_lease_until, now.undo_check_at) <= world_.now) take_undo(order);
    watch_undo(order);
  });
}

void Workers::take_undo(int order) {
  auto& its = row(order);
  ++its.undo_version;
  its.undo_lease_until = its.undo_check_at = world_.now + lease;
  const auto worker = hire(order, its.undo_version, run_time);
  world_.note("order {}: worker {} undoes it", order, worker->number);
  step_undo(worker);
}

void Workers::kill_all() {
  world_.note("all workers are killed");
  for (const auto& worker : workers_) worker->alive = false;
}

// --- a step

bool Workers::killed(const Worker& worker, const char* action) {
  if (!world_.chance(2)) return false;
  ++world_.tally.kills;
  world_.note("order {}: worker {} is killed before {}", worker.order, worker.number, action);
  return true;
}

void Workers::step(const Ref& worker) {
  if (!worker->alive) return;
  const auto age = std::chrono::seconds((world_.now - row(worker->order).created) / second);
  auto action = saga::next(worker->state, age);
  if (action == Action::stop) {
    worker->alive = false;
    return;
  }
  if (world_.now >= worker->deadline) action = Action::hand_over;
  if (killed(*worker, json::enum_name(action).data())) {
    worker->alive = false;
    return;
  }
  ++world_.tally.actions[static_cast<std::size_t>(action)];
  const bool gateway = action == Action::charge || action == Action::ask_payment || action == Action::cancel_payment ||
                       action == Action::refund;
  const auto hear = [this, worker, action](What what) {
    worker->state = saga::after(std::move(worker->state), action, {what});
    if (what == What::overtaken) ++world_.tally.overtaken;
    tell_customer(*worker);
    const auto pause = worker->state.unanswered > 0 ? world_.dice.between(100, 2 * second) : 0;
    world_.after(pause, [this, worker] { step(worker); });
  };
  const auto perform_it = [this, worker, action] {
    const auto what = perform(*worker, action);
    world_.note("order {}: worker {}: {}: {}", worker->order, worker->number, json::enum_name(action), said(what));
    return what;
  };
  call(worker, gateway ? charge_limit : call_limit, perform_it, hear);
}

void Workers::call(const Ref& worker, Ms limit, std::function<What()> perform, std::function<void(What)> hear) {
  const int number = ++worker->call;
  const auto answer = [worker, number, hear = std::move(hear)](What what) {
    if (!worker->alive || worker->call != number) return;
    ++worker->call;
    hear(what);
  };
  const auto deliver = [this, answer, perform = std::move(perform)] {
    const auto what = perform();
    if (world_.chance(4)) {
      ++world_.tally.lost;
      world_.note("    its answer is lost");
    } else {
      world_.after(world_.delay(), [answer, what] { answer(what); });
    }
  };
  Ms until_sent = 0;
  if (world_.chance(2)) {
    ++world_.tally.stalls;
    until_sent = world_.dice.between(5 * second, 120 * second);
    world_.note("order {}: worker {} is held up for {} s", worker->order, worker->number, until_sent / second);
  }
  if (world_.chance(4)) {
    ++world_.tally.lost;
  } else {
    world_.after(until_sent + world_.delay(), deliver);
  }
  if (world_.chance(3)) {
    ++world_.tally.repeated;
    world_.after(until_sent + world_.dice.between(1, 60 * second), [this, deliver] {
      repeating_ = true;
      deliver();
      repeating_ = false;
    });
  }
  world_.after(until_sent + limit, [answer] { answer(What::no_answer); });
}

void Workers::tell_customer(const Worker& worker) {
  auto& its = row(worker.order);
  if (worker.state.phase == Phase::compensated) its.told_refusal = true;
  if (worker.state.phase == Phase::completing || worker.state.phase == Phase::completed) its.told_order = true;
}

// --- what is done

What Workers::perform(const Worker& worker, Action action) {
  const int order = worker.order;
  switch (action) {
    case Action::extend_hold: return world_.warehouse.extend(order, world_.now);
    case Action::reserve: return reserve(order);
    case Action::release: row(order).unheard_hold = false; return world_.warehouse.release(order);
    case Action::complete_stock: return world_.warehouse.complete(order);
    case Action::charge:
    case Action::ask_payment:
    case Action::cancel_payment:
    case Action::refund: return perform_money(order, action);
    case Action::finish_cart: return What::cart_finished;
    case Action::cancel_order: cancel(order); return What::order_cancelled;
    default: return perform_write(worker, action);
  }
}

What Workers::perform_money(int order, Action action) {
  const auto what = [&] {
    switch (action) {
      case Action::charge: return charge(order);
      case Action::ask_payment: return world_.payments.resolve(order, world_.fate());
      case Action::cancel_payment: return world_.payments.cancel(order, world_.fate());
      default: break;
    }
    const auto refunded = refund(order);
    // Under way, and the payment service's to finish.
    return refunded == What::no_answer ? What::money_refunded : refunded;
  }();
  tell(order);
  return what;
}

What Workers::reserve(int order) {
  const int before = world_.warehouse.held(order);
  const auto what = world_.warehouse.reserve(order, row(order).pieces, world_.now);
  if (repeating_ && before == 0 && world_.warehouse.held(order) > 0) row(order).unheard_hold = true;
  return what;
}

What Workers::charge(int order) {
  bool late = false;
  const auto means = row(order).means;
  const auto what = world_.payments.charge(order, means, world_.fate(), late);
  if (late) {
    ++world_.tally.late;
    world_.after(world_.dice.between(1 * second, 60 * second), [this, order, means] {
      world_.gateway.charge(order, means);
      world_.note("order {}: a late charge reaches the gateway", order);
    });
  }
  return what;
}

What Workers::refund(int order) {
  const auto what = world_.payments.refund(order, world_.fate());
  if (what == What::no_answer) {
    world_.after(world_.dice.between(1 * second, 60 * second), [this, order] { refund(order); });
  }
  return what;
}

What Workers::perform_write(const Worker& worker, Action action) {
  auto& its = row(worker.order);
  if (action == Action::write_order) return write_order(worker);
  if (action == Action::write_refusal) return write_refusal(worker);
  if (its.version != worker.version) return What::overtaken;
  if (action == Action::write_completed) {
    if (its.phase != Phase::completing && its.phase != Phase::completed) return What::overtaken;
    its.phase = Phase::completed;
    return What::completed;
  }
  const bool before_pivot = its.phase == Phase::running || its.phase == Phase::waiting;
  if (action == Action::write_undoing) {
    its.undoing = its.undoing || before_pivot;
    return before_pivot ? What::undoing_written : What::overtaken;
  }
  if (its.over() || (action == Action::park && !before_pivot)) return What::overtaken;
  if (action == Action::park) its.phase = Phase::waiting;
  its.lease_until = world_.now;
  its.check_at = world_.now + (action == Action::park ? check_waiting_after : check_after(world_.now - its.created));
  return action == Action::park ? What::parked : What::handed_over;
}

What Workers::write_order(const Worker& worker) {
  using enum Payments::State;
  auto& its = row(worker.order);
  if (its.version != worker.version) return What::overtaken;
  if (its.phase == Phase::completing || its.phase == Phase::completed) return What::order_written;
  if (its.over() || its.undoing) return What::overtaken;
  const auto money = world_.payments.state(worker.order);
  const bool paid = its.means == Means::nothing_due || money == captured || money == authorised || money == on_delivery;
  if (!paid) world_.broken("order {} is written without its money", worker.order);
  const auto hold = world_.warehouse.hold(worker.order);
  const bool held = hold == Warehouse::Hold::active || hold == Warehouse::Hold::lapsed;
  if (!held) world_.broken("order {} is written without its stock", worker.order);
  its.phase = Phase::completing;
  its.written = true;
  ++world_.tally.confirmed;
  return What::order_written;
}

What Workers::write_refusal(const Worker& worker) {
  auto& its = row(worker.order);
  if (its.version != worker.version) return What::overtaken;
  if (its.phase == Phase::compensated) return What::refusal_written;
  if (its.phase != Phase::running && its.phase != Phase::waiting) return What::overtaken;
  if (!is_settled(world_.payments.state(worker.order))) {
    world_.broken("order {} is refused while money is there or may come", worker.order);
  }
  if (world_.warehouse.held(worker.order) > 0 && !its.unheard_hold)
    world_.broken("order {} is refused with its stock", worker.order);
  its.phase = Phase::compensated;
  if (its.coupon) --world_.coupon_uses;
  its.coupon = false;
  ++world_.tally.refused;
  return What::refusal_written;
}

// --- an order that was cancelled

void Workers::step_undo(const Ref& worker) {
  if (!worker->alive) return;
  auto action = saga::next(worker->undo);
  if (action == UndoAction::stop) {
    worker->alive = false;
    return;
  }
  if (world_.now >= worker->deadline) action = UndoAction::hand_over;
  if (killed(*worker, json::enum_name(action).data())) {
    worker->alive = false;
    return;
  }
  ++world_.tally.undone[static_cast<std::size_t>(action)];
  const auto perform_it = [this, worker, action] {
    const auto what = perform_undo(*worker, action);
    world_.note("order {}: worker {}: {}: {}", worker->order, worker->number, json::enum_name(action), said(what));
    return what;
  };
  const auto hear = [this, worker, action](What what) {
    hear_undo(*worker, action, what);
    world_.after(worker->undo.unanswered > 0 ? world_.dice.between(100, 2 * second) : 0,
                 [this, worker] { step_undo(worker); });
  };
  call(worker, charge_limit, perform_it, hear);
}

What Workers::perform_undo(const Worker& worker, UndoAction action) {
  const int order = worker.order;
  auto& its = row(order);
  switch (action) {
    case UndoAction::complete_stock: return world_.warehouse.complete(order);
    case UndoAction::release_stock: return world_.warehouse.release(order);
    case UndoAction::return_stock: world_.warehouse.take_back(order); return What::stock_released;
    case UndoAction::cancel_payment: {
      const auto what = world_.payments.cancel(order, world_.fate());
      tell(order);
      return what;
    }
    case UndoAction::refund: {
      const auto what = refund(order);
      tell(order);
      return what;
    }
    case UndoAction::write_done:
      if (its.undo_version != worker.version) return What::overtaken;
      its.returned = true;
      return What::completed;
    case UndoAction::hand_over:
      if (its.undo_version == worker.version && !its.returned) {
        its.undo_lease_until = world_.now;
        its.undo_check_at = world_.now + check_after(world_.now - its.undo_created);
      }
      return What::handed_over;
    case UndoAction::stop: break;
  }
  std::unreachable();
}

void Workers::hear_undo(Worker& worker, UndoAction action, What what) {
  auto& undo = worker.undo;
  const bool answered = what != What::no_answer && what != What::money_uncertain;
  undo.unanswered = answered ? 0 : undo.unanswered + 1;
  if (action == UndoAction::hand_over) undo.resting = true;
  if (!answered) return;
  switch (what) {
    case What::stock_sold: undo.stock_sold = true; break;
    case What::stock_refused:
      undo.stock_gone = true;
      undo.stock_returned = undo.stock_released;
      break;
    case What::stock_released:
      (action == UndoAction::release_stock ? undo.stock_released : undo.stock_returned) = true;
      break;
    // An order that costs nothing has no payment, and asking for it closes it.
    case What::money_cancelled: undo.money = saga::Money::cancelled; break;
    case What::money_captured: undo.money = saga::Money::captured; break;
    case What::money_refused: undo.money = saga::Money::refused; break;
    case What::money_refunded: undo.money = saga::Money::refunded; break;
    case What::completed: undo.written = true; break;
    case What::overtaken: undo.resting = true; break;
    default: break;
  }
}

// --- the payment's own news

void Workers::poll(int order) {
  world_.after(world_.dice.between(20 * second, 60 * second), [this, order] {
    if (world_.payments.learn(order)) tell(order);
    const auto age = world_.now - row(order).created;
    // Nobody will charge any more: what the gateway has not heard of, it never will.
    const bool abandoned = world_.payments.state(order) == Payments::State::unknown && age > 20 * minute;
    if (abandoned) world_.payments.cancel(order, Fate::answered);
    if (!row(order).over() || is_open(world_.payments.state(order))) poll(order);
  });
}

void Workers::tell(int order) {
  const int times = world_.chance(10) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    world_.after(world_.delay(), [this, order] {
      auto& its = row(order);
      if (its.phase == Phase::compensated && world_.payments.state(order) == Payments::State::captured) {
        world_.note("order {}: a payment came after its end", order);
        if (refund(order) == What::no_answer) tell(order);
      }
      const bool waits = !its.over() && its.lease_until <= world_.now && its.check_at > world_.now;
      if (!waits) return;
      its.check_at = world_.now;
      take(order);
    });
  }
}

}  // namespace souk::order::simulation
