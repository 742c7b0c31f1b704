#include "category_table.hpp"

#include <algorithm>
#include <tuple>

namespace souk::catalog {

CategoryTable::CategoryTable(std::vector<Category> categories) : categories_(std::move(categories)) {
  std::ranges::sort(categories_, {}, [](const Category& c) {
    return std::tuple<std::int64_t, std::string_view, std::string_view>(c.display_order, c.name, c.category_id);
  });
  for (std::size_t i = 0; i < categories_.size(); ++i) {
    by_id_.emplace(categories_[i].category_id, i);
    by_slug_.emplace(categories_[i].slug, i);
  }
}

const Category* CategoryTable::find(const std::string& id_or_slug) const {
  if (const auto found = by_id_.find(id_or_slug); found != by_id_.end()) return &categories_[found->second];
  if (const auto found = by_slug_.find(id_or_slug); found != by_slug_.end()) return &categories_[found->second];
  return nullptr;
}

}  // namespace souk::catalog
