#pragma once

#include "http/router.hpp"
#include "order/api.hpp"

namespace souk::order {

// The administration of coupons, under /v1/admin/coupons.
void add_coupon_routes(http::Router& router, Api& orders);

}  // namespace souk::order
