#include "gateway.hpp"

#include <stdexcept>

#include "../errors.hpp"

namespace souk::payment {

// Not a coroutine: a call that must not happen fails where it is made.
Task<GatewayPayment> Gateway::open(Context, GatewayCharge) {
  throw std::logic_error("this gateway finds payments by our key and opens none");
}

Task<Result<GatewayEvent>> Gateway::read_message(Context, GatewayMessage) { co_return errors::no_such_gateway(); }

}  // namespace souk::payment
