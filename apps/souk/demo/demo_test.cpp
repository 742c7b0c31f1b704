#include <gtest/gtest.h>

#include <set>

#include "catalogue.hpp"
#include "json/json.hpp"
#include "pictures.hpp"

namespace souk::demo {

struct Identity {
  std::string product_id;
  std::string sku;
  std::string slug;
};
BOOST_DESCRIBE_STRUCT(Identity, (), (product_id, sku, slug))

namespace {

TEST(DemoCatalogue, IsTheSameEachTimeAndHasDistinctKeys) {
  const auto lines = product_lines();
  EXPECT_EQ(lines.size(), 200u);
  EXPECT_EQ(lines, product_lines());
  std::set<std::string> keys;
  for (const auto& line : lines) {
    const auto identity = json::read_trusted<Identity>(line);
    EXPECT_TRUE(keys.insert(identity.product_id).second);
    EXPECT_TRUE(keys.insert(identity.sku).second);
    EXPECT_TRUE(keys.insert(identity.slug).second);
  }
}

TEST(DemoPictures, EveryProductHasOneAndOtherNamesHaveNone) {
  for (const auto& line : product_lines()) {
    const auto start = line.find("/media/demo/") + 12;
    const auto subject = subject_of(line.substr(start, line.find('"', start) - start));
    ASSERT_TRUE(subject) << line;
    EXPECT_TRUE(draw(*subject).starts_with("<svg "));
  }
  for (const auto* file : {"", "demo-.svg", "demo-1-1-red.svg", "demo-99-1-ink.svg", "demo-1-1-ink.png", "../../etc"}) {
    EXPECT_FALSE(subject_of(file)) << file;
  }
}

}  // namespace
}  // namespace souk::demo
