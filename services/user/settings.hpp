#pragma once

#include "core/settings.hpp"

namespace souk::user::settings {

// A proxy on the same machine would otherwise close the shop to all who come through it.
inline Setting<bool> login_limit_loopback(
    "SOUK_LOGIN_LIMIT_LOOPBACK",
    "Whether failed logins count against an address of this machine too (tests, a reverse proxy). They count against "
    "the account in any case.",
    false);

}  // namespace souk::user::settings
