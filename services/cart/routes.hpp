#pragma once

#include "cart/api.hpp"
#include "http/router.hpp"

namespace souk::cart {

// /v1/carts and below, but for quote and checkout, which are the order service's.
void add_routes(http::Router& router, Api& carts);

}  // namespace souk::cart
