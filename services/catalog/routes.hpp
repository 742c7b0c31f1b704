#pragma once

#include "catalog/api.hpp"
#include "http/router.hpp"

namespace souk::catalog {

// GET /v1/categories, /v1/categories/{id}, /v1/products, /v1/products/{id}.
void add_routes(http::Router& router, Api& catalog);

}  // namespace souk::catalog
