#include "remote.hpp"

#include "rpc/remote.hpp"

namespace souk::notification {
namespace {

class Remote final : public rpc::Remote<Api> {
 public:
  using rpc::Remote<Api>::Remote;
  SOUK_RPC(list_notifications, repeatable)
  SOUK_RPC(get_notification, repeatable)
  SOUK_RPC(retry_notification, once)  // another mail
};

}  // namespace

SOUK_RPC_SERVICE(notification)

}  // namespace souk::notification
