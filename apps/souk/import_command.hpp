#pragma once

#include <span>
#include <string>
#include <vector>

#include "catalog/api.hpp"
#include "core/runtime.hpp"
#include "inventory/api.hpp"
#include "review/api.hpp"

namespace souk {

// souk import products FILE [--stock N] | reviews FILE. Reads JSON Lines, also compressed (.gz). A bad line is told on
// stderr as FILE:LINE: reason and the rest is loaded; loading a file again changes nothing.
// 0: all lines are loaded; 1: some were refused, or the file cannot be read; 2: wrong usage.
int run_import(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, review::Api& reviews,
               const std::vector<std::string>& arguments);

// Loads lines that are products, with their opening stock; `stock` where a line names none. Used by the demo too.
struct ImportCounts {
  std::int64_t changed = 0;
  std::int64_t unchanged = 0;
  std::int64_t refused = 0;
  std::int64_t stocked = 0;
};
class ProductImport {
 public:
  ProductImport(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, std::string name,
                std::int64_t stock)
      : runtime_(runtime), catalog_(catalog), inventory_(inventory), name_(std::move(name)), stock_(stock) {}

  // `lines` with their numbers in the file.
  void load(const std::vector<std::pair<std::int64_t, std::string>>& lines);
  // Stock of items that have none yet.
  void open_stock(const std::vector<inventory::OpeningStock>& stock);
  const ImportCounts& counts() const { return counts_; }

 private:
  void open_some(std::span<const inventory::OpeningStock> stock);

  Runtime& runtime_;
  catalog::Api& catalog_;
  inventory::Api& inventory_;
  std::string name_;
  std::int64_t stock_;
  ImportCounts counts_;
};

}  // namespace souk
