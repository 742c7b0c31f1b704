#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/batcher.hpp"
#include "core/context.hpp"
#include "core/runtime.hpp"
#include "postgres/pool.hpp"

namespace souk::pg {

// Reads single rows by key, those that are asked for at the same time with one statement. Several times the rate of
// single statements, and no slower for a lone one. The statement takes the keys as one array and returns the key as
// its first column, then the members of Value:
//   pg::Loader<Uuid, Profile> profiles{runtime, pool, {"user.load", "SELECT id, name FROM users WHERE id = ANY ($1)"}};
//   auto profile = co_await profiles.load(context, id);
// Outlives its calls, and is outlived by the pool.
template <class Key, json::Described Value>
class Loader {
 public:
  Loader(Runtime& runtime, Pool& pool, Statement statement) {
    for (std::size_t i = 0; i < runtime.size(); ++i) {
      batchers_.emplace_back(
          runtime.executor(i), typename Batch::Limits{.max_batch = 256, .in_flight = 2},
          [&pool, statement](std::vector<Wanted> wanted) { return load_all(pool, statement, std::move(wanted)); });
    }
  }

  // Empty when there is no such row. Throws what Pool::execute throws; nobody waits past the latest deadline of those
  // who ask together.
  Task<std::optional<Value>> load(Context context, Key key) {
    co_return co_await batchers_.at(this_worker()).submit(Wanted{std::move(key), context.deadline()});
  }

 private:
  struct Wanted {
    Key key;
    Deadline deadline;
  };
  using Batch = Batcher<Wanted, std::optional<Value>>;

  static Task<std::vector<std::optional<Value>>> load_all(Pool& pool, Statement statement, std::vector<Wanted> wanted) {
    std::vector<Key> keys;
    Deadline latest = Deadline::min();
    for (const auto& one : wanted) {
      keys.push_back(one.key);
      latest = std::max(latest, one.deadline);
    }
    std::ranges::sort(keys);
    keys.erase(std::ranges::unique(keys).begin(), keys.end());
    const Context context("loader", "", Caller{}, latest);
    const auto rows = co_await pool.execute(context, statement, Params::of(keys));
    std::unordered_map<Key, Value> found;
    for (const Row row : rows) found.emplace(row.get<Key>(0), row.template to<Value>(1));
    std::vector<std::optional<Value>> values;
    values.reserve(wanted.size());
    for (const auto& one : wanted) {
      const auto at = found.find(one.key);
      values.push_back(at == found.end() ? std::nullopt : std::optional<Value>(at->second));
    }
    co_return values;
  }

  std::vector<Batch> batchers_;  // one a worker, so that nothing crosses threads
};

}  // namespace souk::pg
