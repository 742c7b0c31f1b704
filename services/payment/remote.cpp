#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::payment {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(charge, repeatable)
  SOUK_RPC(get_payment, repeatable)
  SOUK_RPC(resolve, repeatable)
  SOUK_RPC(cancel, repeatable)
  SOUK_RPC(refund, repeatable)
  SOUK_RPC(settle_cash, repeatable)
  SOUK_RPC(capture, repeatable)
  SOUK_RPC(get_payment_details, repeatable)
  SOUK_RPC(list_payments, repeatable)
  SOUK_RPC(reconcile, repeatable)
  SOUK_RPC(list_payment_methods, repeatable)
  SOUK_RPC(add_payment_method, repeatable)
  SOUK_RPC(make_default_payment_method, repeatable)
  SOUK_RPC(delete_payment_method, once)  // the second answer is "not found"
  SOUK_RPC(receive_message, repeatable)
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(payment)

}  // namespace souk::payment
