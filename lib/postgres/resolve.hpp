#pragma once

#include <map>
#include <string>

#include "core/task.hpp"

namespace souk::pg {

// The keywords with the addresses of `host` in `hostaddr`, because libpq would block in DNS. One host only: a list is
// left to libpq. Throws Unavailable.
Task<std::map<std::string, std::string>> resolve_host(std::map<std::string, std::string> keywords, Deadline deadline);

}  // namespace souk::pg
