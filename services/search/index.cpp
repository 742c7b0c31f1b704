#include "index.hpp"

#include <algorithm>

namespace souk::search {
namespace {

// Above this many changed products an update costs more than a rebuild now and then.
constexpr std::size_t max_recent = 2000;

bool is_shown(const catalog::Product& product) { return product.status != catalog::ProductStatus::inactive; }

}  // namespace

std::optional<Timestamp> Snapshot::updated_at(const std::string& product_id) const {
  if (const auto number = recent->number_of(product_id); number != Segment::none) {
    return recent->product(number).updated_at;
  }
  const auto number = main->number_of(product_id);
  if (number == Segment::none || replaced[number]) return std::nullopt;
  return main->product(number).updated_at;
}

Index::Index() {
  auto empty = std::make_shared<Snapshot>();
  empty->main = std::make_shared<Segment>(std::vector<catalog::Product>{});
  empty->recent = empty->main;
  snapshot_.store(std::move(empty));
}

void Index::publish(std::shared_ptr<const Segment> main, std::vector<bool> replaced, std::string generation) {
  std::vector<catalog::Product> products;
  products.reserve(recent_.size());
  for (const auto& [id, product] : recent_) products.push_back(product);
  auto next = std::make_shared<Snapshot>();
  next->main = std::move(main);
  next->gone = static_cast<std::size_t>(std::ranges::count(replaced, true));
  next->replaced = std::move(replaced);
  next->recent = std::make_shared<Segment>(products);
  next->generation = std::move(generation);
  snapshot_.store(std::move(next));
}

void Index::rebuild(std::vector<catalog::Product> products, std::string generation) {
  const std::lock_guard lock(writer_);
  std::erase_if(products, [](const catalog::Product& product) { return !is_shown(product); });
  recent_.clear();
  auto main = std::make_shared<Segment>(products);
  std::vector<bool> replaced(main->size(), false);
  publish(std::move(main), std::move(replaced), std::move(generation));
}

void Index::apply(std::vector<Update> updates, std::string generation) {
  const std::lock_guard lock(writer_);
  const auto current = snapshot_.load();
  auto replaced = current->replaced;
  for (auto& update : updates) {
    const auto number = current->main->number_of(update.product_id);
    if (number != Segment::none) replaced[number] = true;
    recent_.erase(update.product_id);
    if (update.product && is_shown(*update.product)) recent_.emplace(update.product_id, *std::move(update.product));
  }
  publish(current->main, std::move(replaced), std::move(generation));
}

bool Index::wants_rebuild() const {
  const std::lock_guard lock(writer_);
  return recent_.size() > max_recent;
}

}  // namespace souk::search
