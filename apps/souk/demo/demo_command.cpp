#include "demo_command.hpp"

#include <fmt/format.h>

#include "catalogue.hpp"
#include "import_command.hpp"

namespace souk {

int run_demo(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, review::Api& reviews,
             const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    fmt::print(stderr, "usage: souk demo\n");
    return 2;
  }
  std::vector<std::pair<std::int64_t, std::string>> lines;
  for (auto& line : demo::product_lines()) {
    const auto number = static_cast<std::int64_t>(lines.size()) + 1;
    lines.emplace_back(number, std::move(line));
  }
  ProductImport import(runtime, catalog, inventory, "demo catalogue", 100);
  import.load(lines);
  const auto context = Context::background("demo", std::chrono::seconds(60));
  const auto reviewed = runtime.block_on(reviews.import_reviews(context, {demo::review_lines()}));
  if (!reviewed) throw std::runtime_error(reviewed.error().detail);
  const auto& counts = import.counts();
  fmt::print("demo catalogue: {} products loaded, {} were there\n", counts.changed, counts.unchanged);
  return counts.refused == 0 ? 0 : 1;
}

}  // namespace souk
