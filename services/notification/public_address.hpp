#pragma once

#include <string_view>

namespace souk::notification {

// Whether an address ("203.0.114.7", "2001:4860::1") is one of the public internet: neither this machine, nor a private
// or link-local network (where clouds keep their metadata), nor one that stands for such (IANA's special-purpose
// registries). False for what is no address.
bool is_public_address(std::string_view text);

}  // namespace souk::notification
