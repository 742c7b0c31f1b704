#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture_for_test.hpp"

namespace souk::payment {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SimulatorRoutes : public PaymentTest {
 protected:
  void SetUp() override {
    PaymentTest::SetUp();
    if (service_) add_simulator_routes(router_, *simulator_, *service_);
  }

  http::Response ask(http::Method method, std::string path, std::string decision = "") {
    http::Request request{.context = souk::testing::test_context(), .method = method, .target = path, .path = path};
    if (!decision.empty()) request.query.emplace_back("decision", decision);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  // The page of a payment that waits for its customer.
  std::string page_of(Uuid order, std::optional<std::string> return_url = {}) {
    auto request = card(order, "tok_requires_action");
    request.return_url = std::move(return_url);
    return call(&Api::charge, std::move(request)).value().next_action.value().url.value();
  }

  http::Router router_;
};

TEST_F(SimulatorRoutes, TheCustomerApprovesOnTheGatewaysPage) {
  const auto order = Uuid::v7();
  const auto path = page_of(order, "https://shop.example/return?a=1");
  const auto page = ask(http::Method::GET, path);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.content_type, HasSubstr("text/html"));
  EXPECT_THAT(page.body, HasSubstr("100.00 USD"));
  EXPECT_THAT(page.body, HasSubstr("Approve"));
  const auto answer = ask(http::Method::POST, path, "approve");
  EXPECT_EQ(answer.status, 303);
  EXPECT_THAT(answer.headers, ::testing::Contains(::testing::Pair("Location", "https://shop.example/return?a=1")));
  // The shop has heard of it before the customer is back.
  EXPECT_EQ(payment(order)->status, PaymentStatus::succeeded);
  EXPECT_THAT(ask(http::Method::GET, path).body, Not(HasSubstr("Approve")));
}

TEST_F(SimulatorRoutes, TheCustomerMayReject) {
  const auto order = Uuid::v7();
  const auto path = page_of(order);
  EXPECT_EQ(ask(http::Method::POST, path, "reject").status, 200);
  EXPECT_EQ(payment(order)->status, PaymentStatus::failed);
  EXPECT_EQ(payment(order)->failure_reason, "rejected_by_customer");
  EXPECT_EQ(ask(http::Method::POST, path, "approve").status, 200);  // too late
  EXPECT_EQ(payment(order)->status, PaymentStatus::failed);
}

TEST_F(SimulatorRoutes, NonsenseIsRefused) {
  const auto path = page_of(Uuid::v7());
  EXPECT_EQ(ask(http::Method::POST, path).status, 400);
  EXPECT_EQ(ask(http::Method::POST, path, "maybe").status, 400);
  EXPECT_EQ(ask(http::Method::GET, "/simulator/payments/nothing").status, 404);
  EXPECT_EQ(ask(http::Method::POST, "/simulator/payments/nothing", "approve").status, 404);
}

}  // namespace
}  // namespace souk::payment
