#include "demo_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "catalogue.hpp"
#include "import_command.hpp"
#include "json/json.hpp"

namespace souk {

// What of a line says whether the product is there, and its stock.
struct DemoVariantStock {
  std::string variant_id;
  std::string sku;
  std::optional<std::int64_t> quantity;
};
BOOST_DESCRIBE_STRUCT(DemoVariantStock, (), (variant_id, sku, quantity))
struct DemoLine {
  std::string product_id;
  std::string sku;
  std::optional<std::int64_t> quantity;
  std::vector<DemoVariantStock> variants;
};
BOOST_DESCRIBE_STRUCT(DemoLine, (), (product_id, sku, quantity, variants))

namespace {

constexpr std::int64_t default_stock = 100;

DemoLine read_line(const std::string& line) { return json::read_trusted<DemoLine>(line); }

std::vector<inventory::OpeningStock> opening_stock(const std::vector<std::string>& lines) {
  std::vector<inventory::OpeningStock> stock;
  for (const auto& text : lines) {
    const auto line = read_line(text);
    if (line.variants.empty()) stock.push_back({line.product_id, line.sku, line.quantity.value_or(default_stock)});
    for (const auto& variant : line.variants) {
      stock.push_back({variant.variant_id, variant.sku, variant.quantity.value_or(default_stock)});
    }
  }
  return stock;
}

std::set<std::string> ids_there(Runtime& runtime, catalog::Api& catalog, const std::vector<std::string>& lines) {
  catalog::GetProducts wanted{.from_store = true};
  for (const auto& line : lines) wanted.product_ids.push_back(read_line(line).product_id);
  const auto context = Context::background("demo", std::chrono::seconds(60));
  const auto found = runtime.block_on(catalog.get_products(context, std::move(wanted)));
  if (!found) throw std::runtime_error(found.error().detail);
  std::set<std::string> ids;
  for (const auto& product : found->products) ids.insert(product.product_id);
  return ids;
}

}  // namespace

int run_demo(Runtime& runtime, catalog::Api& catalog, inventory::Api& inventory, review::Api& reviews,
             const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    fmt::print(stderr, "usage: souk demo\n");
    return 2;
  }
  const auto all = demo::product_lines();
  const auto there = ids_there(runtime, catalog, all);
  // A product that is there stays as it is: somebody may have changed it since.
  std::vector<std::pair<std::int64_t, std::string>> missing;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!there.contains(read_line(all[i]).product_id)) missing.emplace_back(static_cast<std::int64_t>(i) + 1, all[i]);
  }
  ProductImport import(runtime, catalog, inventory, "demo catalogue", default_stock);
  if (!missing.empty()) import.load(missing);
  // Stock and reviews that are there stay, too; those that an interrupted run left out come now.
  import.open_stock(opening_stock(all));
  const auto context = Context::background("demo", std::chrono::seconds(60));
  const auto reviewed = runtime.block_on(reviews.import_reviews(context, {demo::review_lines()}));
  if (!reviewed) throw std::runtime_error(reviewed.error().detail);
  const auto& counts = import.counts();
  fmt::print("demo catalogue: {} products loaded, {} were there\n", counts.changed, there.size());
  return counts.refused == 0 ? 0 : 1;
}

}  // namespace souk
