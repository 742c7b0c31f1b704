#pragma once

#include <string>
#include <vector>

#include "catalog/api.hpp"
#include "core/runtime.hpp"
#include "inventory/api.hpp"
#include "review/api.hpp"

namespace souk {

// souk demo: loads the demo catalogue with stock and reviews. Loading it again changes nothing.
int run_demo(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, review::Api& reviews,
             const std::vector<std::string>& arguments);

}  // namespace souk
