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

class PaymentRoutes : public PaymentTest {
 protected:
  void SetUp() override {
    PaymentTest::SetUp();
    if (service_) add_routes(router_, *service_);
  }

  http::Response ask(http::Method method, std::string path, std::string body = "", std::optional<Uuid> user = ada()) {
    Caller caller;
    if (user) caller = {.kind = Caller::Kind::customer, .user_id = user};
    return ask_as(std::move(caller), method, std::move(path), std::move(body));
  }
  // `path` may have one query parameter.
  http::Response ask_admin(http::Method method, std::string path, std::string body = "", std::string key = "") {
    return ask_as({.kind = Caller::Kind::admin, .user_id = admin_}, method, std::move(path), std::move(body),
                  std::move(key));
  }
  http::Response ask_as(Caller caller, http::Method method, std::string path, std::string body, std::string key = "") {
    http::Request request{.context = souk::testing::test_context(std::move(caller)), .method = method, .target = path};
    const auto question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) {
      const auto equals = path.find('=');
      request.query.emplace_back(path.substr(question + 1, equals - question - 1), path.substr(equals + 1));
    }
    if (!key.empty()) request.headers.emplace_back("Idempotency-Key", key);
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  static Uuid ada() {
    static const auto id = Uuid::v7();
    return id;
  }
  std::string added(const std::string& token) {
    const auto reply = ask(http::Method::POST, "/v1/me/payment-methods",
                           R"({"type":"card","card_last4":"4242","token":")" + token + "\"}");
    EXPECT_EQ(reply.status, 201) << reply.body;
    return "/v1/me/payment-methods/" + json::read_trusted<PaymentMethod>(reply.body).id.to_string();
  }

  std::string path_of(const Payment& payment) { return "/v1/admin/payments/" + payment.id.to_string(); }

  const Uuid admin_ = Uuid::v7();
  http::Router router_;
};

TEST_F(PaymentRoutes, AnAdminSeesCapturesAndRefunds) {
  const auto held = *pay(Uuid::v7(), "tok_authorize");
  const auto path = path_of(held);
  EXPECT_THAT(ask_admin(http::Method::GET, "/v1/admin/payments?authorized=true").body, HasSubstr(held.payment_number));
  EXPECT_THAT(ask_admin(http::Method::GET, "/v1/admin/payments?status=failed").body, HasSubstr(R"("data":[])"));
  EXPECT_EQ(ask_admin(http::Method::GET, "/v1/admin/payments?status=nonsense").status, 400);
  EXPECT_EQ(ask_admin(http::Method::GET, "/v1/admin/payments?limit=0").status, 400);
  EXPECT_EQ(ask_admin(http::Method::POST, path + "/refund", "{}", "k").status, 409);  // nothing is captured

  EXPECT_EQ(ask_admin(http::Method::POST, path + "/capture").status, 200);
  const auto given = ask_admin(http::Method::POST, path + "/refund", R"({"amount":40.25,"reason":"broken"})", "k");
  EXPECT_EQ(given.status, 200) << given.body;
  EXPECT_THAT(given.body, HasSubstr(R"("amount":40.25,"currency":"USD","status":"succeeded","reason":"broken")"));
  const auto again = ask_admin(http::Method::POST, path + "/refund", R"({"amount":40.25,"reason":"broken"})", "k");
  EXPECT_EQ(json::read_trusted<Refund>(again.body).id, json::read_trusted<Refund>(given.body).id);
  EXPECT_EQ(ask_admin(http::Method::POST, path + "/refund", R"({"amount":40.26,"reason":"broken"})", "k").status, 422);
  EXPECT_EQ(ask_admin(http::Method::POST, path + "/refund", R"({"amount":59.76})", "k2").status, 422);
  EXPECT_EQ(ask_admin(http::Method::POST, path + "/refund", "{}", "k3").status, 200);
  EXPECT_THAT(ask_admin(http::Method::GET, path).body, HasSubstr(R"("status":"refunded")"));
  expect_sound();
}

TEST_F(PaymentRoutes, WhatTheGatewayHasNotAnsweredIsAccepted) {
  const auto held = *pay(Uuid::v7(), "tok_capture_timeout");
  EXPECT_EQ(ask_admin(http::Method::POST, path_of(held) + "/capture").status, 202);
  const auto lost = *pay(Uuid::v7(), "tok_refund_timeout");
  EXPECT_EQ(ask_admin(http::Method::POST, path_of(lost) + "/refund", "{}", "k").status, 202);
  EXPECT_EQ(ask_admin(http::Method::POST, path_of(lost) + "/refund", "{}", "k").status, 200);
}

TEST_F(PaymentRoutes, WrongRefundsAreRefused) {
  const auto path = path_of(*pay(Uuid::v7(), "tok_success")) + "/refund";
  EXPECT_EQ(ask_admin(http::Method::POST, path, "{}").status, 400);  // no key
  for (const auto* body : {R"({"amount":0})", R"({"amount":-1})", R"({"amount":1.001})", R"({"amount":"1"})",
                           R"({"amount":1e300})", R"({"total":1})", R"({"status":"succeeded"})"}) {
    EXPECT_EQ(ask_admin(http::Method::POST, path, body, "k").status, 400) << body;
  }
  EXPECT_EQ(ask_admin(http::Method::POST, "/v1/admin/payments/nonsense/refund", "{}", "k").status, 404);
  EXPECT_EQ(ask_admin(http::Method::POST, "/v1/admin/payments/nonsense/capture").status, 404);
  EXPECT_EQ(ask_admin(http::Method::GET, "/v1/admin/payments/nonsense").status, 404);
  EXPECT_EQ(sql("SELECT count(*) FROM refunds"), "0");
}

TEST_F(PaymentRoutes, OnlyAdminsAdminister) {
  const auto path = path_of(*pay(Uuid::v7(), "tok_authorize"));
  for (const auto& [user, status] : {std::pair(std::optional(customer()), 403), {std::nullopt, 401}}) {
    EXPECT_EQ(ask(http::Method::GET, "/v1/admin/payments", "", user).status, status);
    EXPECT_EQ(ask(http::Method::GET, path, "", user).status, status);
    EXPECT_EQ(ask(http::Method::POST, path + "/capture", "", user).status, status);
    EXPECT_EQ(ask(http::Method::POST, path + "/refund", "{}", user).status, status);
  }
  EXPECT_EQ(sql("SELECT count(*) FROM payments WHERE status <> 'processing'"), "0");
}

TEST_F(PaymentRoutes, ACustomerKeepsSavedMethods) {
  const auto first = added("tok_success");
  const auto second = added("tok_slow");
  const auto made = ask(http::Method::PATCH, second, R"({"is_default":true})");
  EXPECT_EQ(made.status, 200);
  EXPECT_THAT(made.body, HasSubstr(R"("is_default":true)"));
  EXPECT_EQ(ask(http::Method::PATCH, second, R"({"is_default":false})").status, 400);
  const auto list = ask(http::Method::GET, "/v1/me/payment-methods");
  EXPECT_THAT(list.body, HasSubstr(R"("card_last4":"4242")"));
  EXPECT_THAT(list.body, Not(HasSubstr("tok_")));
  EXPECT_EQ(ask(http::Method::DELETE, first).status, 204);
  EXPECT_EQ(ask(http::Method::DELETE, first).status, 404);
}

TEST_F(PaymentRoutes, SavedMethodsAreTheirOwnersOnly) {
  const auto mine = added("tok_success");
  const auto list = std::string("/v1/me/payment-methods");
  EXPECT_EQ(ask(http::Method::PATCH, mine, R"({"is_default":true})", Uuid::v7()).status, 404);
  EXPECT_EQ(ask(http::Method::DELETE, mine, "", Uuid::v7()).status, 404);
  EXPECT_THAT(ask(http::Method::GET, list, "", Uuid::v7()).body, HasSubstr(R"("data":[])"));
  EXPECT_EQ(ask(http::Method::GET, list, "", std::nullopt).status, 401);
  EXPECT_EQ(ask(http::Method::POST, list, R"({"type":"card","token":"t"})", std::nullopt).status, 401);
  EXPECT_EQ(ask(http::Method::DELETE, mine, "", std::nullopt).status, 401);
}

TEST_F(PaymentRoutes, ACardsNumberAndUnknownMembersAreRefused) {
  const auto list = std::string("/v1/me/payment-methods");
  const auto number = ask(http::Method::POST, list, R"({"type":"card","token":"4242424242424242"})");
  EXPECT_EQ(number.status, 422);
  EXPECT_THAT(number.body, HasSubstr("payment.card_number_refused"));
  EXPECT_THAT(number.body, Not(HasSubstr("4242")));
  EXPECT_EQ(ask(http::Method::POST, list, R"({"type":"card","token":"t","number":"4242424242424242"})").status, 400);
  EXPECT_EQ(ask(http::Method::POST, list, R"({"type":"card","token":"t","user_id":"x"})").status, 400);
  EXPECT_EQ(ask(http::Method::POST, list, R"({"type":"cod","token":"t"})").status, 400);
  EXPECT_EQ(ask(http::Method::DELETE, list + "/nonsense").status, 404);
}

}  // namespace
}  // namespace souk::payment
