#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::search {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(search, repeatable)
  SOUK_RPC(suggest, repeatable)
  SOUK_RPC(state, repeatable)
};

}  // namespace

SOUK_RPC_SERVICE(search)

}  // namespace souk::search
