#pragma once

#include <boost/describe.hpp>
#include <chrono>
#include <optional>

#include "core/result.hpp"

// The checkout saga's core: what is known × what happened → what to do next. Pure: no I/O, no clock, so that it also
// runs in a simulation. The executor does what next() says and tells after() what came of it.
//
// What it relies on: every action is idempotent by the order's id, a released reservation is never reserved again, and
// a cancelled payment is never charged. What it guarantees (saga_test.cpp runs it against an adversary):
//   - an order is written only while its stock is held and its money is captured, authorised or due on delivery;
//   - it is refused only when no money can be taken any more and all stock is given back;
//   - a payment whose outcome is not known is looked up before anything is undone;
//   - before anything is undone that another worker could still buy with, it is written down that it is undone: a
//   worker
//     who was held up must not take away what the one who took over has made an order of.
namespace souk::order::saga {

// As the row says it. Before the order is written: running or waiting (for the customer).
BOOST_DEFINE_ENUM_CLASS(Phase, running, waiting, completing, completed, compensated)

// `untouched`: nobody has asked for it. Who takes a saga over does not know: `unknown`. Money of which a charge told
// nothing is `uncertain`, and `unheard_of` when asking told nothing either: the charge may never have arrived.
BOOST_DEFINE_ENUM_CLASS(Stock, untouched, unknown, absent, held, lapsed, refused, lost, released, sold)
BOOST_DEFINE_ENUM_CLASS(Money, untouched, unknown, absent, uncertain, unheard_of, needs_customer, captured, authorised,
                        on_delivery, refused, cancelled, refunded)

BOOST_DEFINE_ENUM_CLASS(Action,
                        extend_hold,      // of the stock, asking whether there is one
                        reserve,          //
                        charge,           //
                        ask_payment,      // what became of the payment, at the gateway where need be
                        cancel_payment,   // and have it never charged
                        refund,           // what was captured
                        release,          // the stock, and have it never reserved
                        write_order,      // the pivot
                        write_undoing,    // from here on nobody buys, whoever goes on
                        write_refusal,    // the end without an order
                        park,             // the customer must act
                        hand_over,        // to recovery, later
                        complete_stock,   // after the pivot: it is sold
                        cancel_order,     // after the pivot: its stock is gone all the same
                        finish_cart,      // the bought lines leave the cart
                        write_completed,  // the end
                        stop)             // nothing to do for this worker

BOOST_DEFINE_ENUM_CLASS(What, stock_held, stock_absent, stock_lapsed, stock_refused, stock_lost, stock_released,
                        stock_sold, money_absent, money_uncertain, money_needs_customer, money_captured,
                        money_authorised, money_on_delivery, money_refused, money_cancelled, money_refunded,
                        order_written, undoing_written, refusal_written, parked, handed_over, order_cancelled,
                        cart_finished, completed,
                        overtaken,  // another worker has the saga: a write was refused
                        no_answer)  // nothing is known of the last action

struct Event {
  What what{};
  std::optional<Error> refusal{};  // why, of stock_refused, stock_lost, money_refused
};

struct State {
  Phase phase = Phase::running;
  bool needs_payment = true;  // the total is not 0
  Stock stock = Stock::untouched;
  Money money = Money::untouched;
  std::optional<Error> refusal{};  // set: it is being undone
  bool undoing = false;            // and that is written
  bool cart_finished = false;
  int unanswered = 0;    // in a row
  bool alone = true;     // nothing can be under way but what this worker knows of
  bool resting = false;  // parked, handed over or overtaken
  bool overtaken = false;
};

// The first worker's state, right after the intent.
State fresh(bool needs_payment);
// That of a worker who takes the saga over; with `refusal` where it is written that it is undone.
State taken_over(Phase phase, bool needs_payment, std::optional<Error> refusal = {});

// Ages count from the intent. Within the first a payment may be begun; after the second a checkout that still has no
// money ends.
inline constexpr std::chrono::minutes charge_within{15};
inline constexpr std::chrono::minutes money_within{30};
// So often an action is tried again before the saga is handed over to recovery.
inline constexpr int most_unanswered = 3;

Action next(const State& state, std::chrono::seconds age);
State after(State state, Action action, const Event& event);

// Whether the customer can be told: there is an order, or there is none, or nothing more happens for now.
bool decided(const State& state);

// An order that is cancelled after it was written: stock back, money back, each until it is done.
struct Cancellation {
  bool stock_sold = false;      // the hold became a sale, so that it can come back
  bool stock_gone = false;      // there was nothing to sell
  bool stock_released = false;  // nor can anybody sell it later
  bool stock_returned = false;  // or there was nothing to return
  Money money = Money::unknown;
  int unanswered = 0;
  bool resting = false;
  bool written = false;
};
BOOST_DEFINE_ENUM_CLASS(UndoAction, complete_stock, return_stock, release_stock, cancel_payment, refund, write_done,
                        hand_over, stop)
UndoAction next(const Cancellation& state);

}  // namespace souk::order::saga
