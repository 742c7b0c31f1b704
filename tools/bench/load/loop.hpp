#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client.hpp"

namespace souk::load {

struct Plan {
  double warmup_s = 1;
  double seconds = 5;
  // Operations a second that are begun whether or not the earlier ones have ended (open loop); 0: each client begins
  // its next operation when the last has ended (closed loop).
  double rate = 0;
};

struct Measured {
  std::uint64_t operations = 0;  // that ended well in the measured time
  std::uint64_t total = 0;       // that ended well, before and after it as well
  std::uint64_t failures = 0;
  std::uint64_t unfinished = 0;  // open loop: begun or due, and not over when the run was
  double seconds = 0;
  double cpu_seconds = 0;                        // of this process
  Histogram latency;                             // of operations; open loop: from the moment they were due
  Histogram last_request;                        // of their last requests
  std::map<std::string, std::uint64_t> reasons;  // of failures

  std::string to_json() const;
};

// Runs the clients in this thread. Throws std::runtime_error when they cannot connect.
Measured run(std::vector<std::unique_ptr<Client>>& clients, const Plan& plan);

}  // namespace souk::load
