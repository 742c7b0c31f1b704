#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/api.hpp"

namespace souk::catalog {

// All categories as they were at one moment.
class CategoryTable {
 public:
  explicit CategoryTable(std::vector<Category> categories);

  // By display_order, name, id.
  const std::vector<Category>& all() const { return categories_; }
  // Null when there is none. An id goes before a slug.
  const Category* find(const std::string& id_or_slug) const;

 private:
  std::vector<Category> categories_;
  std::map<std::string, std::size_t> by_id_;
  std::map<std::string, std::size_t> by_slug_;
};
using CategoryTablePtr = std::shared_ptr<const CategoryTable>;

}  // namespace souk::catalog
