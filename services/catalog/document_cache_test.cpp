#include "document_cache.hpp"

#include <gtest/gtest.h>

namespace souk::catalog {
namespace {

Timestamp at(int second) { return Timestamp(std::chrono::seconds(second)); }

DocumentPtr document(std::string id, int second, std::string body = "{}", std::string slug = "") {
  if (slug.empty()) slug = "slug-" + id;
  return std::make_shared<const StoredDocument>(
      StoredDocument{.product_id = std::move(id), .slug = std::move(slug), .updated_at = at(second), .body = body});
}

TEST(DocumentCache, GivesWhatWasPutByIdAndBySlug) {
  DocumentCache cache(1 << 20);
  EXPECT_FALSE(cache.find("a"));
  EXPECT_TRUE(cache.put(document("a", 1)));
  EXPECT_EQ(cache.find("a")->product_id, "a");
  EXPECT_EQ(cache.find_by_slug("slug-a")->product_id, "a");
  EXPECT_FALSE(cache.find_by_slug("slug-b"));
}

TEST(DocumentCache, AnOlderDocumentNeverReplacesANewerOne) {
  DocumentCache cache(1 << 20);
  cache.put(document("a", 2, "new"));
  EXPECT_FALSE(cache.put(document("a", 1, "old")));
  EXPECT_EQ(cache.find("a")->body, "new");
  EXPECT_TRUE(cache.put(document("a", 3, "newest")));
  EXPECT_EQ(cache.find("a")->body, "newest");
}

TEST(DocumentCache, AReadThatBeganBeforeAChangeCannotPutTheOldDocumentBack) {
  DocumentCache cache(1 << 20);
  cache.invalidate("a", at(2));
  EXPECT_FALSE(cache.put(document("a", 1)));
  EXPECT_FALSE(cache.find("a"));
  EXPECT_TRUE(cache.put(document("a", 2)));
  EXPECT_TRUE(cache.find("a"));
}

TEST(DocumentCache, AnInvalidationForgetsOnlyWhatIsOlder) {
  DocumentCache cache(1 << 20);
  cache.put(document("a", 2));
  cache.invalidate("a", at(2));
  EXPECT_TRUE(cache.find("a"));
  cache.invalidate("a", at(3));
  EXPECT_FALSE(cache.find("a"));
  EXPECT_FALSE(cache.find_by_slug("slug-a"));
}

TEST(DocumentCache, ASlugThatMovedToAnotherProductFindsThatOne) {
  DocumentCache cache(1 << 20);
  cache.put(document("a", 1, "{}", "nice"));
  cache.put(document("a", 2, "{}", "other"));
  EXPECT_FALSE(cache.find_by_slug("nice"));
  cache.put(document("b", 1, "{}", "nice"));
  EXPECT_EQ(cache.find_by_slug("nice")->product_id, "b");
  EXPECT_EQ(cache.find_by_slug("other")->product_id, "a");
}

TEST(DocumentCache, WhatWasNotAskedForLongestGoesFirst) {
  DocumentCache cache(16 * 10'000);  // 10,000 bytes a shard
  for (int i = 0; i < 1000; ++i) {
    cache.put(document("p" + std::to_string(i), 1, std::string(1000, 'x')));
    EXPECT_TRUE(cache.find("p0"));
  }
  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += cache.find("p" + std::to_string(i)) ? 1 : 0;
  EXPECT_LE(kept, 16 * 8);
  EXPECT_GE(kept, 16 * 4);
}

TEST(DocumentCache, ClearForgetsEverything) {
  DocumentCache cache(1 << 20);
  cache.put(document("a", 2));
  cache.clear();
  EXPECT_FALSE(cache.find("a"));
  EXPECT_FALSE(cache.find_by_slug("slug-a"));
  EXPECT_TRUE(cache.put(document("a", 1)));
}

}  // namespace
}  // namespace souk::catalog
