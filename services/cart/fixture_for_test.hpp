#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "fake_catalog_for_test.hpp"
#include "redis/client.hpp"
#include "remote.hpp"
#include "rpc/over_the_wire_for_test.hpp"
#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::cart {

// The service on the test's Redis and a catalog with a few products.
class CartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::redis_available()) GTEST_SKIP() << "SOUK_TEST_REDIS_URL is not set";
    redis_ = std::make_unique<redis::Client>(runtime_, souk::testing::redis_url());
    service_ = std::make_unique<Service>(runtime_, *redis_, catalog_);
    wire_ = std::make_unique<rpc::MaybeWire<Api>>(runtime_, "cart", *service_, make_remote, expose);
    catalog_.sell("p1", 2999);
    catalog_.sell("p2", 500);
    catalog_.sell("shirt", 1500, {"shirt-s", "shirt-m"});
    catalog_.sell("inactive", 100);
    catalog_.deactivate("inactive");
  }
  void TearDown() override {
    if (redis_) runtime_.block_on(redis_->close());
  }

  // Calls a method of the service in a coroutine of its own: what belongs to a worker is chosen on it.
  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request, Caller caller = {}) {
    return runtime_.block_on(
        call_on(wire_->api(), method, souk::testing::test_context(std::move(caller)), std::move(request)));
  }
  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Context context,
                                     Request request) {
    co_return co_await (api.*method)(std::move(context), std::move(request));
  }
  static Task<redis::Reply> command_on(redis::Client& redis, std::vector<std::string> arguments) {
    co_return co_await redis.command(souk::testing::test_context(), std::move(arguments));
  }
  redis::Reply command(std::vector<std::string> arguments) {
    return runtime_.block_on(command_on(*redis_, std::move(arguments)));
  }

  Cart create() { return call(&Api::create_cart, CreateCart{}).value(); }
  Result<Cart> get(const std::string& id, Caller caller = {}) {
    return call(&Api::get_cart, CartRef{.id = id}, std::move(caller));
  }
  Result<Cart> add(const std::string& cart_id, std::string product_id, std::int64_t quantity = 1,
                   std::optional<std::string> variant_id = {}, Caller caller = {}) {
    return call(&Api::add_item,
                AddItem{.cart_id = cart_id,
                        .product_id = std::move(product_id),
                        .variant_id = std::move(variant_id),
                        .quantity = quantity},
                std::move(caller));
  }
  static Caller customer(Uuid id) { return {.kind = Caller::Kind::customer, .user_id = id}; }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }

  Runtime runtime_{2};
  FakeCatalog catalog_;
  std::unique_ptr<redis::Client> redis_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<rpc::MaybeWire<Api>> wire_;
  const Uuid anna_ = Uuid::v7();
};

}  // namespace souk::cart
