#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "index.hpp"

// Measures the ranking on a real catalogue with human judgments, where they lie beside the checkout.
namespace souk::search {
namespace {

// Members that the index looks at; the catalog's own reader is stricter.
struct Line {
  std::string product_id;
  std::string sku;
  std::string name;
  std::optional<std::string> description;
  std::optional<catalog::CategoryRef> category;
  std::optional<catalog::CategoryRef> subcategory;
  std::optional<catalog::Brand> brand;
  catalog::Price price;
  std::vector<json::Text<0, 200>> tags;
};
BOOST_DESCRIBE_STRUCT(Line, (), (product_id, sku, name, description, category, subcategory, brand, price, tags))

std::filesystem::path data_folder() {
  const char* shared = std::getenv("SOUK_SHARED_DATA");
  return shared != nullptr ? shared : std::filesystem::path(SOUK_SOURCE_DIR) / ".." / "shared" / "data";
}

std::vector<catalog::Product> read_catalogue(const std::filesystem::path& path) {
  std::vector<catalog::Product> products;
  gzFile file = gzopen(path.c_str(), "rb");
  std::string line(1 << 20, '\0');
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    const auto read = json::read_trusted<Line>(std::string_view(line.data()));
    catalog::Product product;
    product.product_id = read.product_id;
    product.sku = read.sku;
    product.name = read.name;
    if (read.description) product.description = *read.description;
    product.category = read.category;
    product.subcategory = read.subcategory;
    product.brand = read.brand;
    product.price = read.price;
    product.tags = read.tags;
    products.push_back(std::move(product));
  }
  gzclose(file);
  return products;
}

using Judgments = std::map<std::string, std::map<std::string, int>>;

Judgments read_judgments(const std::filesystem::path& path) {
  Judgments judgments;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const auto last = line.rfind(',');
    const auto middle = line.rfind(',', last - 1);
    judgments[line.substr(0, middle)][line.substr(middle + 1, last - middle - 1)] = std::stoi(line.substr(last + 1));
  }
  return judgments;
}

double discounted_gain(const std::vector<int>& grades) {
  double gain = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(10, grades.size()); ++i) {
    gain += (std::pow(2, grades[i]) - 1) / std::log2(static_cast<double>(i) + 2);
  }
  return gain;
}

// Of the judged products only: what nobody looked at is neither good nor bad.
double ndcg_at_10(const Snapshot& snapshot, const std::string& query, const std::map<std::string, int>& judged) {
  std::vector<int> grades;
  for (const auto& id : find(snapshot, SearchProducts{.q = query}, 0, 10'000).product_ids) {
    if (const auto grade = judged.find(id); grade != judged.end()) grades.push_back(grade->second);
  }
  std::vector<int> ideal;
  for (const auto& [id, grade] : judged) ideal.push_back(grade);
  std::ranges::sort(ideal, std::greater{});
  const double best = discounted_gain(ideal);
  return best == 0 ? 1 : discounted_gain(grades) / best;
}

TEST(SearchRelevance, OnTheElectronicsCatalogueIsAtLeastWhatItWas) {
  const auto folder = data_folder();
  if (!std::filesystem::exists(folder / "electronics-judgments.csv"))
    GTEST_SKIP() << "no catalogue with judgments here";
  Index index;
  index.rebuild(read_catalogue(folder / "electronics.jsonl.gz"), "1");
  double sum = 0;
  const auto judgments = read_judgments(folder / "electronics-judgments.csv");
  for (const auto& [query, judged] : judgments) sum += ndcg_at_10(*index.snapshot(), query, judged);
  const double mean = sum / static_cast<double>(judgments.size());
  RecordProperty("ndcg_at_10", std::to_string(mean));
  std::printf("NDCG@10 over %zu queries: %.4f\n", judgments.size(), mean);
  EXPECT_GE(mean, 0.88);
}

}  // namespace
}  // namespace souk::search
