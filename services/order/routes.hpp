#pragma once

#include "http/router.hpp"
#include "order/api.hpp"

namespace souk::order {

// A guest shows an order's access token as the header X-Order-Token or the query's access_token.
void add_routes(http::Router& router, Api& orders);
// The administrators' part of them.
void add_admin_routes(http::Router& router, Api& orders);
// Returns, for customers and administrators.
void add_return_routes(http::Router& router, Api& orders);

}  // namespace souk::order
