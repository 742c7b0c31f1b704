#pragma once

#include <vector>

#include "core/context.hpp"
#include "postgres/pool.hpp"
#include "saga_repository.hpp"

// How often coupons are used: counted in the transaction of the intents, given back in that of the refusals.
namespace souk::order::coupon_uses {

// To be called first in the transaction: other writers of these coupons wait until it ends, and what the statements
// after it see are all uses that there are.
Task<> lock(pg::Transaction& tx, const std::vector<Intent>& intents);

// To be called after the intents were written: takes a use for each that was started with a coupon. Those that get none
// are marked `coupon_refused`, and their checkouts and keys are taken back. An intent that has its use already keeps
// it.
Task<> take(pg::Transaction& tx, const std::vector<Intent>& intents, std::vector<Started>& started);

}  // namespace souk::order::coupon_uses
