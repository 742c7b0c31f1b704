#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "world.hpp"

namespace souk::order::simulation {

struct Outcome {
  std::uint64_t seed = 0;
  std::vector<std::string> violations;  // empty: all promises were kept
  std::vector<std::string> trace;       // what happened, a line each, where it was asked for
  Tally tally;

  // For whoever has to find out why: the seed, what was broken, and the trace.
  std::string to_string() const;
};

// One schedule: one to three customers buy and pay and cancel, and an adversary loses, repeats, delays and reorders
// calls, kills and holds up workers, lets holds lapse and gateway answers be lost, for up to 45 minutes of the virtual
// clock; then it leaves, all comes to rest, and the books are judged. The same seed is the same schedule.
Outcome simulate(std::uint64_t seed, bool traced = false);

}  // namespace souk::order::simulation
