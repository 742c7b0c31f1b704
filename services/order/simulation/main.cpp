// souk_simulate: runs schedules of the simulation. See usage().

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "simulation.hpp"

namespace souk::order::simulation {
namespace {

int usage() {
  fmt::print(stderr,
             "usage: souk_simulate [--seconds S] [--from SEED]   as many schedules as fit, one after the other, with\n"
             "                                                   the rate as JSON; exit code 1 when one is broken\n"
             "       souk_simulate --seed SEED                   one schedule with its trace\n");
  return 2;
}

int show(std::uint64_t seed) {
  const auto outcome = simulate(seed, true);
  fmt::print("{}", outcome.to_string());
  return outcome.violations.empty() ? 0 : 1;
}

int measure(double seconds, std::uint64_t from) {
  using clock = std::chrono::steady_clock;
  const auto begin = clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(clock::now() - begin).count(); };
  std::int64_t schedules = 0;
  std::int64_t broken = 0;
  for (auto seed = from; spent() < seconds; ++seed, ++schedules) {
    if (simulate(seed).violations.empty()) continue;
    if (++broken == 1) fmt::print(stderr, "{}", simulate(seed, true).to_string());
  }
  const auto time = spent();
  fmt::print(R"({{"schedules":{},"broken":{},"seconds":{:.3f},"rate":{:.1f}}})"
             "\n",
             schedules, broken, time, static_cast<double>(schedules) / time);
  return broken == 0 ? 0 : 1;
}

int run(int count, char** words) {
  double seconds = 5;
  std::uint64_t from = 1;
  for (int i = 1; i < count; i += 2) {
    const std::string_view word = words[i];
    char* end = nullptr;
    if (i + 1 == count) return usage();
    if (word == "--seconds") {
      seconds = std::strtod(words[i + 1], &end);
    } else if (word == "--from") {
      from = std::strtoull(words[i + 1], &end, 10);
    } else if (word == "--seed") {
      const auto seed = std::strtoull(words[i + 1], &end, 10);
      return *end == '\0' ? show(seed) : usage();
    }
    if (end == nullptr || *end != '\0') return usage();
  }
  return measure(seconds, from);
}

}  // namespace
}  // namespace souk::order::simulation

int main(int count, char** words) { return souk::order::simulation::run(count, words); }
