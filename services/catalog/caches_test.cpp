#include "caches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::catalog {
namespace {

using ::testing::HasSubstr;

class CatalogCaches : public CatalogTest {
 protected:
  redis::Reply redis(std::vector<std::string> command) {
    return runtime_.block_on(ask_redis(*redis_, std::move(command)));
  }
  static Task<> fill_on(redis::Client& redis, DocumentPtr document) {
    RedisCache cache(redis);
    std::vector<DocumentPtr> documents{std::move(document)};
    co_await cache.fill(souk::testing::test_context(), std::move(documents));
  }
  static Task<> invalidate_on(redis::Client& redis, std::string id, Timestamp updated_at) {
    RedisCache cache(redis);
    std::vector<RedisCache::Changed> changed{{std::move(id), updated_at}};
    co_await cache.invalidate(souk::testing::test_context(), std::move(changed));
  }
  static DocumentPtr document(int second, std::string body) {
    return std::make_shared<const StoredDocument>(StoredDocument{
        .product_id = "p1", .updated_at = Timestamp(std::chrono::seconds(second)), .body = std::move(body)});
  }
};

TEST_F(CatalogCaches, AReadProductLiesInRedisForAnHourAsTheSpecificationSays) {
  add(line_of("p1", "Blue Mug", "12.50"));
  const auto document = call(&Api::get_product, GetProduct{"p1"}).value();
  EXPECT_EQ(redis({"TYPE", "product:p1"}).text, "string");
  EXPECT_EQ(redis({"GET", "product:p1"}).text, document.document.text);
  const auto left = redis({"TTL", "product:p1"}).integer;
  EXPECT_GT(left, 3590);
  EXPECT_LE(left, 3600);
}

TEST_F(CatalogCaches, AnotherProcessReadsFromRedis) {
  add(line_of("p1", "Blue Mug", "12.50"));
  ASSERT_TRUE(get("p1"));
  database_->sql("TRUNCATE products");
  const auto other = make_service();
  EXPECT_EQ(get("p1", {}, other.get())->name, "Blue Mug");
}

TEST_F(CatalogCaches, PricesNeverComeFromRedis) {
  add(line_of("p1", "Blue Mug", "12.50"));
  ASSERT_TRUE(get("p1"));
  auto stale = redis({"GET", "product:p1"}).text;
  stale.replace(stale.find("12.50"), 5, "00.01");
  redis({"SET", "product:p1", stale});
  const auto other = make_service();
  const auto priced = call(&Api::price_items, PriceItems{{{.product_id = "p1"}}}, {}, other.get()).value();
  EXPECT_EQ(priced.items[0].item->unit_price, Amount(1250));
}

TEST_F(CatalogCaches, AnOlderDocumentNeverReplacesANewerOneInRedis) {
  runtime_.block_on(fill_on(*redis_, document(2, "new")));
  runtime_.block_on(fill_on(*redis_, document(1, "old")));
  EXPECT_EQ(redis({"GET", "product:p1"}).text, "new");
  runtime_.block_on(fill_on(*redis_, document(3, "newest")));
  EXPECT_EQ(redis({"GET", "product:p1"}).text, "newest");
}

TEST_F(CatalogCaches, AFillThatWasReadBeforeAnInvalidationIsRefused) {
  runtime_.block_on(invalidate_on(*redis_, "p1", Timestamp(std::chrono::seconds(5))));
  runtime_.block_on(fill_on(*redis_, document(4, "old")));
  EXPECT_TRUE(redis({"GET", "product:p1"}).is_nil());
  runtime_.block_on(fill_on(*redis_, document(5, "new")));
  EXPECT_EQ(redis({"GET", "product:p1"}).text, "new");
}

TEST_F(CatalogCaches, NonsenseInRedisIsPassedOver) {
  add(line_of("p1", "Blue Mug", "12.50"));
  redis({"SET", "product:p1", "nonsense"});
  EXPECT_EQ(get("p1")->name, "Blue Mug");
  redis({"DEL", "product:p2"});
  redis({"LPUSH", "product:p2", "x"});
  EXPECT_EQ(code_of(get("p2")), "catalog.product_not_found");
}

TEST_F(CatalogCaches, WithoutRedisEverythingWorks) {
  redis::Client nowhere(runtime_, "unix:///nowhere/redis.sock");
  pg::Pool pool(runtime_, {.url = database_->url(), .name = "product_db", .max_connections = 4});
  {
    Service service(runtime_, pool, nowhere);
    ASSERT_TRUE(call(&Api::import_products, ImportProducts{{line_of("p1", "Mug", "1")}}, {}, &service));
    EXPECT_EQ(get("p1", {}, &service)->name, "Mug");
    EXPECT_EQ(call(&Api::get_products, GetProducts{{"p1"}}, {}, &service)->products.size(), 1u);
    EXPECT_THAT(call(&Api::list_products, ListProducts{}, {}, &service)->document.text, HasSubstr("Mug"));
  }
  runtime_.block_on(pool.close());
  runtime_.block_on(nowhere.close());
}

TEST_F(CatalogCaches, AReadProductIsServedFromMemoryWhenEverythingElseIsGone) {
  add(line_of("p1", "Blue Mug", "12.50"));
  ASSERT_TRUE(get("p1"));
  database_->sql("TRUNCATE products");
  redis({"DEL", "product:p1"});
  EXPECT_TRUE(get("p1"));
  EXPECT_TRUE(get("blue-mug-p1"));
}

TEST(PageCache, GivesNothingOfAnOlderGeneration) {
  PageCache cache(1000);
  const auto generation = cache.generation();
  cache.put("a", generation, std::make_shared<const std::string>("page"));
  EXPECT_EQ(*cache.find("a"), "page");
  cache.next_generation();
  EXPECT_FALSE(cache.find("a"));
  cache.put("a", generation, std::make_shared<const std::string>("read before the change"));
  EXPECT_FALSE(cache.find("a"));
}

TEST(PageCache, IsBounded) {
  PageCache cache(10'000);
  for (int i = 0; i < 1000; ++i) {
    cache.put(std::to_string(i), 0, std::make_shared<const std::string>(std::string(100, 'x')));
  }
  int kept = 0;
  for (int i = 0; i < 1000; ++i) kept += cache.find(std::to_string(i)) ? 1 : 0;
  EXPECT_LE(kept, 40);
  EXPECT_GE(kept, 1);
}

}  // namespace
}  // namespace souk::catalog
