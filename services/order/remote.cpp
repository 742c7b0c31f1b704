#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::order {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(quote, repeatable)
  SOUK_RPC(checkout, repeatable)
  SOUK_RPC(get_checkout, repeatable)
  SOUK_RPC(resume_checkout, repeatable)
  SOUK_RPC(get_order, repeatable)
  SOUK_RPC(list_orders, repeatable)
  SOUK_RPC(search_orders, repeatable)
  SOUK_RPC(cancel_order, repeatable)
  SOUK_RPC(start_processing, repeatable)
  SOUK_RPC(ship_order, repeatable)
  SOUK_RPC(deliver_order, repeatable)
  SOUK_RPC(request_return, repeatable)
  SOUK_RPC(list_order_returns, repeatable)
  SOUK_RPC(list_returns, repeatable)
  SOUK_RPC(get_return, repeatable)
  SOUK_RPC(decide_return, repeatable)
  SOUK_RPC(receive_return, repeatable)
  SOUK_RPC(has_purchased, repeatable)
  SOUK_RPC(create_coupon, repeatable)
  SOUK_RPC(get_coupon, repeatable)
  SOUK_RPC(list_coupons, repeatable)
  SOUK_RPC(patch_coupon, repeatable)
  SOUK_RPC(check_captures, repeatable)
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(order)

}  // namespace souk::order
