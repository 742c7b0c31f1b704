#include <future>

#include "fixture_for_test.hpp"
#include "postgres/url.hpp"
#include "testing/gate.hpp"

namespace souk::order {
namespace {

using ::testing::HasSubstr;

class Concurrency : public OrderTest {
 protected:
  // All at the same time, spread over the workers.
  std::vector<Result<CheckoutResult>> all(std::vector<StartCheckout> requests) {
    std::vector<std::future<Result<CheckoutResult>>> futures;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      auto promise = std::make_shared<std::promise<Result<CheckoutResult>>>();
      futures.push_back(promise->get_future());
      asio::co_spawn(runtime.executor(i % runtime.size()), one(*service, std::move(requests[i]), promise),
                     asio::detached);
    }
    std::vector<Result<CheckoutResult>> results;
    for (auto& future : futures) results.push_back(future.get());
    return results;
  }
  static Task<> one(Service& service, StartCheckout request,
                    std::shared_ptr<std::promise<Result<CheckoutResult>>> promise) {
    try {
      promise->set_value(co_await service.checkout(souk::testing::test_context(), std::move(request)));
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  }
  static std::size_t orders_in(const std::vector<Result<CheckoutResult>>& results) {
    return static_cast<std::size_t>(
        std::ranges::count_if(results, [](const auto& result) { return result && result->order; }));
  }
};

TEST_F(Concurrency, OneCartIsBoughtOnceByDifferentKeys) {
  for (int round = 0; round < 5; ++round) {
    const auto cart = cart_with({{"i", "a", std::nullopt, 1}});
    std::vector<StartCheckout> requests;
    for (int i = 0; i < 12; ++i) requests.push_back(request(cart, "key" + std::to_string(i), body()));
    const auto results = all(std::move(requests));
    EXPECT_EQ(orders_in(results), 1u);
    for (const auto& result : results) {
      if (!result) {
        EXPECT_THAT(code_of(result), ::testing::AnyOf("checkout.cart_in_checkout", "cart.empty"));
      }
    }
    EXPECT_EQ(sql("SELECT count(*) FROM orders"), std::to_string(round + 1));
  }
  settle();
  EXPECT_EQ(inventory.item("a").quantity, 5);
  EXPECT_EQ(disturbance.count("payment.charge"), 5);
}

TEST_F(Concurrency, OneKeyMakesOneOrderAndAllAreToldOfIt) {
  const auto cart = usual_cart();
  std::vector<StartCheckout> requests(12, request(cart, "key", body()));
  const auto results = all(std::move(requests));
  for (const auto& result : results) {
    ASSERT_TRUE(result) << result.error().code;
    EXPECT_EQ(json::write(*result), json::write(*results.front()));
  }
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "1");
  EXPECT_EQ(disturbance.count("payment.charge"), 1);
}

TEST_F(Concurrency, TheLastItemsGoToAsManyAsThereAre) {
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 40; ++i) {
    requests.push_back(request(cart_with({{"i", "a", std::nullopt, 1}}), "key" + std::to_string(i), body()));
  }
  const auto results = all(std::move(requests));
  EXPECT_EQ(orders_in(results), 10u);
  for (const auto& result : results) {
    if (!result) EXPECT_EQ(code_of(result), "inventory.insufficient_stock");
  }
  settle();
  EXPECT_EQ(inventory.item("a").quantity, 0);
  EXPECT_EQ(sql("SELECT count(*) FILTER (WHERE state = 'completed') || ' ' || count(*) FILTER (WHERE state = "
                "'compensated') FROM checkout_sagas"),
            "10 30");
}

TEST_F(Concurrency, ManyCheckoutsShareTheirCommits) {
  inventory.stock("a", 1000);
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 200; ++i) {
    requests.push_back(request(cart_with({{"i", "a", std::nullopt, 1}}), "key" + std::to_string(i), body()));
  }
  EXPECT_EQ(orders_in(all(std::move(requests))), 200u);
  EXPECT_EQ(sql("SELECT count(DISTINCT order_number) FROM orders"), "200");
  EXPECT_EQ(sql("SELECT count(*) < 100 FROM (SELECT DISTINCT xmin::text FROM orders) AS commits"), "t");
}

// A trigger that refuses one product: whoever buys it is the guilty member of each batch.
TEST_F(Concurrency, APoisonedMemberFailsAlone) {
  inventory.stock("a", 1000);
  catalog.sell("poison", {.price = 100});
  inventory.stock("poison", 1000);
  sql("ALTER TABLE order_items ADD CONSTRAINT no_poison CHECK (product_id <> 'poison')");
  std::vector<StartCheckout> requests;
  for (int i = 0; i < 60; ++i) {
    const auto product = i == 31 ? "poison" : "a";
    requests.push_back(request(cart_with({{"i", product, std::nullopt, 1}}), "key" + std::to_string(i), body()));
  }
  std::vector<Result<CheckoutResult>> good;
  int failed = 0;
  std::vector<std::future<Result<CheckoutResult>>> futures;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto promise = std::make_shared<std::promise<Result<CheckoutResult>>>();
    futures.push_back(promise->get_future());
    asio::co_spawn(runtime.executor(i % 2), one(*service, std::move(requests[i]), promise), asio::detached);
  }
  for (auto& future : futures) {
    try {
      good.push_back(future.get());
    } catch (const pg::Error& error) {
      EXPECT_EQ(error.constraint(), "no_poison");
      ++failed;
    }
  }
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(orders_in(good), 59u);
  // Once the cause is gone recovery finishes that one too: its money was taken.
  sql("ALTER TABLE order_items DROP CONSTRAINT no_poison");
  recover();
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "60");
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas WHERE state <> 'completed'"), "0");
}

class BrokenConnection : public Concurrency {
 protected:
  std::string pool_url() override {
    gate = std::make_unique<souk::testing::Gate>(database->url());
    return gate->url();
  }
  void TearDown() override {
    Concurrency::TearDown();
    pool.reset();
    gate.reset();
  }
  // The pool waits a moment before it connects again.
  void recover_when_connected() {
    for (int attempt = 0; attempt < 50; ++attempt) {
      try {
        recover();
        return;
      } catch (const Unavailable&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  }
  std::unique_ptr<souk::testing::Gate> gate;
};

TEST_F(BrokenConnection, ALostReplyOfTheIntentStartsOneCheckout) {
  const auto cart = usual_cart();
  ASSERT_TRUE(call(&Api::quote, Quote{.cart_id = cart})) << "the rates are in memory now";
  gate->lose_next_reply();
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_TRUE(result->order);
  EXPECT_EQ(sql("SELECT count(*) FROM checkout_sagas"), "1");
}

TEST_F(BrokenConnection, ALostReplyOfThePivotWritesOneOrder) {
  disturbance.set_after([this](const std::string& call) {
    if (call == "payment.charge") gate->lose_next_reply();
  });
  const auto cart = usual_cart();
  const auto result = buy(cart);
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_TRUE(result->order);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "1");
  EXPECT_EQ(sql("SELECT count(*) FROM outbox_events"), "1");
}

TEST_F(BrokenConnection, ALostRequestOfThePivotWritesOneOrder) {
  disturbance.set_after([this](const std::string& call) {
    if (call == "payment.charge") gate->lose_next_request();
  });
  const auto result = buy(usual_cart());
  ASSERT_TRUE(result) << result.error().code;
  EXPECT_TRUE(result->order);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "1");
}

TEST_F(BrokenConnection, ADatabaseThatIsGoneAfterTheChargeIsFinishedByRecovery) {
  disturbance.set_after([this](const std::string& call) {
    if (call == "payment.charge") gate->shut();
  });
  const auto cart = usual_cart();
  EXPECT_ANY_THROW((void)buy(cart)) << "nothing can be said";
  disturbance.set_after({});
  gate->open();
  recover_when_connected();
  const auto again = buy(cart);
  ASSERT_TRUE(again) << again.error().code;
  EXPECT_TRUE(again->order);
  EXPECT_EQ(payments.money(), 5379);
  EXPECT_EQ(sql("SELECT count(*) FROM orders"), "1");
}

}  // namespace
}  // namespace souk::order
