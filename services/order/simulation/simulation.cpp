#include "simulation.hpp"

#include <algorithm>

#include "judge.hpp"
#include "workers.hpp"

namespace souk::order::simulation {
namespace {

constexpr Ms end_of_time = 6 * 60 * minute;

// Starts the customer's checkout, unless its coupon is used up.
void buy(World& world, Workers& workers, int order) {
  auto& row = world.rows[static_cast<std::size_t>(order)];
  if (row.coupon && world.coupon_uses >= world.coupon_limit) {
    world.note("order {}: the coupon is used up", order);
    row.coupon = false;
    row.phase = saga::Phase::compensated;
    return;
  }
  world.coupon_uses += row.coupon ? 1 : 0;
  workers.begin(order);
  workers.poll(order);
}

// What a customer does after that: approves or refuses, perhaps twice or late or never, comes back, cancels.
void plan_customer(World& world, Workers& workers, int order) {
  const auto at_some_time = [&world] {
    return world.dice.chance(70) ? world.dice.between(1 * second, 3 * minute) : world.dice.between(0, 40 * minute);
  };
  const auto means = world.rows[static_cast<std::size_t>(order)].means;
  const auto acts = world.dice.chance(15) ? 0 : world.dice.between(1, 2);
  for (int i = 0; i < acts; ++i) {
    world.after(at_some_time(), [&world, &workers, order, means, approves = world.dice.chance(80)] {
      if (!world.gateway.act(order, means, approves)) return;
      world.note("order {}: the customer {}", order, approves ? "approves" : "refuses");
      if (world.dice.chance(70) && world.payments.learn(order)) workers.tell(order);
      world.after(world.delay(), [&workers, order] { workers.take(order); });
    });
  }
  if (world.dice.chance(30)) world.after(at_some_time(), [&workers, order] { workers.take(order); });
  if (world.dice.chance(30)) world.after(at_some_time(), [&workers, order] { workers.cancel(order); });
  if (world.dice.chance(40)) {
    world.after(at_some_time(), [&world, &workers, order] {
      world.gateway.capture(order);
      if (world.payments.learn(order)) workers.tell(order);
    });
  }
}

// Half of the time somebody else buys at once what that set free.
void lapse(World& world, int order) {
  const int pieces = world.warehouse.held(order);
  if (world.warehouse.hold(order) != Warehouse::Hold::active) return;
  world.note("order {}: its hold lapses", order);
  ++world.tally.lapsed;
  world.warehouse.lapse(order);
  if (world.dice.chance(50) && world.warehouse.take(pieces)) world.note("somebody else buys {} pieces", pieces);
}

void plan_adversary(World& world, Workers& workers) {
  const auto orders = static_cast<std::int64_t>(world.rows.size());
  for (auto i = world.dice.below(3); i > 0; --i) {
    world.after(world.dice.between(0, 5 * minute), [&workers] { workers.kill_all(); });
  }
  for (auto i = world.dice.below(6); i > 0; --i) {
    const auto order = static_cast<int>(world.dice.below(orders));
    world.after(world.dice.between(0, 2 * minute), [&world, order] { lapse(world, order); });
  }
  for (auto i = world.dice.below(4); i > 0; --i) {
    world.after(world.dice.between(0, 5 * minute), [&world, pieces = static_cast<int>(world.dice.between(1, 3))] {
      if (world.warehouse.take(pieces)) world.note("somebody else buys {} pieces", pieces);
    });
    world.after(world.dice.between(0, 5 * minute), [&world, pieces = static_cast<int>(world.dice.below(3))] {
      world.warehouse.restock(pieces);
      world.note("{} pieces are put on the shelf", pieces);
    });
  }
  world.after(world.dice.between(1 * minute, 45 * minute), [&world] {
    world.note("the adversary leaves");
    world.calm = true;
  });
}

}  // namespace

Outcome simulate(std::uint64_t seed, bool traced) {
  World world(seed, traced);
  Workers workers(world);
  world.rows.resize(static_cast<std::size_t>(world.dice.between(1, 3)));
  world.coupon_limit = static_cast<int>(world.dice.between(1, 2));
  for (int order = 0; order < static_cast<int>(world.rows.size()); ++order) {
    auto& row = world.rows[static_cast<std::size_t>(order)];
    row.means = static_cast<Means>(world.dice.below(7));
    row.pieces = static_cast<int>(world.dice.between(1, 2));
    row.coupon = world.dice.chance(40);
    world.after(world.dice.below(30 * second), [&world, &workers, order] { buy(world, workers, order); });
    plan_customer(world, workers, order);
  }
  plan_adversary(world, workers);
  world.run(end_of_time);
  world.warehouse.sweep(end_of_time);  // a call that was repeated when all was over may have made a hold
  if (world.violations.empty()) judge(world);
  return {seed, std::move(world.violations), std::move(world.trace), world.tally};
}

std::string Outcome::to_string() const {
  std::string text = fmt::format("SEED={}\n", seed);
  for (const auto& violation : violations) text += "  broken: " + violation + "\n";
  for (const auto& line : trace) text += line + "\n";
  return text;
}

}  // namespace souk::order::simulation
