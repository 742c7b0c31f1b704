#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "core/embedded.hpp"
#include "events/outbox.hpp"
#include "fmt/format.h"
#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::catalog {

namespace migrations {
std::span<const EmbeddedFile> embedded_files();
}

// The service on a database of its own and the test's Redis.
class CatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    if (!souk::testing::redis_available()) GTEST_SKIP() << "SOUK_TEST_REDIS_URL is not set";
    const pg::MigrationSet sets[] = {{"events", events::migrations::embedded_files()},
                                     {"catalog", migrations::embedded_files()}};
    database_ = std::make_unique<souk::testing::TestDatabase>(sets);
    redis_ = std::make_unique<redis::Client>(runtime_, souk::testing::redis_url());
    // Products of other tests have the same ids.
    runtime_.block_on(forget_products(*redis_));
    service_ = make_service();
  }
  void TearDown() override {
    service_.reset();
    for (auto& pool : pools_) runtime_.block_on(pool->close());
    if (redis_) runtime_.block_on(redis_->close());
  }

  static Task<> forget_products(redis::Client& redis) {
    RedisCache cache(redis);
    co_await cache.clear(souk::testing::test_context());
  }

  static Task<redis::Reply> ask_redis(redis::Client& redis, std::vector<std::string> command) {
    co_return co_await redis.command(souk::testing::test_context(), std::move(command));
  }

  // Another one is as another process: it shares the database and Redis only.
  std::unique_ptr<Service> make_service() {
    pools_.push_back(std::make_unique<pg::Pool>(
        runtime_, pg::PoolOptions{.url = database_->url(), .name = "product_db", .max_connections = 8}));
    return std::make_unique<Service>(runtime_, *pools_.back(), *redis_);
  }

  // Calls a method in a coroutine of its own: what belongs to a worker is chosen on it.
  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request, Caller caller = {},
                     Service* service = nullptr) {
    return runtime_.block_on(call_on(service ? *service : *service_, method,
                                     souk::testing::test_context(std::move(caller)), std::move(request)));
  }
  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Context context,
                                     Request request) {
    co_return co_await (api.*method)(std::move(context), std::move(request));
  }

  std::vector<ImportedLine> import(std::vector<std::string> lines) {
    return call(&Api::import_products, ImportProducts{std::move(lines)}).value().lines;
  }
  // Imports one line that must be good.
  void add(std::string line) {
    const auto lines = import({std::move(line)});
    ASSERT_EQ(lines.at(0).problem, std::nullopt) << *lines.at(0).problem;
  }
  Result<Product> get(std::string id_or_slug, Caller caller = {}, Service* service = nullptr) {
    auto document = call(&Api::get_product, GetProduct{std::move(id_or_slug)}, std::move(caller), service);
    if (!document) return std::unexpected(document.error());
    return json::read_trusted<Product>(document->document.text);
  }
  PricedItem price(std::string product_id, std::optional<std::string> variant_id = {}) {
    return call(&Api::price_items, PriceItems{{{.product_id = product_id, .variant_id = variant_id}}})
        .value()
        .items.at(0);
  }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }
  static Caller admin() { return {.kind = Caller::Kind::admin, .user_id = Uuid::v7()}; }

  Runtime runtime_{2};
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::vector<std::unique_ptr<pg::Pool>> pools_;
  std::unique_ptr<redis::Client> redis_;
  std::unique_ptr<Service> service_;
};

// A line of an import file; `more` are further members.
inline std::string line_of(std::string_view id, std::string_view name, std::string_view price,
                           std::string_view more = "") {
  return fmt::format(R"({{"product_id":"{}","sku":"SKU-{}","name":"{}","price":{{"regular":{}}}{}{}}})", id, id, name,
                     price, more.empty() ? "" : ",", more);
}

}  // namespace souk::catalog
