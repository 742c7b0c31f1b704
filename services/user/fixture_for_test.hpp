#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "service.hpp"
#include "testing/engines.hpp"

namespace souk::user::migrations {
std::span<const EmbeddedFile> embedded_files();
}

namespace souk::user {

// Sessions in memory; can be gone, as Redis can.
class FakeSessions final : public session::Api {
 public:
  Task<Result<session::NewSession>> create_session(Context, session::CreateSession request) override {
    if (gone) throw Unavailable("no Redis");
    const std::lock_guard lock(mutex);
    const auto id = "session-" + std::to_string(++count);
    live[id] = request;
    co_return session::NewSession{.token = "token-of-" + id, .session_id = id, .expires_at = now()};
  }
  Task<Result<session::Done>> revoke_session(Context, session::RevokeSession request) override {
    if (gone) throw Unavailable("no Redis");
    const std::lock_guard lock(mutex);
    if (live.erase(request.session_id) == 0) {
      co_return refuse(ErrorKind::not_found, "session.not_found", "There is no such session.");
    }
    co_return session::Done{};
  }
  Task<Result<session::Done>> revoke_all(Context, session::RevokeAll) override { not_asked(); }
  Task<Result<session::Session>> authenticate(Context, session::Authenticate) override { not_asked(); }
  Task<Result<session::Sessions>> list_sessions(Context, session::ListSessions) override { not_asked(); }

  std::mutex mutex;
  int count = 0;
  std::map<std::string, session::CreateSession> live;
  std::atomic<bool> gone = false;

 private:
  [[noreturn]] static void not_asked() { throw std::logic_error("the user service does not ask this"); }
};

// The service on a database of its own, with hashes that cost little.
class UserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
    const pg::MigrationSet sets[] = {{"events", events::migrations::embedded_files()},
                                     {"user", migrations::embedded_files()}};
    database_ = std::make_unique<souk::testing::TestDatabase>(sets);
    pool_ = std::make_unique<pg::Pool>(runtime_, pg::PoolOptions{.url = database_->url(), .name = "user_db"});
    service_ = std::make_unique<Service>(*pool_, sessions_, Options{.password_cost = cheap});
  }
  void TearDown() override {
    if (pool_) runtime_.block_on(pool_->close());
  }

  template <class Reply, class Request>
  static Task<Result<Reply>> call_on(Api& api, Task<Result<Reply>> (Api::*method)(Context, Request), Context context,
                                     Request request) {
    co_return co_await (api.*method)(std::move(context), std::move(request));
  }
  template <class Reply, class Request>
  Result<Reply> call(Task<Result<Reply>> (Api::*method)(Context, Request), Request request, Caller caller = {},
                     std::size_t worker = 0) {
    return runtime_.block_on(
        call_on(*service_, method, souk::testing::test_context(std::move(caller)), std::move(request)), worker);
  }

  static Register account(const std::string& email) {
    return {.email = email, .password = "correct horse", .first_name = "Anna", .last_name = "Berg"};
  }
  void enroll(const std::string& email) { ASSERT_TRUE(call(&Api::register_user, account(email))); }
  Result<Tokens> log_in(const std::string& email, const std::string& password = "correct horse",
                        const std::string& address = "192.0.2.7") {
    return call(&Api::login, Login{.email = email, .password = password, .client = {address, "Firefox"}});
  }
  Result<Tokens> renew(const std::string& token) {
    return call(&Api::refresh, Refresh{.refresh_token = token, .client = {"192.0.2.8", "Firefox"}});
  }
  std::string sql(const std::string& statement) { return database_->sql(statement); }
  std::string count_events(const std::string& type) {
    return sql("SELECT count(*) FROM outbox_events WHERE type = '" + type + "'");
  }
  static Caller customer(Uuid id, std::string session_id = "") {
    return {.kind = Caller::Kind::customer, .user_id = id, .session_id = std::move(session_id)};
  }
  template <class T>
  static std::string code_of(const Result<T>& result) {
    return result ? "" : result.error().code;
  }

  static constexpr PasswordCost cheap{.memory_kib = 64, .passes = 1, .lanes = 1};

  Runtime runtime_{2};
  FakeSessions sessions_;
  std::unique_ptr<souk::testing::TestDatabase> database_;
  std::unique_ptr<pg::Pool> pool_;
  std::unique_ptr<Service> service_;
};

}  // namespace souk::user
