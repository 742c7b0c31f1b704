#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::inventory {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(get_stock, repeatable)
  SOUK_RPC(list_stock, repeatable)
  SOUK_RPC(patch_stock, repeatable)
  SOUK_RPC(open_stock, repeatable)
  SOUK_RPC(restock, repeatable)
  SOUK_RPC(adjust, repeatable)
  SOUK_RPC(move_stock, repeatable)
  SOUK_RPC(reserve, repeatable)
  SOUK_RPC(extend, repeatable)
  SOUK_RPC(release, repeatable)
  SOUK_RPC(complete, repeatable)
  SOUK_RPC(get_reservation, repeatable)
  SOUK_RPC(return_stock, repeatable)
  SOUK_RPC(list_ledger, repeatable)
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(inventory)

}  // namespace souk::inventory
