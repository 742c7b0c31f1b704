#pragma once

#include "http/router.hpp"
#include "review/api.hpp"

namespace souk::review {

void add_routes(http::Router& router, Api& reviews);

}  // namespace souk::review
