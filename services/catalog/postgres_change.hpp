#pragma once

#include <memory>

#include "events/outbox.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"

namespace souk::catalog {

// A change in one transaction of the embedded document store.
std::unique_ptr<Change> make_postgres_change(pg::Transaction transaction, events::Outbox& outbox);

// From rows of category bodies.
std::vector<Category> read_categories(const pg::Rows& rows);

}  // namespace souk::catalog
