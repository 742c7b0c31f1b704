#include "world.hpp"

namespace souk::order::simulation {

void Tally::add(const Tally& other) {
  for (std::size_t i = 0; i < actions.size(); ++i) actions[i] += other.actions[i];
  for (std::size_t i = 0; i < undone.size(); ++i) undone[i] += other.undone[i];
  confirmed += other.confirmed;
  refused += other.refused;
  cancelled += other.cancelled;
  kills += other.kills;
  stalls += other.stalls;
  overtaken += other.overtaken;
  lost += other.lost;
  repeated += other.repeated;
  late += other.late;
  lapsed += other.lapsed;
}

World::World(std::uint64_t seed, bool with_trace)
    : traced(with_trace), dice(seed), warehouse(static_cast<int>(dice.between(1, 4))), payments(gateway) {}

void World::after(Ms time, std::function<void()> work) { planned_.push({now + time, ++numbers_, std::move(work)}); }

void World::run(Ms end) {
  while (!planned_.empty() && planned_.top().at <= end) {
    auto work = planned_.top().work;
    now = planned_.top().at;
    planned_.pop();
    warehouse.sweep(now);
    work();
    if (warehouse.reserved() > warehouse.pieces() || warehouse.pieces() < 0) {
      broken("more is promised than there is: {} of {} pieces", warehouse.reserved(), warehouse.pieces());
      return;
    }
  }
}

// Mostly soon; sometimes so late that whoever waits has given up, or somebody else has taken over.
Ms World::delay() {
  if (chance(2)) return dice.between(20 * second, 90 * second);
  if (chance(6)) return dice.between(1 * second, 20 * second);
  return dice.between(1, 200);
}

Fate World::fate() {
  if (!chance(20)) return Fate::answered;
  constexpr Fate bad[] = {Fate::answer_lost, Fate::never_arrives, Fate::arrives_late};
  return bad[dice.below(3)];
}

std::string World::at() const { return fmt::format("{:>5}.{:03} s  ", now / second, now % second); }

}  // namespace souk::order::simulation
