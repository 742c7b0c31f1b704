#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fakes_for_test.hpp"
#include "fixture_for_test.hpp"

namespace souk::catalog {
namespace {

class CatalogFollowers : public CatalogTest {
 protected:
  void TearDown() override {
    for (auto& group : groups_) {
      group->stop();
      runtime_.block_on(group->drain());
    }
    CatalogTest::TearDown();
  }

  void start(Service& service) {
    groups_.push_back(std::make_unique<TaskGroup>(runtime_.executor(0)));
    service.start(*groups_.back(), sources_.sources());
  }

  // Within 5 s everything equals its source.
  template <class Holds>
  static bool soon(Holds holds) {
    for (const auto until = Clock::now() + std::chrono::seconds(5); Clock::now() < until;) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  void add_shirt() {
    add(R"({"product_id":"shirt","sku":"S","name":"Shirt","price":{"regular":10},"variants":[{"variant_id":"s1","sku":"S1"},{"variant_id":"s2","sku":"S2"}]})");
  }

  FakeSources sources_;
  std::vector<std::unique_ptr<TaskGroup>> groups_;
};

TEST_F(CatalogFollowers, AvailabilityReachesVariantsAndStatus) {
  add_shirt();
  start(*service_);
  sources_.tell_stock("s1", false);
  EXPECT_TRUE(soon([&] { return get("shirt")->variants[0].available == false; }));
  EXPECT_EQ(get("shirt")->status, ProductStatus::active);
  sources_.tell_stock("s2", false);
  EXPECT_TRUE(soon([&] { return get("shirt")->status == ProductStatus::out_of_stock; }));
  sources_.tell_stock("s2", true);
  EXPECT_TRUE(soon([&] { return get("shirt")->status == ProductStatus::active; }));
}

TEST_F(CatalogFollowers, AvailabilityThatWasToldBeforeTheProductCameIsKnown) {
  start(*service_);
  sources_.tell_stock("p1", false);
  EXPECT_TRUE(soon([&] { return database_->sql("SELECT count(*) FROM sellable_availability") == "1"; }));
  add(line_of("p1", "A", "1"));
  EXPECT_EQ(get("p1")->status, ProductStatus::out_of_stock);
}

TEST_F(CatalogFollowers, AnImportKeepsTheKnownAvailability) {
  add_shirt();
  start(*service_);
  sources_.tell_stock("s1", false);
  EXPECT_TRUE(soon([&] { return get("shirt")->variants[0].available == false; }));
  const auto version = get("shirt")->updated_at;
  add_shirt();
  EXPECT_EQ(get("shirt")->updated_at, version);
}

TEST_F(CatalogFollowers, AFeedThatBeganAnewIsReadFromTheStockItself) {
  add_shirt();
  add(line_of("p1", "A", "1"));
  sources_.quantities = {{"s1", 0}, {"s2", 3}, {"p1", 0}};
  sources_.stock.begin_anew();
  start(*service_);
  EXPECT_TRUE(soon([&] { return get("p1")->status == ProductStatus::out_of_stock; }));
  EXPECT_EQ(get("shirt")->variants[0].available, false);
  EXPECT_EQ(get("shirt")->variants[1].available, true);
}

TEST_F(CatalogFollowers, RatingsReachTheProduct) {
  add(line_of("p1", "A", "1"));
  start(*service_);
  sources_.tell_rating("p1", 4.25, 8);
  sources_.tell_rating("unknown", 1, 1);
  EXPECT_TRUE(soon([&] { return get("p1")->rating.count == 8; }));
  EXPECT_EQ(get("p1")->rating.average, 4.25);
}

TEST_F(CatalogFollowers, AnEventIsAppliedOnceAcrossRestarts) {
  add(line_of("p1", "A", "1"));
  start(*service_);
  sources_.tell_rating("p1", 4, 1);
  EXPECT_TRUE(soon([&] { return get("p1")->rating.count == 1; }));
  const auto version = get("p1")->updated_at;
  groups_[0]->stop();
  runtime_.block_on(groups_[0]->drain());
  start(*service_);
  sources_.tell_rating("p2", 4, 1);
  EXPECT_TRUE(soon(
      [&] { return database_->sql("SELECT cursor FROM event_cursors WHERE consumer = 'catalog.ratings'") == "2"; }));
  EXPECT_EQ(get("p1")->updated_at, version);
}

TEST_F(CatalogFollowers, AChangeByAnotherProcessIsSeenSoon) {
  add(line_of("p1", "A", "1"));
  const auto other = make_service();
  start(*other);
  EXPECT_TRUE(soon([&] { return get("p1", {}, other.get()).has_value(); }));
  add(line_of("p1", "A", "2"));
  EXPECT_TRUE(soon([&] { return get("p1", {}, other.get())->price.regular == Amount(200); }));
  const auto page = [&] {
    return call(&Api::list_products, ListProducts{}, {}, other.get()).value().document.text.find("2.00");
  };
  EXPECT_NE(page(), std::string::npos);
  add(line_of("p1", "A", "3"));
  EXPECT_TRUE(soon([&] { return page() == std::string::npos; }));
  groups_[0]->stop();
  runtime_.block_on(groups_[0]->drain());
}

TEST_F(CatalogFollowers, RedisForgetsADocumentThatChanged) {
  add(line_of("p1", "A", "1"));
  ASSERT_TRUE(get("p1"));
  start(*service_);
  const auto in_redis = [&] { return !runtime_.block_on(ask_redis(*redis_, {"GET", "product:p1"})).is_nil(); };
  EXPECT_TRUE(soon([&] { return in_redis() || !get("p1"); }));
  add(line_of("p1", "A", "2"));
  EXPECT_TRUE(soon([&] {
    const auto reply = runtime_.block_on(ask_redis(*redis_, {"GET", "product:p1"}));
    return reply.is_nil() || reply.text.find("2.00") != std::string::npos;
  }));
}

}  // namespace
}  // namespace souk::catalog
