#include "participants.hpp"

#include <algorithm>
#include <utility>

namespace souk::order::simulation {
namespace {

constexpr Ms hold_time = 15 * minute;

}  // namespace

// --- the warehouse

What Warehouse::reserve(int order, int pieces, Ms now) {
  auto& entry = entries_[order];
  if (entry.hold == Hold::released) return What::stock_lost;
  if (entry.hold == Hold::active || entry.hold == Hold::sold || entry.hold == Hold::returned) return What::stock_held;
  if (free() < pieces) return What::stock_refused;
  entry.hold = Hold::active;
  entry.pieces = pieces;
  entry.until = now + hold_time;
  return What::stock_held;
}

What Warehouse::extend(int order, Ms now) {
  auto& entry = entries_[order];
  switch (entry.hold) {
    case Hold::none: return What::stock_absent;
    case Hold::lapsed: return What::stock_lapsed;
    case Hold::released: return What::stock_lost;
    case Hold::active: entry.until = std::max(entry.until, now + hold_time); return What::stock_held;
    case Hold::sold:
    case Hold::returned: return What::stock_held;
  }
  std::unreachable();
}

What Warehouse::complete(int order) {
  auto& entry = entries_[order];
  if (entry.hold == Hold::sold || entry.hold == Hold::returned) return What::stock_sold;
  // A lapsed hold is sold from the shelf, if it still is there.
  const bool there = entry.hold == Hold::active || (entry.hold == Hold::lapsed && free() >= entry.pieces);
  if (!there) return What::stock_refused;
  entry.hold = Hold::sold;
  pieces_ -= entry.pieces;
  ++entry.sales;
  return What::stock_sold;
}

What Warehouse::release(int order) {
  auto& entry = entries_[order];
  if (entry.hold != Hold::sold && entry.hold != Hold::returned) entry.hold = Hold::released;
  return What::stock_released;
}

void Warehouse::take_back(int order) {
  auto& entry = entries_[order];
  if (entry.hold != Hold::sold) return;
  entry.hold = Hold::returned;
  pieces_ += entry.pieces;
  ++entry.returns;
}

void Warehouse::sweep(Ms now) {
  for (auto& [order, entry] : entries_) {
    if (entry.hold == Hold::active && entry.until <= now) entry.hold = Hold::lapsed;
  }
}

void Warehouse::lapse(int order) {
  auto& entry = entries_[order];
  if (entry.hold == Hold::active) entry.hold = Hold::lapsed;
}

bool Warehouse::take(int pieces) {
  if (free() < pieces) return false;
  pieces_ -= pieces;
  taken_ += pieces;
  return true;
}

void Warehouse::restock(int pieces) {
  pieces_ += pieces;
  stocked_ += pieces;
}

int Warehouse::reserved() const {
  int sum = 0;
  for (const auto& [order, entry] : entries_) sum += entry.hold == Hold::active ? entry.pieces : 0;
  return sum;
}

Warehouse::Hold Warehouse::hold(int order) const {
  const auto found = entries_.find(order);
  return found == entries_.end() ? Hold::none : found->second.hold;
}

int Warehouse::held(int order) const {
  const auto found = entries_.find(order);
  const bool holds =
      found != entries_.end() && (found->second.hold == Hold::active || found->second.hold == Hold::sold);
  return holds ? found->second.pieces : 0;
}

int Warehouse::sales(int order) const { return entries_.contains(order) ? entries_.at(order).sales : 0; }
int Warehouse::returns(int order) const { return entries_.contains(order) ? entries_.at(order).returns : 0; }

// --- the gateway

const char* name_of(Means means) {
  switch (means) {
    case Means::good_card: return "a good card";
    case Means::declined_card: return "a card that is declined";
    case Means::holding_card: return "a card that only holds the money";
    case Means::asking_card: return "a card that asks its owner";
    case Means::asking_holding_card: return "a card that asks its owner and only holds the money";
    case Means::cash: return "cash on delivery";
    case Means::nothing_due: return "nothing to pay";
  }
  std::unreachable();
}

void Gateway::charge(int order, Means means) {
  auto& account = accounts_[order];
  if (account.state != State::unheard_of) return;
  switch (means) {
    case Means::good_card:
      account.state = State::captured;
      ++account.captures;
      break;
    case Means::declined_card: account.state = State::refused; break;
    case Means::holding_card: account.state = State::authorised; break;
    case Means::asking_card:
    case Means::asking_holding_card: account.state = State::customer; break;
    case Means::cash:
    case Means::nothing_due: break;
  }
}

bool Gateway::act(int order, Means means, bool approves) {
  auto& account = accounts_[order];
  if (account.state != State::customer) return false;
  const bool captures = approves && means == Means::asking_card;
  account.state = !approves ? State::refused : captures ? State::captured : State::authorised;
  account.captures += captures ? 1 : 0;
  return true;
}

void Gateway::capture(int order) {
  auto& account = accounts_[order];
  if (account.state != State::authorised) return;
  account.state = State::captured;
  ++account.captures;
}

void Gateway::cancel(int order) {
  auto& account = accounts_[order];
  const bool open =
      account.state == State::unheard_of || account.state == State::customer || account.state == State::authorised;
  if (open) account.state = State::cancelled;
}

void Gateway::refund(int order) {
  auto& account = accounts_[order];
  if (account.state != State::captured) return;
  account.state = State::refunded;
  ++account.refunds;
}

const Gateway::Account& Gateway::account(int order) const {
  static const Account nothing;
  const auto found = accounts_.find(order);
  return found == accounts_.end() ? nothing : found->second;
}

// --- the payment service

What Payments::charge(int order, Means means, Fate fate, bool& late) {
  auto& state = states_[order];
  if (state == State::closed) return What::money_refused;
  if (state == State::none && means == Means::cash) state = State::on_delivery;
  if (state == State::none) state = State::unknown;
  if (state != State::unknown) return told(order);
  late = fate == Fate::arrives_late;
  if (fate == Fate::answered || fate == Fate::answer_lost) gateway_.charge(order, means);
  if (fate == Fate::answered) learn(order);
  return told(order);
}

What Payments::resolve(int order, Fate fate) {
  if (fate == Fate::answered) learn(order);
  const auto now = state(order);
  return now == State::none || now == State::closed ? What::money_absent : told(order);
}

What Payments::cancel(int order, Fate fate) {
  auto& state = states_[order];
  if (state == State::none) state = State::closed;
  if (state == State::on_delivery) state = State::cancelled;
  const bool open = state == State::unknown || state == State::customer || state == State::authorised;
  if (!open) return told(order);
  if (fate == Fate::answered || fate == Fate::answer_lost) gateway_.cancel(order);
  if (fate != Fate::answered) return What::no_answer;
  learn(order);
  return told(order);
}

What Payments::refund(int order, Fate fate) {
  auto& state = states_[order];
  if (state == State::refunded) return What::money_refunded;
  if (state != State::captured && state != State::refunding) return What::money_uncertain;
  state = State::refunding;
  if (fate == Fate::never_arrives || fate == Fate::arrives_late) return What::no_answer;
  gateway_.refund(order);
  if (fate == Fate::answer_lost) return What::no_answer;
  state = State::refunded;
  return What::money_refunded;
}

bool Payments::learn(int order) {
  auto& state = states_[order];
  const bool open =
      state == State::unknown || state == State::customer || state == State::authorised || state == State::captured;
  if (!open) return false;
  const auto before = state;
  switch (gateway_.account(order).state) {
    case Gateway::State::unheard_of: break;
    case Gateway::State::customer: state = State::customer; break;
    case Gateway::State::authorised: state = State::authorised; break;
    case Gateway::State::captured: state = State::captured; break;
    case Gateway::State::refused: state = State::refused; break;
    case Gateway::State::cancelled: state = State::cancelled; break;
    case Gateway::State::refunded: state = State::refunded; break;
  }
  return state != before;
}

Payments::State Payments::state(int order) const {
  const auto found = states_.find(order);
  return found == states_.end() ? State::none : found->second;
}

What Payments::told(int order) const {
  switch (state(order)) {
    case State::none:
    case State::unknown: return What::money_uncertain;
    case State::customer: return What::money_needs_customer;
    case State::authorised: return What::money_authorised;
    case State::captured:
    case State::refunding: return What::money_captured;
    case State::on_delivery: return What::money_on_delivery;
    case State::refused: return What::money_refused;
    case State::closed:
    case State::cancelled: return What::money_cancelled;
    case State::refunded: return What::money_refunded;
  }
  std::unreachable();
}

}  // namespace souk::order::simulation
