#pragma once

#include <string_view>

namespace souk {

inline constexpr std::string_view version = SOUK_VERSION;

}  // namespace souk
