#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>

#include "core/runtime.hpp"
#include "core/task.hpp"

namespace souk::testing {

// A test on worker threads. Members of a derived fixture that use `runtime` are destroyed before it:
//   class Orders : public testing::AsyncTest { ... };
//   TEST_F(Orders, AreListedNewestFirst) { const auto page = run(service.list_orders(context, {})); }
class AsyncTest : public ::testing::Test {
 protected:
  template <class T>
  T run(Task<T> task, std::size_t worker = 0) {
    return runtime.block_on(std::move(task), worker);
  }

  Runtime runtime{2};
};

}  // namespace souk::testing
