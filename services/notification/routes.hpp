#pragma once

#include "http/router.hpp"
#include "notification/api.hpp"

namespace souk::notification {

// /v1/admin/notifications and /v1/admin/webhooks.
void add_routes(http::Router& router, Api& notifications);
void add_webhook_routes(http::Router& router, Api& api);

}  // namespace souk::notification
