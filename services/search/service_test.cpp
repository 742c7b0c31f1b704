#include "service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "rules.hpp"
#include "testing/engines.hpp"

namespace souk::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A catalog in memory with a feed of its changes; cursors are how many were read.
class FakeCatalog final : public catalog::Api {
 public:
  // A product that was there before the feed began.
  void place(const std::string& id, const std::string& name, std::int64_t version = 1) {
    const std::lock_guard lock(mutex_);
    products_[id] = document(id, name, version);
  }
  void change(const std::string& id, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto version = static_cast<std::int64_t>(events_.size()) + 1000;
    products_[id] = document(id, name, version);
    tell(id, version);
  }
  void remove(const std::string& id) {
    const std::lock_guard lock(mutex_);
    products_.erase(id);
    tell(id, static_cast<std::int64_t>(events_.size()) + 1000);
  }
  void begin_anew() {
    const std::lock_guard lock(mutex_);
    anew_ = true;
    events_.push_back({.id = Uuid::v7(), .type = "feed.began"});  // another epoch, other cursors
  }
  int reads() const { return reads_; }

  Task<Result<catalog::ProductDocuments>> get_products(Context, catalog::GetProducts request) override {
    const std::lock_guard lock(mutex_);
    if (request.from_store) ++reads_;
    catalog::ProductDocuments found;
    for (const auto& id : request.product_ids) {
      if (products_.contains(id)) found.products.push_back({.product_id = id, .document = {products_.at(id)}});
    }
    co_return found;
  }
  Task<Result<catalog::DocumentBatch>> list_documents(Context, catalog::ListDocuments request) override {
    const std::lock_guard lock(mutex_);
    catalog::DocumentBatch batch{.feed_cursor = std::to_string(events_.size())};
    for (auto at = products_.upper_bound(request.after); at != products_.end(); ++at) {
      if (batch.products.size() == 2) {
        batch.has_more = true;
        break;
      }
      batch.products.push_back({.product_id = at->first, .document = {at->second}});
    }
    co_return batch;
  }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents request) override {
    const std::lock_guard lock(mutex_);
    events::EventPage page{.next = std::to_string(events_.size())};
    page.reset = anew_;
    anew_ = false;
    const auto from = request.after.empty() ? 0 : std::stoul(request.after);
    for (auto i = from; i < events_.size(); ++i) page.events.push_back(events_[i]);
    co_return page;
  }

  Task<Result<catalog::ProductDocument>> get_product(Context, catalog::GetProduct) override { not_asked(); }
  Task<Result<catalog::ProductPage>> list_products(Context, catalog::ListProducts) override { not_asked(); }
  Task<Result<catalog::PricedItems>> price_items(Context, catalog::PriceItems) override { not_asked(); }
  Task<Result<catalog::Categories>> list_categories(Context, catalog::ListCategories) override { not_asked(); }
  Task<Result<catalog::Category>> get_category(Context, catalog::GetCategory) override { not_asked(); }
  Task<Result<catalog::ImportedProducts>> import_products(Context, catalog::ImportProducts) override { not_asked(); }
  Task<Result<catalog::Done>> upsert_categories(Context, catalog::UpsertCategories) override { not_asked(); }
  Task<Result<catalog::CatalogStats>> stats(Context, catalog::Done) override { not_asked(); }

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("search does not ask the catalog this"); }

  static std::string document(const std::string& id, const std::string& name, std::int64_t version) {
    catalog::Product product{.product_id = id, .sku = "SKU-" + id, .name = name, .slug = id};
    product.price.regular = Amount(1000);
    product.updated_at = Timestamp(std::chrono::microseconds(version));
    return json::write(product);
  }
  void tell(const std::string& id, std::int64_t version) {
    const catalog::ProductChanged changed{id, Timestamp(std::chrono::microseconds(version))};
    events_.push_back({.id = Uuid::v7(), .type = "product.changed", .key = id, .payload = {json::write(changed)}});
  }

  std::mutex mutex_;
  std::map<std::string, std::string> products_;
  std::vector<events::Event> events_;
  bool anew_ = false;
  std::atomic<int> reads_ = 0;
};

class SearchService : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::redis_available()) GTEST_SKIP() << "SOUK_TEST_REDIS_URL is not set";
    redis_ = std::make_unique<redis::Client>(runtime_, souk::testing::redis_url());
    service_ = std::make_unique<Service>(catalog_, *redis_);
    group_ = std::make_unique<TaskGroup>(runtime_.executor(0));
  }
  void TearDown() override {
    if (group_) {
      group_->stop();
      runtime_.block_on(group_->drain());
    }
    if (redis_) runtime_.block_on(redis_->close());
  }

  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request) {
    return runtime_.block_on(call_on(*service_, method, std::move(request)));
  }
  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Request request) {
    co_return co_await (api.*method)(souk::testing::test_context(), std::move(request));
  }
  static Task<redis::Reply> ask_redis(redis::Client& redis, std::vector<std::string> command) {
    co_return co_await redis.command(souk::testing::test_context(), std::move(command));
  }
  redis::Reply redis(std::vector<std::string> command) {
    return runtime_.block_on(ask_redis(*redis_, std::move(command)));
  }

  template <class Holds>
  static bool soon(Holds holds) {
    for (const auto until = Clock::now() + std::chrono::seconds(5); Clock::now() < until;) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  void start() {
    service_->start(*group_);
    ASSERT_TRUE(soon([&] { return call(&Api::state, catalog::Done{})->caught_up; }));
  }
  std::int64_t total(const std::string& q) { return call(&Api::search, SearchProducts{.q = q}).value().total; }

  // Cached results of other runs are of other words.
  const std::string word_ = "w" + Uuid::v7().to_string().substr(24);
  Runtime runtime_{2};
  FakeCatalog catalog_;
  std::unique_ptr<redis::Client> redis_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<TaskGroup> group_;
};

TEST_F(SearchService, AnswersThatItIsNotReadyUntilTheIndexIsBuilt) {
  const auto early = call(&Api::search, SearchProducts{.q = "shoe"});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, "search.not_ready");
  EXPECT_EQ(early.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(call(&Api::suggest, Suggest{.q = "sh"}));
  EXPECT_FALSE(call(&Api::state, catalog::Done{})->caught_up);
}

TEST_F(SearchService, TheIndexIsBuiltFromAllOfTheCatalog) {
  for (int i = 0; i < 5; ++i) catalog_.place("p" + std::to_string(i), word_ + " shoe");
  start();
  EXPECT_EQ(call(&Api::state, catalog::Done{})->documents, 5);
  const auto found = call(&Api::search, SearchProducts{.q = word_ + " shoes", .limit = 2}).value();
  EXPECT_EQ(found.total, 5);
  ASSERT_EQ(found.data.size(), 2u);
  EXPECT_THAT(found.data[0].text, HasSubstr(R"("product_id":"p0")"));
  EXPECT_TRUE(found.has_more);
  const auto rest = call(&Api::search, SearchProducts{.q = word_ + " shoes", .limit = 2, .cursor = *found.next_cursor});
  EXPECT_THAT(rest->data[0].text, HasSubstr(R"("product_id":"p2")"));
}

TEST_F(SearchService, ChangesAreFollowed) {
  catalog_.place("p1", word_ + " shoe");
  start();
  EXPECT_EQ(total(word_), 1);
  catalog_.change("p2", word_ + " boot");
  EXPECT_TRUE(soon([&] { return total(word_) == 2; }));
  catalog_.remove("p1");
  EXPECT_TRUE(soon([&] { return total(word_) == 1; }));
  catalog_.change("p2", "something else");
  EXPECT_TRUE(soon([&] { return total(word_) == 0; }));
}

TEST_F(SearchService, EventsThatTheDocumentsHadAlreadyAreNotReadAgain) {
  catalog_.change("p1", word_ + " shoe");
  start();
  catalog_.place("p2", "new", 5000);
  EXPECT_EQ(catalog_.reads(), 0);
}

TEST_F(SearchService, AFeedThatBeganAnewBuildsTheIndexAgain) {
  catalog_.place("p1", word_ + " shoe");
  start();
  catalog_.place("p2", word_ + " boot");
  catalog_.begin_anew();
  EXPECT_TRUE(soon([&] {
    const auto found = call(&Api::search, SearchProducts{.q = word_, .limit = 3});
    return found && found->data.size() == 2;
  }));
}

TEST_F(SearchService, ResultsLieInRedisForHalfAnHourAsTheSpecificationSays) {
  catalog_.place("p1", word_ + " shoe");
  start();
  const SearchProducts request{.q = word_};
  ASSERT_TRUE(call(&Api::search, request));
  const auto key = "search:" + rules::query_hash(request, "0");
  EXPECT_EQ(redis({"GET", key}).text, R"(["p1"])");
  EXPECT_THAT(redis({"GET", key + ":meta"}).text, HasSubstr(R"("total":1)"));
  const auto left = redis({"TTL", key}).integer;
  EXPECT_GT(left, 1790);
  EXPECT_LE(left, 1800);
  redis({"SET", key, R"([])"});
  EXPECT_TRUE(call(&Api::search, request)->data.empty()) << "the cached answer is used";
  catalog_.change("p2", word_ + " boot");
  EXPECT_TRUE(soon([&] { return total(word_) == 2; })) << "a change has a key of its own";
}

TEST_F(SearchService, NonsenseInRedisIsPassedOver) {
  catalog_.place("p1", word_ + " shoe");
  start();
  const SearchProducts request{.q = word_};
  const auto key = "search:" + rules::query_hash(request, "0");
  redis({"SET", key, "nonsense", "EX", "100"});
  redis({"SET", key + ":meta", "{}", "EX", "100"});
  EXPECT_EQ(call(&Api::search, request)->total, 1);
  redis({"DEL", key, key + ":meta"});
  redis({"LPUSH", key, "x"});
  EXPECT_EQ(call(&Api::search, request)->total, 1);
  redis({"DEL", key});
}

TEST_F(SearchService, WithoutRedisItSearches) {
  catalog_.place("p1", word_ + " shoe");
  redis::Client nowhere(runtime_, "unix:///nowhere/redis.sock");
  Service service(catalog_, nowhere);
  runtime_.block_on(service.build(souk::testing::test_context()));
  EXPECT_EQ(runtime_.block_on(call_on(service, &Api::search, SearchProducts{.q = word_}))->total, 1);
  runtime_.block_on(nowhere.close());
}

TEST_F(SearchService, AWrongFacetOrCursorIsRefused) {
  start();
  EXPECT_EQ(call(&Api::search, SearchProducts{.facets = "colour"}).error().code, "request.invalid");
  EXPECT_EQ(call(&Api::search, SearchProducts{.cursor = "made-up"}).error().code, "request.invalid_cursor");
}

}  // namespace
}  // namespace souk::search
