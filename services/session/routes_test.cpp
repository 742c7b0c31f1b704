#include "routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::session {
namespace {

using http::Method;
using ::testing::HasSubstr;
using ::testing::Not;

// The user service as far as these routes know it.
class FakeUsers final : public user::Api {
 public:
  Task<Result<user::Done>> logout(Context context, user::Logout) override {
    logged_out.push_back(context.caller().session_id);
    if (broken) throw std::runtime_error("no database");
    co_return user::Done{};
  }

  Task<Result<user::Registered>> register_user(Context, user::Register) override { not_asked(); }
  Task<Result<user::Tokens>> login(Context, user::Login) override { not_asked(); }
  Task<Result<user::Tokens>> refresh(Context, user::Refresh) override { not_asked(); }
  Task<Result<user::User>> get_user(Context, user::UserRef) override { not_asked(); }
  Task<Result<user::User>> patch_user(Context, user::PatchUser) override { not_asked(); }
  Task<Result<user::User>> create_user(Context, user::CreateUser) override { not_asked(); }
  Task<Result<user::Addresses>> list_addresses(Context, user::UserRef) override { not_asked(); }
  Task<Result<user::Address>> get_address(Context, user::AddressRef) override { not_asked(); }
  Task<Result<user::Address>> add_address(Context, user::AddAddress) override { not_asked(); }
  Task<Result<user::Address>> patch_address(Context, user::PatchAddress) override { not_asked(); }
  Task<Result<user::Done>> delete_address(Context, user::AddressRef) override { not_asked(); }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents) override { not_asked(); }

  std::vector<std::string> logged_out;
  bool broken = false;

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("these routes do not ask the user service this"); }
};

class SessionRoutes : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::redis_available()) GTEST_SKIP() << "SOUK_TEST_REDIS_URL is not set";
    redis_ = std::make_unique<redis::Client>(runtime_, souk::testing::redis_url());
    service_ = std::make_unique<Service>(runtime_, *redis_);
    add_routes(router_, *service_, users_);
    here_ = create(anna_);
    there_ = create(anna_);
    of_bert_ = create(bert_);
  }
  void TearDown() override {
    if (redis_) runtime_.block_on(redis_->close());
  }

  static Task<Result<NewSession>> create_on(Api& api, CreateSession request) {
    co_return co_await api.create_session(souk::testing::test_context(), std::move(request));
  }
  static Task<Result<Session>> authenticate_on(Api& api, std::string token) {
    co_return co_await api.authenticate(souk::testing::test_context(), {.token = std::move(token)});
  }
  static Task<http::Response> handle(const http::Router& router, http::Request request) {
    co_return co_await router.handle(std::move(request));
  }
  NewSession create(Uuid user) {
    return runtime_.block_on(create_on(*service_, {.user_id = user, .ip_address = "192.0.2.7", .user_agent = "curl"}))
        .value();
  }
  bool valid(const NewSession& session) {
    return runtime_.block_on(authenticate_on(*service_, session.token)).has_value();
  }
  http::Response ask(Method method, std::string path, Caller caller) {
    http::Request request{.context = souk::testing::test_context(std::move(caller)), .method = method, .target = path};
    request.path = std::move(path);
    return runtime_.block_on(handle(router_, std::move(request)));
  }
  Caller anna() const { return {.kind = Caller::Kind::customer, .user_id = anna_, .session_id = here_.session_id}; }

  Runtime runtime_{1};
  std::unique_ptr<redis::Client> redis_;
  std::unique_ptr<Service> service_;
  FakeUsers users_;
  http::Router router_;
  const Uuid anna_ = Uuid::v7();
  const Uuid bert_ = Uuid::v7();
  NewSession here_, there_, of_bert_;
};

TEST_F(SessionRoutes, TheOwnSessionsAreListedAndTheCurrentOneIsMarked) {
  const auto response = ask(Method::GET, "/v1/me/sessions", anna());
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr(R"("id":")" + here_.session_id +
                                       R"(","ip_address":"192.0.2.7","user_agent":"curl","is_current":true)"));
  EXPECT_THAT(response.body, HasSubstr(there_.session_id));
  EXPECT_THAT(response.body, Not(HasSubstr(of_bert_.session_id)));
  EXPECT_THAT(response.body, Not(HasSubstr(here_.token)));
  EXPECT_EQ(ask(Method::GET, "/v1/me/sessions", {}).status, 401);
}

TEST_F(SessionRoutes, EndingASessionLogsItOutOfTheUserService) {
  EXPECT_EQ(ask(Method::DELETE, "/v1/me/sessions/" + there_.session_id, anna()).status, 204);
  EXPECT_EQ(users_.logged_out, std::vector{there_.session_id});
  EXPECT_FALSE(valid(there_));
  EXPECT_TRUE(valid(here_));
  EXPECT_EQ(ask(Method::DELETE, "/v1/me/sessions/" + there_.session_id, anna()).status, 404);
}

TEST_F(SessionRoutes, AnothersSessionIsNotFound) {
  const auto response = ask(Method::DELETE, "/v1/me/sessions/" + of_bert_.session_id, anna());
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("session.not_found"));
  EXPECT_TRUE(users_.logged_out.empty());
  EXPECT_TRUE(valid(of_bert_));
}

TEST_F(SessionRoutes, ALogoutThatFailedCanBeRepeated) {
  users_.broken = true;
  EXPECT_EQ(ask(Method::DELETE, "/v1/me/sessions/" + there_.session_id, anna()).status, 500);
  users_.broken = false;
  EXPECT_EQ(ask(Method::DELETE, "/v1/me/sessions/" + there_.session_id, anna()).status, 204);
}

}  // namespace
}  // namespace souk::session
