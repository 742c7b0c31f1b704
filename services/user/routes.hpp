#pragma once

#include "http/router.hpp"
#include "user/api.hpp"

namespace souk::user {

// POST /v1/auth/register, login, refresh, logout; /v1/me; /v1/me/addresses.
void add_routes(http::Router& router, Api& users);

}  // namespace souk::user
