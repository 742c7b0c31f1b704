#pragma once

#include "core/settings.hpp"

namespace souk::payment::settings {

inline Setting<std::string> gateway("SOUK_PAYMENT_GATEWAY",
                                    "Gateway that takes payments unless a checkout names another: simulator.",
                                    "simulator");

}  // namespace souk::payment::settings
