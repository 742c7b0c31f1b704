#include "saga.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "errors.hpp"
#include "json/json.hpp"

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
      {"declined, the stock goes back", refused(with(first, Stock::held, Money::refused)), 0s, Action::release},
      {"declined and released is told", refused(with(first, Stock::released, Money::refused)), 0s,
       Action::write_refusal},
      {"lost with money is given back", refused(with(taken, Stock::lost, Money::captured)), 0s, Action::refund},
      {"money in doubt is cancelled before the stock goes", refused(with(taken, Stock::held, Money::uncertain)), 0s,
       Action::cancel_payment},
      {"a worker that takes over asks for the money first", taken, 0s, Action::ask_payment},
      {"then for the stock", with(taken, Stock::unknown, Money::absent), 0s, Action::extend_hold},
      {"then reserves", with(taken, Stock::absent, Money::absent), 0s, Action::reserve},
      {"a lapsed hold is reserved again", with(taken, Stock::lapsed, Money::captured), 1h, Action::reserve},
      {"a young one is still charged", with(taken, Stock::held, Money::absent), 14min, Action::charge},
      {"an old one is not", with(taken, Stock::held, Money::absent), 15min, Action::cancel_payment},
      {"a waiting customer has half an hour", with(taken, Stock::held, Money::needs_customer), 29min, Action::park},
      {"and not more", with(taken, Stock::held, Money::needs_customer), 30min, Action::cancel_payment},
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
  EXPECT_EQ(next(state, 0s), Action::release) << "the first call may still be under way";
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

// --- against an adversary who loses calls and answers, repeats workers, lets holds lapse and stock be bought away

struct World {
  explicit World(std::uint32_t seed) : random(seed) {}

  enum class Hold { none, active, lapsed, released, sold };
  enum class Pay { none, uncertain, customer, captured, declined, cancelled, refunded };

  std::mt19937 random;
  std::chrono::seconds now{};
  bool free = false;
  bool goods_left = true;
  Hold hold = Hold::none;
  Pay pay = Pay::none;
  Phase phase = Phase::running;
  int version = 1;
  int charges = 0;
  bool order_written = false;
  bool order_cancelled = false;
  bool stock_when_written = false;
  bool money_when_written = false;

  bool chance(int percent) { return static_cast<int>(random() % 100) < percent; }
};

struct Worker {
  State state;
  int version;
};

Event money_event(World::Pay pay) {
  switch (pay) {
    case World::Pay::none: return {What::money_absent};
    case World::Pay::uncertain: return {What::money_uncertain};
    case World::Pay::customer: return {What::money_needs_customer};
    case World::Pay::captured: return {What::money_captured};
    case World::Pay::declined: return {What::money_refused};
    case World::Pay::cancelled: return {What::money_cancelled};
    case World::Pay::refunded: return {What::money_refunded};
  }
  std::unreachable();
}

Event reserve(World& world) {
  using enum World::Hold;
  if (world.hold == released) return {What::stock_lost};
  if (world.hold == active || world.hold == sold) return {What::stock_held};
  if (!world.goods_left) return {What::stock_refused, errors::hold_lost()};
  world.hold = active;
  return {What::stock_held};
}

// The gateway charges once for a key; an attempt that never reached it is made again.
Event charge(World& world) {
  const bool again = world.pay == World::Pay::uncertain && world.chance(60);
  if (world.pay == World::Pay::none || again) {
    const World::Pay results[] = {World::Pay::captured, World::Pay::captured, World::Pay::declined,
                                  World::Pay::uncertain, World::Pay::customer};
    world.pay = results[world.random() % 5];
    if (world.pay == World::Pay::captured) ++world.charges;
  }
  return money_event(world.pay);
}

// What the gateway knows comes out, or not yet.
void resolve(World& world) {
  if (world.pay == World::Pay::uncertain && world.chance(60)) {
    world.pay = world.chance(60) ? World::Pay::captured : World::Pay::declined;
    if (world.pay == World::Pay::captured) ++world.charges;
  }
}

Event cancel_payment(World& world) {
  resolve(world);
  if (world.pay == World::Pay::none || world.pay == World::Pay::customer) world.pay = World::Pay::cancelled;
  return money_event(world.pay);
}

Event write(World& world, const Worker& worker, Action action) {
  if (worker.version != world.version) return {What::overtaken};
  switch (action) {
    case Action::write_order:
      if (world.phase == Phase::running || world.phase == Phase::waiting) {
        world.phase = Phase::completing;
        world.order_written = true;
        world.stock_when_written = world.hold == World::Hold::active || world.hold == World::Hold::lapsed;
        world.money_when_written = world.free || world.pay == World::Pay::captured;
      }
      return {What::order_written};
    case Action::write_refusal: world.phase = Phase::compensated; return {What::refusal_written};
    case Action::write_completed: world.phase = Phase::completed; return {What::completed};
    case Action::park: world.phase = Phase::waiting; return {What::parked};
    default: return {What::handed_over};
  }
}

Event complete_stock(World& world) {
  if (world.hold == World::Hold::lapsed && !world.goods_left) return {What::stock_refused};
  if (world.hold == World::Hold::released) return {What::stock_lost};
  world.hold = World::Hold::sold;
  return {What::stock_sold};
}

Event perform(World& world, const Worker& worker, Action action) {
  switch (action) {
    case Action::extend_hold:
      if (world.hold == World::Hold::none) return {What::stock_absent};
      if (world.hold == World::Hold::lapsed) return {What::stock_lapsed};
      return {world.hold == World::Hold::released ? What::stock_lost : What::stock_held};
    case Action::reserve: return reserve(world);
    case Action::charge: return charge(world);
    case Action::ask_payment: resolve(world); return money_event(world.pay);
    case Action::cancel_payment: return cancel_payment(world);
    case Action::refund:
      if (world.pay == World::Pay::captured) world.pay = World::Pay::refunded;
      return {What::money_refunded};
    case Action::release:
      if (world.hold != World::Hold::sold) world.hold = World::Hold::released;
      return {What::stock_released};
    case Action::complete_stock: return complete_stock(world);
    case Action::cancel_order: world.order_cancelled = true; return {What::order_cancelled};
    case Action::finish_cart: return {What::cart_finished};
    default: return write(world, worker, action);
  }
}

void disturb(World& world) {
  world.now += std::chrono::seconds(world.random() % 20);
  if (world.chance(2)) world.now += 16min;
  if (world.chance(2)) world.goods_left = false;
  if (world.chance(3) && world.hold == World::Hold::active) world.hold = World::Hold::lapsed;
  if (world.chance(5) && world.pay == World::Pay::customer) {
    world.pay = world.chance(70) ? World::Pay::captured : World::Pay::declined;
    if (world.pay == World::Pay::captured) ++world.charges;
  }
}

// One action of one worker: it happens or not, and its answer comes or not.
void act(World& world, Worker& worker) {
  const auto action = next(worker.state, world.now);
  if (action == Action::stop) return;
  Event event{What::no_answer};
  if (!world.chance(10)) event = perform(world, worker, action);
  if (world.chance(10)) event = {What::no_answer};
  worker.state = after(worker.state, action, event);
}

bool over(const World& world) { return world.phase == Phase::completed || world.phase == Phase::compensated; }

void check(const World& world, std::uint32_t seed) {
  ASSERT_TRUE(over(world)) << "seed " << seed << ": it never ends";
  EXPECT_LE(world.charges, 1) << "seed " << seed;
  if (world.phase == Phase::completed) {
    EXPECT_TRUE(world.order_written) << "seed " << seed;
    EXPECT_TRUE(world.stock_when_written && world.money_when_written) << "seed " << seed;
    EXPECT_TRUE(world.order_cancelled || world.hold == World::Hold::sold) << "seed " << seed;
    return;
  }
  EXPECT_FALSE(world.order_written) << "seed " << seed;
  EXPECT_TRUE(world.hold != World::Hold::active && world.hold != World::Hold::sold) << "seed " << seed;
  const bool no_money = world.free || world.pay == World::Pay::none || world.pay == World::Pay::declined ||
                        world.pay == World::Pay::cancelled || world.pay == World::Pay::refunded;
  EXPECT_TRUE(no_money) << "seed " << seed << " payment " << static_cast<int>(world.pay);
}

void simulate(std::uint32_t seed) {
  World world(seed);
  world.free = world.chance(10);
  std::vector<Worker> workers{{fresh(!world.free), 1}};
  for (int step = 0; step < 2000 && !over(world); ++step) {
    disturb(world);
    auto& worker = workers[world.random() % workers.size()];
    act(world, worker);
    // A lease runs out: another worker takes over, and the old one may go on for a while.
    const bool idle = next(workers.back().state, world.now) == Action::stop;
    if (!over(world) && (idle || world.chance(4))) {
      workers.push_back({taken_over(world.phase, !world.free), ++world.version});
      if (workers.size() > 3) workers.erase(workers.begin());
    }
  }
  // Stale workers go on to their ends.
  for (int step = 0; step < 100; ++step) act(world, workers[world.random() % workers.size()]);
  check(world, seed);
}

TEST(SagaCore, HoldsItsPromisesAgainstAnAdversary) {
  for (std::uint32_t seed = 1; seed <= 20'000; ++seed) {
    simulate(seed);
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace souk::order::saga
