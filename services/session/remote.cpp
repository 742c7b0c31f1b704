#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::session {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(create_session, once)  // another session
  SOUK_RPC(authenticate, repeatable)
  SOUK_RPC(list_sessions, repeatable)
  SOUK_RPC(revoke_session, once)  // not found the second time
  SOUK_RPC(revoke_all, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(session)

}  // namespace souk::session
