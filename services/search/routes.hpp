#pragma once

#include "http/router.hpp"
#include "search/api.hpp"

namespace souk::search {

void add_routes(http::Router& router, Api& search);

}  // namespace souk::search
