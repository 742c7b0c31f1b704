#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::cart {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(create_cart, repeatable)
  SOUK_RPC(get_cart, repeatable)
  SOUK_RPC(delete_cart, once)  // a cart that is gone is not found
  SOUK_RPC(add_item, once)     // adds again
  SOUK_RPC(set_quantity, repeatable)
  SOUK_RPC(remove_item, once)  // not found the second time
  SOUK_RPC(set_coupon, repeatable)
  SOUK_RPC(merge_cart, once)  // the guest cart is gone
  SOUK_RPC(checkout_lines, repeatable)
  SOUK_RPC(finish_checkout, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(cart)

}  // namespace souk::cart
