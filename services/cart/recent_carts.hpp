#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules.hpp"

namespace souk::cart {

// Carts as this worker wrote them last, so that the next change of one need not read it first. What is remembered may
// be old: it is only what a write compares itself against, and Redis refuses a write that another one came before.
// One for each worker, and used on it only.
class RecentCarts {
 public:
  // Larger carts are not kept, so that the memory of all is bounded: a worker keeps at most about 4 MiB.
  static constexpr std::size_t most_items = 8;
  static constexpr std::size_t most_carts = 1024;

  explicit RecentCarts(std::size_t workers) : workers_(workers) {}

  // Takes it out: a change that fails leaves nothing behind.
  std::optional<StoredCart> take(const std::string& key);
  void put(const std::string& key, const StoredCart& cart);

 private:
  struct Entry {
    std::string key;
    StoredCart cart;
  };
  struct Worker {
    std::list<Entry> newest_first;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;  // the keys lie in the list
  };

  std::vector<Worker> workers_;
};

}  // namespace souk::cart
