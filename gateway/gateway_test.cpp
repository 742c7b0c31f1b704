#include "gateway/gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/failure.hpp"
#include "core/runtime.hpp"
#include "gateway/operations.hpp"
#include "telemetry/log.hpp"

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using http::Headers;
using http::Method;
using http::NoBody;
using http::NoQuery;
using http::Request;
using http::Response;
using testing::HasSubstr;

Task<Response> who(Request request) {
  co_return Response{.content_type = "text/plain", .body = request.context.caller().to_string()};
}

// "customer" and "admin" are sessions, "gone" finds the store down, and everything else is unknown.
Task<Result<Caller>> authenticate(Context, std::string token) {
  if (token == "gone") throw Unavailable("no Redis");
  if (token == "customer") co_return Caller{.kind = Caller::Kind::customer, .user_id = Uuid{}, .session_id = "s1"};
  if (token == "admin") co_return Caller{.kind = Caller::Kind::admin, .user_id = Uuid{}, .session_id = "s2"};
  if (token == "service") co_return Caller{.kind = Caller::Kind::service};
  co_return refuse(ErrorKind::unauthenticated, "session.unknown", "No.");
}

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    log::set_level(log::Level(4));
    router.add_raw(Method::GET, "/anyone", {}, who);
    router.add_raw(Method::GET, "/same", {.ignores_caller = true}, who);
    router.add_raw(Method::GET, "/customer", {.access = http::Access::customer}, who);
    router.add_raw(Method::POST, "/customer", {.access = http::Access::customer}, who);
    router.add_raw(Method::GET, "/admin", {.access = http::Access::admin}, who);
    router.add_raw(Method::GET, "/checkout", {.priority = http::Priority::checkout}, who);
  }
  ~GatewayTest() override { log::set_level(log::Level::info); }

  void start(Options options = {}) {
    gateway = std::make_unique<Gateway>(router, authenticate, std::move(options));
    handler = gateway->handler();
  }
  Response ask(Method method, std::string path, Headers headers = {}, std::string address = "127.0.0.1") {
    if (!gateway) start();
    Request request{.method = method, .target = path, .path = path, .headers = std::move(headers)};
    request.client_address = std::move(address);
    return runtime.block_on(handler(std::move(request)));
  }
  Response get(std::string path, std::string token) {
    return ask(Method::GET, std::move(path), {{"Authorization", "Bearer " + token}});
  }

  Runtime runtime{1};
  http::Router router;
  std::unique_ptr<Gateway> gateway;
  std::function<Task<Response>(Request)> handler;
};

TEST_F(GatewayTest, TokenSaysWhoAsks) {
  EXPECT_EQ(ask(Method::GET, "/anyone").body, "guest");
  EXPECT_THAT(get("/anyone", "customer").body, HasSubstr("customer:"));
  EXPECT_EQ(ask(Method::GET, "/customer").status, 401);
  EXPECT_EQ(get("/admin", "customer").status, 403);
  EXPECT_EQ(get("/admin", "admin").status, 200);
}

TEST_F(GatewayTest, InvalidTokenIsRefusedEverywhere) {
  for (const auto* path : {"/anyone", "/same", "/customer", "/admin", "/unknown"}) {
    const auto response = get(path, "wrong");
    EXPECT_EQ(response.status, 401) << path;
    EXPECT_THAT(response.body, HasSubstr("auth.invalid_token"));
  }
  EXPECT_EQ(ask(Method::GET, "/anyone", {{"Authorization", "Basic abc"}}).status, 401);
  EXPECT_EQ(ask(Method::GET, "/anyone", {{"Authorization", "Bearer"}}).status, 401);
  EXPECT_EQ(get("/anyone", std::string(600, 'a')).status, 401);
}

TEST_F(GatewayTest, SessionCanNeverBeAService) { EXPECT_EQ(get("/anyone", "service").status, 503); }

TEST_F(GatewayTest, WithoutSessionsOnlyWhatIsTheSameForEverybodyGoesOn) {
  EXPECT_EQ(get("/customer", "gone").status, 503);
  EXPECT_EQ(get("/anyone", "gone").status, 503);
  EXPECT_EQ(get("/same", "gone").status, 200);
  EXPECT_EQ(ask(Method::GET, "/anyone").status, 200);
}

TEST_F(GatewayTest, CookieWritesNeedTheSameOrigin) {
  const auto post = [this](Headers more) {
    more.emplace_back("Cookie", "__Host-souk_session=customer");
    more.emplace_back("Host", "shop.example:8080");
    return ask(Method::POST, "/customer", std::move(more)).status;
  };
  EXPECT_EQ(post({{"Origin", "https://shop.example:8080"}}), 200);
  EXPECT_EQ(post({{"Sec-Fetch-Site", "same-origin"}}), 200);
  EXPECT_EQ(post({{"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(post({{"Origin", "https://shop.example"}}), 403);
  EXPECT_EQ(post({{"Origin", "null"}}), 403);
  EXPECT_EQ(post({{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(post({}), 403);
  EXPECT_EQ(ask(Method::GET, "/customer", {{"Cookie", "__Host-souk_session=customer"}}).status, 200);
}

TEST_F(GatewayTest, OldCookieIsAGuest) {
  EXPECT_EQ(ask(Method::GET, "/anyone", {{"Cookie", "__Host-souk_session=old"}}).body, "guest");
  EXPECT_THAT(ask(Method::GET, "/customer", {{"Cookie", "__Host-souk_session=old"}}).body, HasSubstr("auth.required"));
}

TEST_F(GatewayTest, ClientsAndSessionsHaveLimits) {
  start({.per_client_a_minute = 3, .per_session_a_minute = 2});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(Method::GET, "/anyone", {}, "192.0.2.1").status, 200);
  const auto refused = ask(Method::GET, "/anyone", {}, "192.0.2.1");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "20");
  EXPECT_EQ(header(refused, "RateLimit-Limit"), "3");
  EXPECT_EQ(header(refused, "RateLimit-Remaining"), "0");
  EXPECT_EQ(ask(Method::GET, "/anyone", {}, "192.0.2.2").status, 200);
  EXPECT_EQ(ask(Method::GET, "/anyone").status, 200);

  const Headers session{{"Authorization", "Bearer customer"}};
  EXPECT_EQ(header(ask(Method::GET, "/anyone", session, "192.0.2.3"), "RateLimit-Remaining"), "1");
  EXPECT_EQ(ask(Method::GET, "/anyone", session, "192.0.2.4").status, 200);
  EXPECT_EQ(ask(Method::GET, "/anyone", session, "192.0.2.5").status, 429);
}

TEST_F(GatewayTest, AddressesOfOneIpv6NetworkAreOneClient) {
  start({.per_client_a_minute = 1});
  EXPECT_EQ(ask(Method::GET, "/anyone", {}, "2001:db8::1").status, 200);
  EXPECT_EQ(ask(Method::GET, "/anyone", {}, "2001:db8::2").status, 429);
  EXPECT_EQ(ask(Method::GET, "/anyone", {}, "2001:db8:0:1::1").status, 200);
}

TEST_F(GatewayTest, FullClassIs503AndLeavesTheOtherAlone) {
  start({.admission = {.normal = {.running = 0, .waiting = 0}, .checkout = {.running = 1, .waiting = 0}}});
  const auto refused = ask(Method::GET, "/anyone");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("\"overloaded\""));
  EXPECT_EQ(header(refused, "Retry-After"), "1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(Method::GET, "/checkout").status, 200);
}

TEST_F(GatewayTest, ServesItsDocument) {
  const auto document = ask(Method::GET, "/openapi.json");
  EXPECT_EQ(document.status, 200);
  EXPECT_THAT(*document.shared_body, HasSubstr("\"/customer\""));
  EXPECT_EQ(ask(Method::GET, "/openapi.json", {{"If-None-Match", header(document, "ETag")}}).status, 304);
  EXPECT_THAT(ask(Method::GET, "/docs").body, HasSubstr("<title>Souk API</title>"));
}

TEST(RateLimiter, RefillsEvenly) {
  RateLimiter limiter(60);
  const Deadline start{};
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(limiter.take("a", start).allowed);
  EXPECT_FALSE(limiter.take("a", start).allowed);
  EXPECT_EQ(limiter.take("a", start).retry_after_s, 1);
  EXPECT_EQ(limiter.take("a", start).reset_s, 60);
  EXPECT_TRUE(limiter.take("a", start + 1s).allowed);
  EXPECT_FALSE(limiter.take("a", start + 1s).allowed);
  EXPECT_EQ(limiter.take("a", start + 1h).remaining, 59);
}

TEST(RateLimiter, RemembersABoundedNumberOfKeys) {
  RateLimiter limiter(1, 160);
  const Deadline now{};
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(limiter.take(std::to_string(i), now).allowed);
}

Task<> fine(Context) { co_return; }
Task<> broken(Context) {
  throw std::runtime_error("connection refused");
  co_return;
}

class OperationsTest : public testing::Test {
 protected:
  Response ask(std::string path, Headers headers = {}) {
    Request request{.method = Method::GET, .target = path, .path = path, .headers = std::move(headers)};
    return runtime.block_on(internal_handler(router, "key")(std::move(request)));
  }

  Runtime runtime{1};
  http::Router router;
};

TEST_F(OperationsTest, ReadyOnlyWhenAllChecksPass) {
  log::set_level(log::Level::error);
  add_operations_routes(router, {{"redis", fine}, {"order_db", broken}});
  EXPECT_EQ(ask("/healthz").status, 200);
  const auto response = ask("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"status":"not_ready","checks":{"order_db":{"status":"failed","detail":)"
                           R"("connection refused"},"redis":{"status":"ok"}}})");
  log::set_level(log::Level::info);
}

TEST_F(OperationsTest, MetricsAreText) {
  add_operations_routes(router, {{"redis", fine}});
  EXPECT_EQ(ask("/readyz").status, 200);
  EXPECT_THAT(ask("/metrics").body, HasSubstr("# TYPE souk_http_requests_total counter"));
}

TEST_F(OperationsTest, CallsBetweenServicesNeedTheKey) {
  router.add_raw(Method::GET, "/rpc", {.access = http::Access::internal}, who);
  EXPECT_EQ(ask("/rpc").status, 404);
  EXPECT_EQ(ask("/rpc", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(ask("/rpc", {{"Authorization", "Bearer key"}}).body, "service:peer");
}

}  // namespace
}  // namespace souk::gateway
