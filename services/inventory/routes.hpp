#pragma once

#include "http/router.hpp"
#include "inventory/api.hpp"

namespace souk::inventory {

// GET /v1/admin/inventory/{product_id}, its ledger, restock and adjust.
void add_routes(http::Router& router, Api& inventory);

}  // namespace souk::inventory
