#include "service.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "rules.hpp"
#include "testing/engines.hpp"

namespace souk::session {
namespace {

using std::chrono::seconds;

class SessionService : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!souk::testing::redis_available()) GTEST_SKIP() << "SOUK_TEST_REDIS_URL is not set";
    redis_ = std::make_unique<redis::Client>(runtime_, souk::testing::redis_url());
    service_ = std::make_unique<Service>(runtime_, *redis_);
  }
  void TearDown() override {
    if (redis_) runtime_.block_on(redis_->close());
  }

  // In coroutines of their own: what belongs to a worker is chosen on it.
  static Task<Result<Session>> authenticate_on(Api& api, std::string token) {
    co_return co_await api.authenticate(souk::testing::test_context(), {.token = std::move(token)});
  }
  static Task<Result<NewSession>> create_on(Api& api, CreateSession request) {
    co_return co_await api.create_session(souk::testing::test_context(), std::move(request));
  }
  static Task<Result<Sessions>> list_on(Api& api, Uuid user) {
    co_return co_await api.list_sessions(souk::testing::test_context(), {.user_id = user});
  }
  static Task<Result<Done>> revoke_on(Api& api, RevokeSession request) {
    co_return co_await api.revoke_session(souk::testing::test_context(), std::move(request));
  }
  static Task<Result<Done>> revoke_all_on(Api& api, RevokeAll request) {
    co_return co_await api.revoke_all(souk::testing::test_context(), std::move(request));
  }
  static Task<redis::Reply> command_on(redis::Client& redis, std::vector<std::string> arguments) {
    co_return co_await redis.command(souk::testing::test_context(), std::move(arguments));
  }

  NewSession create(Uuid user, std::string user_agent = "Firefox") {
    return runtime_
        .block_on(create_on(*service_, {.user_id = user,
                                        .email = "anna@example.com",
                                        .role = Role::admin,
                                        .ip_address = "192.0.2.7",
                                        .user_agent = std::move(user_agent)}))
        .value();
  }
  Result<Session> authenticate(std::string token, std::size_t worker = 0) {
    return runtime_.block_on(authenticate_on(*service_, std::move(token)), worker);
  }
  redis::Reply command(std::vector<std::string> arguments) {
    return runtime_.block_on(command_on(*redis_, std::move(arguments)));
  }
  std::string key(const NewSession& session) { return "session:" + session.session_id; }

  Runtime runtime_{2};
  std::unique_ptr<redis::Client> redis_;
  std::unique_ptr<Service> service_;
  const Uuid anna_ = Uuid::v7();
  const Uuid bert_ = Uuid::v7();
};

TEST_F(SessionService, ATokenAuthenticatesWhoItWasMadeFor) {
  const auto made = create(anna_);
  EXPECT_EQ(made.session_id, rules::session_id_of(made.token));
  const auto session = authenticate(made.token);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->id, made.session_id);
  EXPECT_EQ(session->user_id, anna_);
  EXPECT_EQ(session->email, "anna@example.com");
  EXPECT_EQ(session->role, Role::admin);
  EXPECT_EQ(session->ip_address, "192.0.2.7");
  EXPECT_EQ(session->user_agent, "Firefox");
}

TEST_F(SessionService, AnythingElseIsAnInvalidToken) {
  const auto made = create(anna_);
  for (const auto& token : {std::string(), std::string("x"), rules::new_token(), made.session_id}) {
    const auto session = authenticate(token);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, "auth.invalid_token");
    EXPECT_EQ(session.error().kind, ErrorKind::unauthenticated);
  }
}

TEST_F(SessionService, RedisHoldsTheSpecsFieldsAndNeverTheToken) {
  const auto made = create(anna_);
  const auto reply = command({"HGETALL", key(made)});
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i < reply.elements.size(); i += 2) {
    fields[reply.elements[i].text] = reply.elements[i + 1].text;
    EXPECT_EQ(reply.elements[i + 1].text.find(made.token), std::string::npos);
  }
  for (const auto* name : {"user_id", "email", "role", "ip_address", "user_agent", "created_at", "last_accessed_at"}) {
    EXPECT_TRUE(fields.contains(name)) << name;
  }
  EXPECT_EQ(fields["created_at"].size(), 10U);
  EXPECT_NEAR(static_cast<double>(command({"TTL", key(made)}).integer), 86400, 5);
  EXPECT_TRUE(command({"GET", "session:" + made.token}).is_nil());
}

TEST_F(SessionService, TheTimeToLiveIsRestartedWhenAMinuteHasPassed) {
  const auto made = create(anna_);
  command({"EXPIRE", key(made), "100"});
  ASSERT_TRUE(authenticate(made.token, 0));
  EXPECT_LE(command({"TTL", key(made)}).integer, 100);
  command({"HINCRBY", key(made), "last_accessed_at", "-61"});
  const auto before = now();
  const auto session = authenticate(made.token, 1);
  ASSERT_TRUE(session);
  EXPECT_GE(session->last_accessed_at + seconds(1), before);
  EXPECT_GT(command({"TTL", key(made)}).integer, 86000);
}

TEST_F(SessionService, ASessionThatRedisLostIsOverWithinASecond) {
  const auto made = create(anna_);
  ASSERT_TRUE(authenticate(made.token));
  command({"DEL", key(made)});
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_FALSE(authenticate(made.token));
}

TEST_F(SessionService, ARevokedSessionIsOverAtOnceOnEveryWorker) {
  const auto made = create(anna_);
  const auto other = create(anna_);
  ASSERT_TRUE(authenticate(made.token, 0));
  ASSERT_TRUE(authenticate(made.token, 1));
  ASSERT_TRUE(runtime_.block_on(revoke_on(*service_, {.user_id = anna_, .session_id = made.session_id})));
  EXPECT_FALSE(authenticate(made.token, 0));
  EXPECT_FALSE(authenticate(made.token, 1));
  EXPECT_TRUE(authenticate(other.token));
  EXPECT_EQ(command({"EXISTS", key(made)}).integer, 0);
  const auto again = runtime_.block_on(revoke_on(*service_, {.user_id = anna_, .session_id = made.session_id}));
  EXPECT_EQ(again.error().code, "session.not_found");
}

TEST_F(SessionService, NobodyRevokesAnothersSession) {
  const auto made = create(anna_);
  const auto result = runtime_.block_on(revoke_on(*service_, {.user_id = bert_, .session_id = made.session_id}));
  EXPECT_EQ(result.error().code, "session.not_found");
  EXPECT_TRUE(authenticate(made.token));
}

TEST_F(SessionService, ARedisThatLostItsLastSecondRevivesNothing) {
  const auto made = create(anna_);
  const auto dump = command({"DUMP", key(made)}).text;
  ASSERT_TRUE(runtime_.block_on(revoke_on(*service_, {.user_id = anna_, .session_id = made.session_id})));
  command({"RESTORE", key(made), "86400000", dump});
  EXPECT_FALSE(authenticate(made.token));
}

TEST_F(SessionService, AllOfAUserAreRevokedButTheOneThatAsks) {
  const auto first = create(anna_);
  const auto second = create(anna_);
  const auto asking = create(anna_);
  const auto of_another = create(bert_);
  ASSERT_TRUE(authenticate(first.token));
  ASSERT_TRUE(runtime_.block_on(revoke_all_on(*service_, {.user_id = anna_, .except_session_id = asking.session_id})));
  EXPECT_FALSE(authenticate(first.token));
  EXPECT_FALSE(authenticate(second.token));
  EXPECT_TRUE(authenticate(asking.token));
  EXPECT_TRUE(authenticate(of_another.token));
  EXPECT_EQ(command({"EXISTS", key(first), key(second)}).integer, 0);
  // What is made after it is as good as any.
  EXPECT_TRUE(authenticate(create(anna_).token));
  ASSERT_TRUE(runtime_.block_on(revoke_all_on(*service_, {.user_id = anna_})));
  EXPECT_FALSE(authenticate(asking.token));
}

TEST_F(SessionService, AUserSeesTheSessionsThatAreAlive) {
  const auto first = create(anna_, "Firefox");
  const auto second = create(anna_, "curl\n");
  const auto gone = create(anna_);
  create(bert_);
  command({"DEL", key(gone)});
  command({"HINCRBY", key(first), "last_accessed_at", "30"});
  const auto sessions = runtime_.block_on(list_on(*service_, anna_));
  ASSERT_TRUE(sessions);
  ASSERT_EQ(sessions->data.size(), 2U);
  EXPECT_EQ(sessions->data[0].id, first.session_id);
  EXPECT_EQ(sessions->data[1].id, second.session_id);
  EXPECT_EQ(sessions->data[1].user_agent, "curl?");
}

TEST_F(SessionService, TheFiftyFirstSessionEndsTheOneNotUsedForLongest) {
  const auto oldest = create(anna_);
  command(
      {"ZADD", "user_sessions:" + anna_.to_string(), "XX", std::to_string(std::time(nullptr) + 10), oldest.session_id});
  for (int i = 0; i < rules::max_sessions_of_a_user; ++i) create(anna_);
  EXPECT_EQ(runtime_.block_on(list_on(*service_, anna_))->data.size(), 50U);
  EXPECT_FALSE(authenticate(oldest.token));
}

TEST_F(SessionService, WhileRedisIsGoneItThrowsUnavailable) {
  const auto made = create(anna_);
  runtime_.block_on(redis_->close());
  EXPECT_THROW(authenticate(made.token), redis::Unavailable);
  EXPECT_THROW(create(anna_), redis::Unavailable);
}

// A feed in memory, as the user service would give it.
struct Feed {
  std::mutex mutex;
  std::vector<events::Event> all;
  bool answers = true;

  void add(user::SessionRevoked revoked) {
    const std::lock_guard lock(mutex);
    all.push_back({.cursor = std::to_string(all.size() + 1),
                   .id = Uuid::v7(),
                   .type = "session.revoked",
                   .key = revoked.user_id.to_string(),
                   .payload = {json::write(revoked)},
                   .created_at = now()});
  }

  Task<Result<events::EventPage>> read(Context, events::ReadEvents request) {
    if (request.wait_ms > 0) {
      Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(5));
      co_await timer.async_wait(use_task);
    }
    const std::lock_guard lock(mutex);
    if (!answers) throw std::runtime_error("the feed is gone");
    events::EventPage page{.next = request.after};
    const auto from = request.after.empty() ? 0 : std::stoul(request.after);
    for (auto i = from; i < all.size() && page.events.size() < 2; ++i) page.events.push_back(all[i]);
    if (!page.events.empty()) page.next = page.events.back().cursor;
    co_return page;
  }
};

class SessionFeed : public SessionService {
 protected:
  void follow() {
    service_->follow(group_, [this](Context context, events::ReadEvents request) {
      return feed_.read(std::move(context), std::move(request));
    });
  }
  void TearDown() override {
    group_.stop();
    runtime_.block_on(group_.drain());
    SessionService::TearDown();
  }
  bool ends_soon(const std::string& token) {
    for (int i = 0; i < 100; ++i) {
      if (!authenticate(token)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  TaskGroup group_{runtime_.executor(0)};
  Feed feed_;
};

TEST_F(SessionFeed, ARevocationElsewhereEndsASessionHere) {
  const auto made = create(anna_);
  const auto other = create(anna_);
  const auto of_bert = create(bert_);
  follow();
  ASSERT_TRUE(authenticate(made.token));
  feed_.add({.user_id = anna_, .session_id = made.session_id, .revoked_at = now()});
  EXPECT_TRUE(ends_soon(made.token));
  EXPECT_TRUE(authenticate(other.token));
  feed_.add({.user_id = anna_, .revoked_at = now()});
  EXPECT_TRUE(ends_soon(other.token));
  EXPECT_TRUE(authenticate(of_bert.token));
}

TEST_F(SessionFeed, WhatWasRevokedBeforeTheStartIsKnownBeforeTheFirstAnswer) {
  const auto made = create(anna_);
  for (int i = 0; i < 9; ++i) feed_.add({.user_id = bert_, .session_id = rules::new_token(), .revoked_at = now()});
  feed_.add({.user_id = anna_, .session_id = made.session_id, .revoked_at = now()});
  follow();
  EXPECT_FALSE(authenticate(made.token));
  EXPECT_TRUE(authenticate(create(anna_).token));
}

TEST_F(SessionFeed, WhileRevocationsAreUnknownNoSessionIsBelieved) {
  const auto made = create(anna_);
  feed_.answers = false;
  follow();
  const auto session = authenticate(made.token);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, "session.not_ready");
  EXPECT_EQ(session.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace souk::session
