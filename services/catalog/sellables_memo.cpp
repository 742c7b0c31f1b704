#include "sellables_memo.hpp"

#include "json/json.hpp"

namespace souk::catalog {

std::shared_ptr<const rules::Sellables> SellablesMemo::of(const std::string& body) const {
  auto kept = kept_.load(std::memory_order_acquire);
  if (kept) return kept;
  // Two who ask at once read it twice, and both are right.
  kept = std::make_shared<const rules::Sellables>(rules::sellables(json::read_trusted<Product>(body)));
  kept_.store(kept, std::memory_order_release);
  return kept;
}

}  // namespace souk::catalog
