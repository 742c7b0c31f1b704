#include "gateway.hpp"

#include <stdexcept>

#include "../errors.hpp"

namespace souk::payment {

// No coroutines: a call that must not happen fails where it is made.
Task<GatewayPayment> Gateway::open(Context, GatewayCharge) {
  throw std::logic_error("this gateway finds payments by our key and opens none");
}
Task<GatewayPage<GatewayPaymentRecord>> Gateway::list_payments(Context, GatewayRange) {
  throw std::logic_error("this gateway's payments cannot be listed");
}
Task<GatewayPage<GatewayRefundRecord>> Gateway::list_refunds(Context, GatewayRange) {
  throw std::logic_error("this gateway's refunds cannot be listed");
}

Task<Result<GatewayEvent>> Gateway::read_message(Context, GatewayMessage) { co_return errors::no_such_gateway(); }

}  // namespace souk::payment
