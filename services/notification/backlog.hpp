#pragma once

#include "core/task_group.hpp"
#include "postgres/pool.hpp"

namespace souk::notification {

// Publishes what waits to be delivered, as metrics, every ten seconds. Each process says the same of all.
Task<> watch_backlog(pg::Pool& pool, TaskGroup& group);

}  // namespace souk::notification
