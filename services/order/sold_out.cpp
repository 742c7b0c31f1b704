#include "sold_out.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "errors.hpp"

namespace souk::order {

void SoldOut::note(const Details& details, const Error& refusal, Deadline now) {
  const std::lock_guard lock(mutex_);
  for (std::size_t n = 0; n < details.lines.size(); ++n) {
    const auto said = std::ranges::find(refusal.errors, fmt::format("items[{}]", n), &FieldError::field);
    if (said == refusal.errors.end()) continue;
    const auto& line = details.lines[n];
    if (items_.size() >= most_items) std::erase_if(items_, [now](const auto& item) { return item.second.ends <= now; });
    if (items_.size() >= most_items) return;
    auto& item = items_[line.sellable_id];
    if (item.ends <= now) item = {.ends = now + limits_.window, .quantity = line.quantity, .detail = said->detail};
    ++item.refusals;
    item.quantity = std::min(item.quantity, line.quantity);
  }
}

std::optional<Error> SoldOut::refusal_of(const Details& details, Deadline now) const {
  std::vector<FieldError> short_lines;
  const std::lock_guard lock(mutex_);
  if (items_.empty()) return std::nullopt;
  for (std::size_t n = 0; n < details.lines.size(); ++n) {
    const auto& line = details.lines[n];
    const auto found = items_.find(line.sellable_id);
    if (found == items_.end()) continue;
    const auto& item = found->second;
    if (item.ends <= now || item.refusals < limits_.fewest_refusals || line.quantity < item.quantity) continue;
    short_lines.push_back({fmt::format("items[{}]", n), "insufficient_stock", item.detail});
  }
  if (short_lines.empty()) return std::nullopt;
  return errors::insufficient_stock(std::move(short_lines)).error();
}

}  // namespace souk::order
