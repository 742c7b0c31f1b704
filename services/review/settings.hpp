#pragma once

#include "core/settings.hpp"

namespace souk::review::settings {

inline Setting<bool> auto_approve("SOUK_REVIEWS_AUTO_APPROVE",
                                  "Whether customers' reviews are shown at once, without an administrator's approval.",
                                  false);

}  // namespace souk::review::settings
