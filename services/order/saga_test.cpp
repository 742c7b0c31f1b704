#include "saga.hpp"

#include <gtest/gtest.h>

#include "errors.hpp"

namespace souk::order::saga {
namespace {

using namespace std::chrono_literals;

// --- the tables

struct Row {
  const char* what;
  State state;
  std::chrono::seconds age;
  Action action;
};

State with(State state, Stock stock, Money money) {
  state.stock = stock;
  state.money = money;
  return state;
}
State refused(State state) {
  state.refusal = errors::declined("");
  return state;
}
State undoing(State state) {
  state = refused(std::move(state));
  state.undoing = true;
  return state;
}
State with_silence(State state) {
  state.alone = false;
  return state;
}
State completing(Stock stock, bool cart_finished, int unanswered = 0) {
  State state = fresh(true);
  state.phase = Phase::completing;
  state.stock = stock;
  state.cart_finished = cart_finished;
  state.unanswered = unanswered;
  return state;
}

TEST(SagaCore, DoesNextWhatTheTableSays) {
  const auto first = fresh(true);
  const auto free = fresh(false);
  const auto taken = taken_over(Phase::running, true);
  const Row rows[] = {
      {"a new checkout reserves", first, 0s, Action::reserve},
      {"what is held is charged", with(first, Stock::held, Money::untouched), 0s, Action::charge},
      {"what is paid is written", with(first, Stock::held, Money::captured), 0s, Action::write_order},
      {"what is authorised is written", with(first, Stock::held, Money::authorised), 0s, Action::write_order},
      {"cash is paid on delivery", with(first, Stock::held, Money::on_delivery), 0s, Action::write_order},
      {"what costs nothing is not charged", with(free, Stock::held, Money::untouched), 0s, Action::write_order},
      {"the customer must act", with(first, Stock::held, Money::needs_customer), 0s, Action::park},
      {"what is uncertain is asked for", with(first, Stock::held, Money::uncertain), 0s, Action::ask_payment},
      {"what nobody has heard of is charged again", with(first, Stock::held, Money::unheard_of), 0s, Action::charge},
      {"but not when it is old", with(taken, Stock::held, Money::unheard_of), 15min, Action::ask_payment},
      {"and not without the stock", with(taken, Stock::unknown, Money::unheard_of), 0s, Action::extend_hold},
      {"refused at once, nothing is held", refused(with(first, Stock::refused, Money::untouched)), 0s,
       Action::write_refusal},
      {"what others could still buy with is not undone before that is written",
       refused(with(first, Stock::refused, Money::captured)), 0s, Action::write_undoing},
      {"nor in silence, as the first call may have got through",
       with_silence(refused(with(free, Stock::refused, Money::untouched))), 0s, Action::write_undoing},
      {"declined, the stock goes back", refused(with(first, Stock::held, Money::refused)), 0s, Action::release},
      {"declined and released is told", refused(with(first, Stock::released, Money::refused)), 0s,
       Action::write_refusal},
      {"lost with money is given back", undoing(with(taken, Stock::lost, Money::captured)), 0s, Action::refund},
      {"money in doubt is cancelled before the stock goes", undoing(with(taken, Stock::held, Money::uncertain)), 0s,
       Action::cancel_payment},
      {"who takes over what is undone goes on with that", taken_over(Phase::waiting, true, errors::expired()), 0s,
       Action::cancel_payment},
      {"a worker that takes over asks for the money first", taken, 0s, Action::ask_payment},
      {"then for the stock", with(taken, Stock::unknown, Money::absent), 0s, Action::extend_hold},
      {"then reserves", with(taken, Stock::absent, Money::absent), 0s, Action::reserve},
      {"a lapsed hold is reserved again", with(taken, Stock::lapsed, Money::captured), 1h, Action::reserve},
      {"a young one is still charged", with(taken, Stock::held, Money::absent), 14min, Action::charge},
      {"an old one is not", with(taken, Stock::held, Money::absent), 15min, Action::write_undoing},
      {"a waiting customer has half an hour", with(taken, Stock::held, Money::needs_customer), 29min, Action::park},
      {"and not more", with(taken, Stock::held, Money::needs_customer), 30min, Action::write_undoing},
      {"money has no age", with(taken, Stock::held, Money::captured), 24h, Action::write_order},
      {"after the pivot the cart", completing(Stock::held, false), 0s, Action::finish_cart},
      {"then the stock", completing(Stock::held, true), 0s, Action::complete_stock},
      {"then the end", completing(Stock::sold, true), 0s, Action::write_completed},
      {"a silent cart holds nothing up", completing(Stock::held, false, 1), 0s, Action::complete_stock},
      {"stock that is gone cancels the order", completing(Stock::refused, true), 0s, Action::cancel_order},
  };
  for (const auto& row : rows) EXPECT_EQ(next(row.state, row.age), row.action) << row.what;
}

TEST(SagaCore, GivesUpAfterSomeSilenceButNotBeforeTheEnd) {
  State state = fresh(true);
  for (int i = 0; i < most_unanswered; ++i) {
    EXPECT_EQ(next(state, 0s), Action::reserve);
    state = after(state, Action::reserve, {What::no_answer});
  }
  EXPECT_EQ(next(state, 0s), Action::hand_over);
  EXPECT_EQ(next(after(state, Action::hand_over, {What::handed_over}), 0s), Action::stop);
  EXPECT_EQ(next(after(state, Action::hand_over, {What::no_answer}), 0s), Action::stop) << "its lease ends anyway";
}

TEST(SagaCore, AChargeWithoutAnswerIsUncertain) {
  auto state = with(fresh(true), Stock::held, Money::untouched);
  state = after(state, Action::charge, {What::no_answer});
  EXPECT_EQ(state.money, Money::uncertain);
  EXPECT_EQ(next(state, 0s), Action::ask_payment);
  state = after(state, Action::ask_payment, {What::money_uncertain});
  EXPECT_EQ(next(state, 0s), Action::charge);
}

TEST(SagaCore, AfterSilenceNothingIsTakenForSure) {
  auto state = after(fresh(true), Action::reserve, {What::no_answer});
  state = after(state, Action::reserve, {What::stock_refused, errors::hold_lost()});
  EXPECT_EQ(next(state, 0s), Action::write_undoing) << "the first call may still be under way";
  state = after(state, Action::write_undoing, {What::undoing_written});
  EXPECT_EQ(next(state, 0s), Action::release);
  EXPECT_EQ(state.refusal->code, errors::hold_lost().code) << "the reason stays";
}

TEST(SagaCore, ACheckoutThatTookTooLongIsUndoneInTwoSteps) {
  auto state = with(taken_over(Phase::waiting, true), Stock::held, Money::needs_customer);
  state = after(state, next(state, 30min), {What::undoing_written});
  EXPECT_EQ(state.refusal->code, "checkout.expired");
  EXPECT_EQ(next(state, 30min), Action::cancel_payment);
  // The customer was quicker: it goes back, because the others undo it as well.
  EXPECT_EQ(next(after(state, Action::cancel_payment, {What::money_captured}), 30min), Action::refund);
}

// A worker is held up before it gives money and stock back; the one who takes over finds both there again.
TEST(SagaCore, AWorkerWhoWasHeldUpUndoesNothingThatOthersBoughtWith) {
  auto held_up = with(taken_over(Phase::running, true), Stock::unknown, Money::captured);
  held_up = after(held_up, Action::reserve, {What::stock_refused, errors::hold_lost()});
  ASSERT_EQ(next(held_up, 0s), Action::write_undoing);
  held_up = after(held_up, Action::write_undoing, {What::overtaken});
  EXPECT_EQ(next(held_up, 0s), Action::stop);
}

TEST(SagaCore, TheFirstReasonIsTold) {
  auto state = with(fresh(true), Stock::held, Money::untouched);
  state = after(state, Action::charge, {What::money_refused, errors::declined("no money")});
  EXPECT_EQ(state.refusal->code, "payment.declined");
  state = after(state, Action::release, {What::stock_released});
  EXPECT_EQ(state.refusal->code, "payment.declined");
}

TEST(SagaCore, ACancellationGivesStockAndMoneyBack) {
  Cancellation state;
  EXPECT_EQ(next(state), UndoAction::complete_stock);
  state.stock_gone = true;
  EXPECT_EQ(next(state), UndoAction::release_stock) << "nobody may sell it later";
  state.stock_released = true;
  EXPECT_EQ(next(state), UndoAction::complete_stock) << "somebody may have sold it just before";
  state.stock_sold = true;
  EXPECT_EQ(next(state), UndoAction::return_stock);
  state.stock_returned = true;
  EXPECT_EQ(next(state), UndoAction::cancel_payment);
  state.money = Money::captured;
  EXPECT_EQ(next(state), UndoAction::refund);
  state.money = Money::refunded;
  EXPECT_EQ(next(state), UndoAction::write_done);
  state.unanswered = most_unanswered;
  EXPECT_EQ(next(state), UndoAction::hand_over);
  state.written = true;
  EXPECT_EQ(next(state), UndoAction::stop);
}

}  // namespace
}  // namespace souk::order::saga
