#pragma once

#include <memory>

#include "core/runtime.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"

namespace souk::catalog {

// The embedded document store: database product_db in PostgreSQL, documents as JSONB. Outlived by the pool.
std::unique_ptr<Repository> make_postgres_repository(Runtime& runtime, pg::Pool& pool);

}  // namespace souk::catalog
