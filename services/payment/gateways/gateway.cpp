#include "gateway.hpp"

#include <stdexcept>

namespace souk::payment {

// Not a coroutine: a call that must not happen fails where it is made.
Task<GatewayPayment> Gateway::open(Context, GatewayCharge) {
  throw std::logic_error("this gateway finds payments by our key and opens none");
}

}  // namespace souk::payment
