#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"
#include "postgres/pool.hpp"
#include "saga_repository.hpp"

// How often coupons and promotions are used: counted in the transaction of the intents, given back in that of the
// refusals.
namespace souk::order::coupon_uses {

// How often a coupon may be used still.
struct Limit {
  std::int64_t left = 0;
  std::optional<std::int64_t> per_customer;
};
using Limits = std::unordered_map<Uuid, Limit>;

// To be called first in the transaction: other writers of these coupons wait until it ends, and what the statements
// after it see are all uses that there are. Those that are archived or unknown have no limit here.
Task<Limits> lock(pg::Transaction& tx, const std::vector<Intent>& intents);

// To be called after the intents were written: takes a use of each of its discounts for each that was started, in their
// order; all of them or none. Those that get none are marked with the coupon that refused them, and their checkouts and
// keys are taken back. An intent that has its uses already keeps them.
Task<> take(pg::Transaction& tx, const std::vector<Intent>& intents, Limits limits, std::vector<Started>& started);

}  // namespace souk::order::coupon_uses
