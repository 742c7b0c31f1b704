#include "simulation.hpp"

#include <gtest/gtest.h>

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>
#include <chrono>
#include <cstdlib>
#include <random>

namespace souk::order::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t schedules = 12'000;

// Runs one schedule; a broken one once more, with its trace.
bool holds(std::uint64_t seed, Tally& tally) {
  const auto outcome = simulate(seed);
  tally.add(outcome.tally);
  if (outcome.violations.empty()) return true;
  ADD_FAILURE() << simulate(seed, true).to_string() << "again: SEED=" << seed << " ./souk test Simulation";
  return false;
}

// Each action was taken in some schedules; `stop` is none.
template <class Action, class Counts>
void expect_each(const Counts& counts) {
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<Action>>([&](auto each) {
    if (each.value != Action::stop) EXPECT_GE(counts[static_cast<std::size_t>(each.value)], 20) << each.name;
  });
}

// SEED=n runs that schedule; otherwise the same ones in every run.
TEST(Simulation, KeepsItsPromises) {
  Tally tally;
  if (const char* seed = std::getenv("SEED")) {
    std::puts(simulate(std::strtoull(seed, nullptr, 10), true).to_string().c_str());
    holds(std::strtoull(seed, nullptr, 10), tally);
    return;
  }
  for (std::uint64_t seed = 1; seed <= schedules; ++seed) {
    if (!holds(seed, tally)) return;
  }
  // A schedule that meets nobody proves nothing: every action was taken, every fault was met.
  expect_each<saga::Action>(tally.actions);
  expect_each<saga::UndoAction>(tally.undone);
  for (const auto count : {tally.confirmed, tally.refused, tally.cancelled, tally.kills, tally.stalls, tally.overtaken,
                           tally.lost, tally.repeated, tally.late, tally.lapsed}) {
    EXPECT_GE(count, 100);
  }
}

TEST(Simulation, KeepsItsPromisesForLong) {
  if (std::getenv("SOUK_TEST_LONG") == nullptr) GTEST_SKIP() << "a minute of new schedules: with --long";
  const std::uint64_t from = std::random_device()();
  std::printf("from SEED=%llu on\n", static_cast<unsigned long long>(from));
  Tally tally;
  const auto end = std::chrono::steady_clock::now() + 60s;
  for (auto seed = from; std::chrono::steady_clock::now() < end; ++seed) {
    if (!holds(seed, tally)) return;
  }
}

TEST(Simulation, RepeatsAScheduleByItsSeed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto once = simulate(seed, true);
    EXPECT_FALSE(once.trace.empty());
    EXPECT_EQ(once.trace, simulate(seed, true).trace);
  }
}

}  // namespace
}  // namespace souk::order::simulation
