#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "json/json.hpp"

// The index that Elasticsearch gets is the specification's, to the letter.
namespace souk::search {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::filesystem::path specification() {
  const char* shared = std::getenv("SOUK_SHARED");
  const auto folder =
      shared != nullptr ? std::filesystem::path(shared) : std::filesystem::path(SOUK_SOURCE_DIR) / ".." / "shared";
  return folder / "spec" / "database-schemas.md";
}

std::string our_index() {
  return read_file(std::filesystem::path(SOUK_SOURCE_DIR) / "services" / "search" / "elasticsearch_index.json");
}

TEST(ElasticsearchIndex, IsJson) { EXPECT_TRUE(json::read<json::Raw>(our_index(), json::Mode::lenient)); }

TEST(ElasticsearchIndex, IsTheSpecifications) {
  if (!std::filesystem::exists(specification())) GTEST_SKIP() << "no specification here";
  const auto text = read_file(specification());
  const auto section = text.find("### products index");
  ASSERT_NE(section, std::string::npos);
  const auto begin = text.find("```json\n", section) + 8;
  EXPECT_EQ(our_index(), text.substr(begin, text.find("```", begin) - begin));
}

}  // namespace
}  // namespace souk::search
