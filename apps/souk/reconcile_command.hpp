#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/runtime.hpp"
#include "core/time.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"

namespace souk {

struct ReconcileArguments {
  Timestamp since;
  bool dry_run = false;
  bool json = false;

  // Empty for wrong usage. `--since`: "90m", "48h", "7d" before `now`, or a moment in RFC 3339; at most 31 days ago.
  static std::optional<ReconcileArguments> parse(const std::vector<std::string>& arguments, Timestamp now);
};

// souk reconcile: compares our payments with the gateways' books, and captured money with orders; repairs what is safe.
// Returns 0 where all agree at the end, 1 where something remains, 2 for wrong usage.
int run_reconcile(Runtime& runtime, payment::Api& payments, order::Api& orders,
                  const std::vector<std::string>& arguments);

}  // namespace souk
