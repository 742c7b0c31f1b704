#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::user {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(register_user, once)  // looks like somebody who registers twice
  SOUK_RPC(login, once)          // another session; counts failures
  SOUK_RPC(refresh, once)        // a token that is used twice ends its family
  SOUK_RPC(logout, repeatable)
  SOUK_RPC(get_user, repeatable)
  SOUK_RPC(patch_user, once)   // If-Match no longer fits
  SOUK_RPC(create_user, once)  // the e-mail is taken
  SOUK_RPC(list_addresses, repeatable)
  SOUK_RPC(get_address, repeatable)
  SOUK_RPC(add_address, once)     // another address
  SOUK_RPC(patch_address, once)   // If-Match no longer fits
  SOUK_RPC(delete_address, once)  // not found the second time
  SOUK_RPC(events, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(user)

}  // namespace souk::user
