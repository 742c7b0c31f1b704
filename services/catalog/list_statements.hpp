#pragma once

#include "postgres/pool.hpp"
#include "repository.hpp"

// The SQL of product lists. One statement for each order and each set of the filters that have an index, so that every
// one of them has a plan of its own.
namespace souk::catalog {

pg::Statement list_statement(const ProductQuery& query);
pg::Statement count_statement(const ProductQuery& query);
// The parameters of both.
pg::Params list_parameters(const ProductQuery& query);
pg::Params count_parameters(const ProductQuery& query);

}  // namespace souk::catalog
