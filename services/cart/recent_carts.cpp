#include "recent_carts.hpp"

#include "core/runtime.hpp"

namespace souk::cart {

std::optional<StoredCart> RecentCarts::take(const std::string& key) {
  auto& [entries, by_key] = workers_[this_worker()];
  const auto found = by_key.find(key);
  if (found == by_key.end()) return std::nullopt;
  const auto entry = found->second;
  by_key.erase(found);
  std::optional cart = std::move(entry->cart);
  entries.erase(entry);
  return cart;
}

void RecentCarts::put(const std::string& key, const StoredCart& cart) {
  if (cart.items.size() > most_items) return;
  auto& [entries, by_key] = workers_[this_worker()];
  const auto found = by_key.find(key);
  if (found != by_key.end()) {
    const auto entry = found->second;
    by_key.erase(found);
    entries.erase(entry);
  }
  entries.push_front({key, cart});
  by_key.emplace(entries.front().key, entries.begin());
  if (entries.size() <= most_carts) return;
  by_key.erase(entries.back().key);
  entries.pop_back();
}

}  // namespace souk::cart
