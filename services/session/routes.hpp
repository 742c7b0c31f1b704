#pragma once

#include "http/router.hpp"
#include "session/api.hpp"
#include "user/api.hpp"

namespace souk::session {

// GET /v1/me/sessions, DELETE /v1/me/sessions/{id}.
void add_routes(http::Router& router, Api& sessions, user::Api& users);

}  // namespace souk::session
