#include "repository.hpp"

#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::cart {
namespace {

class CartRepository : public CartTest {
 protected:
  void SetUp() override {
    CartTest::SetUp();
    if (redis_) repository_ = std::make_unique<Repository>(*redis_);
  }

  static Task<Repository::Saved> save_on(Repository& repository, Repository::Key key, StoredCart cart,
                                         std::optional<StoredCart> previous) {
    co_return co_await repository.save(souk::testing::test_context(), std::move(key), std::move(cart),
                                       std::move(previous));
  }
  static Task<std::optional<StoredCart>> find_on(Repository& repository, Repository::Key key) {
    co_return co_await repository.find(souk::testing::test_context(), std::move(key));
  }

  std::unique_ptr<Repository> repository_;
  const std::string id_ = rules::new_cart_id();
};

TEST_F(CartRepository, TheKeysFieldsAndTimesToLiveAreTheSpecs) {
  const auto id = create().id;
  ASSERT_TRUE(add(id, "p1", 2));
  const auto key = "cart:session:" + id;
  EXPECT_EQ(command({"TYPE", key}).text, "hash");
  EXPECT_EQ(command({"HGET", key, "subtotal"}).text, "59.98");
  EXPECT_EQ(command({"HGET", key, "created_at"}).text.size(), 10U);
  EXPECT_EQ(command({"HGET", key, "updated_at"}).text.size(), 10U);
  const auto items = command({"HGET", key, "items"}).text;
  EXPECT_TRUE(items.starts_with(R"([{"product_id":"p1","quantity":2,"price":29.99,)")) << items;
  EXPECT_NEAR(static_cast<double>(command({"TTL", key}).integer), 604800, 5);
  ASSERT_TRUE(add("me", "p1", 1, {}, customer(anna_)));
  EXPECT_NEAR(static_cast<double>(command({"TTL", "cart:user:" + anna_.to_string()}).integer), 2592000, 5);
}

TEST_F(CartRepository, TheTimeToLiveStartsAnewWithEachWrite) {
  const auto id = create().id;
  command({"EXPIRE", "cart:session:" + id, "60"});
  ASSERT_TRUE(get(id));
  EXPECT_LE(command({"TTL", "cart:session:" + id}).integer, 60);
  ASSERT_TRUE(add(id, "p1"));
  EXPECT_GT(command({"TTL", "cart:session:" + id}).integer, 604000);
}

TEST_F(CartRepository, ACartWrittenAsTheSpecsExampleIsReadAndChanged) {
  const auto key = "cart:session:" + id_;
  command({"HMSET", key, "items", R"([{"product_id":"p1","quantity":2,"price":29.99}])", "subtotal", "59.98",
           "created_at", "1709040000", "updated_at", "1709040000"});
  const auto cart = get(id_);
  ASSERT_TRUE(cart);
  EXPECT_EQ(cart->items[0].quantity, 2);
  EXPECT_EQ(cart->items[0].item_id, rules::item_id_of("p1", std::nullopt));
  EXPECT_EQ(cart->items[0].name, "Name of p1");
  EXPECT_EQ(to_rfc3339(cart->created_at), "2024-02-27T13:20:00Z");
  EXPECT_EQ(add(id_, "p1")->items[0].quantity, 3);
}

TEST_F(CartRepository, WhoComesSecondGetsTheCartAsItIs) {
  const auto key = Repository::guest_key(id_);
  const auto cart = rules::new_cart(now());
  ASSERT_TRUE(runtime_.block_on(save_on(*repository_, key, cart, std::nullopt)).done);
  auto second = cart;
  second.coupon_code = "SECOND";
  auto older = cart;
  --older.version;
  const auto refused = runtime_.block_on(save_on(*repository_, key, second, older));
  EXPECT_FALSE(refused.done);
  EXPECT_EQ(refused.current, cart);
  EXPECT_FALSE(runtime_.block_on(save_on(*repository_, key, second, std::nullopt)).done);
  ++second.version;
  EXPECT_TRUE(runtime_.block_on(save_on(*repository_, key, second, cart)).done);
  EXPECT_EQ(runtime_.block_on(find_on(*repository_, key)), second);
}

TEST_F(CartRepository, ACartThatIsGoneIsNotWrittenBack) {
  const auto key = Repository::guest_key(id_);
  const auto cart = rules::new_cart(now());
  const auto refused = runtime_.block_on(save_on(*repository_, key, cart, cart));
  EXPECT_FALSE(refused.done);
  EXPECT_FALSE(refused.current);
  EXPECT_EQ(command({"EXISTS", key.name}).integer, 0);
}

TEST_F(CartRepository, AnythingInANameComesBackAsItWas) {
  const auto key = Repository::guest_key(id_);
  auto cart = rules::new_cart(now());
  cart.items.push_back({.product_id = "p",
                        .quantity = 999,
                        .price = Amount(Amount::max_minor),
                        .item_id = "i",
                        .variant_id = "v",
                        .sku = "s",
                        .name = "\"quoted\" \\ 日本語 \n \xF0\x9F\x9B\x92",
                        .image_url = "https://example.com/?a=1&b=2"});
  ASSERT_TRUE(runtime_.block_on(save_on(*repository_, key, cart, std::nullopt)).done);
  EXPECT_EQ(runtime_.block_on(find_on(*repository_, key)), cart);
}

}  // namespace
}  // namespace souk::cart
