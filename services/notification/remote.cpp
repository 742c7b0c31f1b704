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
  SOUK_RPC(create_webhook, once)
  SOUK_RPC(list_webhooks, repeatable)
  SOUK_RPC(get_webhook, repeatable)
  SOUK_RPC(patch_webhook, repeatable)
  SOUK_RPC(rotate_webhook_secret, once)
  SOUK_RPC(delete_webhook, once)
  SOUK_RPC(redeliver_webhook, repeatable)
  SOUK_RPC(test_webhook, once)
};

}  // namespace

SOUK_RPC_SERVICE(notification)

}  // namespace souk::notification
