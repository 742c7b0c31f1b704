#include "routes.hpp"

#include <gmock/gmock.h>

#include "fixture_for_test.hpp"

namespace souk::user {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::Not;

class UserRoutes : public UserTest {
 protected:
  void SetUp() override {
    UserTest::SetUp();
    if (IsSkipped()) return;
    add_routes(router_, *service_);
    enroll("anna@example.com");
    anna_ = log_in("anna@example.com").value();
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  http::Response ask(Method method, std::string path, std::string body = "", Caller caller = {},
                     http::Headers headers = {}) {
    http::Request request{.context = souk::testing::test_context(std::move(caller)), .method = method, .target = path};
    request.path = std::move(path);
    request.body = std::move(body);
    request.headers = std::move(headers);
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("User-Agent", "curl/8");
    request.headers.emplace_back("X-Forwarded-For", "203.0.113.66");
    request.client_address = "192.0.2.33";
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  Caller as_anna() { return customer(anna_.user.id, sessions_.live.begin()->first); }

  http::Router router_;
  Tokens anna_;
  const std::string address_ = R"({"full_name":"Anna Berg","phone":"+1 555 010 9999","address_line1":"1 Main Street",
                                   "city":"Springfield","country":"US"})";
};

TEST_F(UserRoutes, AnAccountIsMadeAndLogsIn) {
  const auto made = ask(Method::POST, "/v1/auth/register",
                        R"({"email":"bert@example.com","password":"battery staple","first_name":"B","last_name":"C"})");
  EXPECT_EQ(made.status, 202);
  EXPECT_EQ(made.body, R"({"status":"accepted"})");
  const auto tokens =
      ask(Method::POST, "/v1/auth/login", R"({"email":"bert@example.com","password":"battery staple"})");
  EXPECT_EQ(tokens.status, 200);
  EXPECT_THAT(tokens.body, HasSubstr(R"("token_type":"Bearer")"));
  EXPECT_THAT(tokens.body, Not(HasSubstr("password")));
  EXPECT_EQ(sql("SELECT host(ip_address) FROM refresh_tokens ORDER BY created_at DESC LIMIT 1"), "192.0.2.33");
}

TEST_F(UserRoutes, NobodyBecomesAnAdminByAskingForIt) {
  const auto refused = ask(Method::POST, "/v1/auth/register",
                           R"({"email":"eve@example.com","password":"battery staple","first_name":"E","last_name":"V",
                               "role":"admin"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr(R"("field":"role")"));
  EXPECT_EQ(ask(Method::PATCH, "/v1/me", R"({"role":"admin"})", as_anna()).status, 400);
  EXPECT_EQ(ask(Method::PATCH, "/v1/me", R"({"user_id":"x"})", as_anna()).status, 400);
}

TEST_F(UserRoutes, ARefusedLoginSaysHowLongToWait) {
  http::Response last;
  for (int i = 0; i < 6; ++i) {
    last = ask(Method::POST, "/v1/auth/login", R"({"email":"anna@example.com","password":"wrong"})");
  }
  EXPECT_EQ(last.status, 429);
  EXPECT_THAT(last.headers, ::testing::Contains(::testing::Pair("Retry-After", ::testing::_)));
}

TEST_F(UserRoutes, AnAccountIsReadWithItsEntityTagAndChangedUnderIt) {
  const auto read = ask(Method::GET, "/v1/me", "", as_anna());
  ASSERT_EQ(read.status, 200);
  const auto tag = http::etag_of(read.body);
  EXPECT_EQ(ask(Method::GET, "/v1/me", "", as_anna(), {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(ask(Method::PATCH, "/v1/me", R"({"first_name":"Anne"})", as_anna(), {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(ask(Method::PATCH, "/v1/me", R"({"first_name":"Ann"})", as_anna(), {{"If-Match", tag}}).status, 412);
}

TEST_F(UserRoutes, AddressesAreMadeChangedAndDeleted) {
  const auto made = ask(Method::POST, "/v1/me/addresses", address_, as_anna());
  ASSERT_EQ(made.status, 201);
  const auto path = "/v1/me/addresses/" + json::read_trusted<Address>(made.body).id.to_string();
  EXPECT_EQ(ask(Method::GET, path, "", as_anna()).body, made.body);
  EXPECT_THAT(ask(Method::PATCH, path, R"({"city":"Berlin","country":"DE"})", as_anna()).body, HasSubstr("Berlin"));
  EXPECT_EQ(ask(Method::GET, path, "", customer(Uuid::v7())).status, 404);
  EXPECT_EQ(ask(Method::GET, "/v1/me/addresses/nonsense", "", as_anna()).status, 404);
  EXPECT_EQ(ask(Method::DELETE, path, "", as_anna()).status, 204);
  EXPECT_EQ(ask(Method::DELETE, path, "", as_anna()).status, 404);
}

TEST_F(UserRoutes, GuestsHaveNoAccountAndNoAddresses) {
  for (const auto* path : {"/v1/me", "/v1/me/addresses"}) EXPECT_EQ(ask(Method::GET, path).status, 401);
  EXPECT_EQ(ask(Method::POST, "/v1/me/addresses", address_).status, 401);
}

TEST_F(UserRoutes, ALogoutEndsTheSessionThatAsks) {
  EXPECT_EQ(ask(Method::POST, "/v1/auth/logout", "{}", as_anna()).status, 204);
  EXPECT_TRUE(sessions_.live.empty());
  const auto body = R"({"refresh_token":")" + anna_.refresh_token + "\"}";
  EXPECT_EQ(ask(Method::POST, "/v1/auth/refresh", body).status, 401);
}

}  // namespace
}  // namespace souk::user
