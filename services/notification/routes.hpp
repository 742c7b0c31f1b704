#pragma once

#include "http/router.hpp"
#include "notification/api.hpp"

namespace souk::notification {

// GET /v1/admin/notifications.
void add_routes(http::Router& router, Api& notifications);

}  // namespace souk::notification
