#include <future>

#include "fixture_for_test.hpp"

namespace souk::user {
namespace {

class UserLogin : public UserTest {
 protected:
  void SetUp() override {
    UserTest::SetUp();
    if (!IsSkipped()) enroll("anna@example.com");
  }
  void fail(int times, const std::string& email, const std::string& address = "192.0.2.7") {
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(code_of(log_in(email, "wrong", address)), "auth.invalid_credentials");
    }
  }
  // Makes it look as if the token had been used so long ago.
  void age_use(int seconds) {
    sql("UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => " + std::to_string(seconds) + ")");
  }
  Result<Done> log_out(const Tokens& tokens, std::optional<std::string> refresh_token = {}) {
    return call(&Api::logout, Logout{std::move(refresh_token)},
                customer(tokens.user.id, tokens.access_token.substr(std::string("token-of-").size())));
  }
};

TEST_F(UserLogin, GivesASessionAndARefreshTokenOfWhichTheHashIsStored) {
  const auto tokens = log_in("ANNA@example.com");
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->user.email, "anna@example.com");
  EXPECT_TRUE(tokens->user.last_login_at);
  EXPECT_EQ(sessions_.live.size(), 1U);
  EXPECT_EQ(sql("SELECT token_hash FROM refresh_tokens"), rules::token_hash(tokens->refresh_token));
  EXPECT_EQ(sql("SELECT host(ip_address) || ' ' || user_agent FROM refresh_tokens"), "192.0.2.7 Firefox");
  EXPECT_EQ(sql("SELECT expires_at - created_at BETWEEN '29 days 23:59' AND '30 days 00:01' FROM refresh_tokens"), "t");
  EXPECT_EQ(
      sql("SELECT count(*) FROM refresh_tokens WHERE refresh_tokens::text LIKE '%" + tokens->refresh_token + "%'"),
      "0");
}

TEST_F(UserLogin, AnswersTheSameForAWrongPasswordAnUnknownEmailAndAnAccountWithoutPassword) {
  sql("INSERT INTO users (email, password_hash, first_name, last_name) VALUES ('o@example.com', '!', 'O', 'Auth')");
  const auto wrong = log_in("anna@example.com", "wrong");
  const auto unknown = log_in("nobody@example.com", "wrong");
  const auto without = log_in("o@example.com", "!");
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  ASSERT_FALSE(without);
  EXPECT_EQ(wrong.error(), unknown.error());
  EXPECT_EQ(wrong.error(), without.error());
  EXPECT_EQ(wrong.error().code, "auth.invalid_credentials");
}

TEST_F(UserLogin, TheFifthFailureClosesAnAccountAlsoForTheRightPassword) {
  for (const auto* email : {"anna@example.com", "nobody@example.com"}) {
    const std::string address = email[0] == 'a' ? "192.0.2.1" : "192.0.2.2";
    fail(5, email, address);
    const auto refused = log_in(email, "correct horse", "192.0.2.3");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::too_many_requests);
    EXPECT_EQ(refused.error().code, "auth.too_many_attempts");
    EXPECT_NEAR(refused.error().retry_after_s.value(), 30, 1);
  }
  sql("UPDATE login_failures SET blocked_until = LOCALTIMESTAMP WHERE subject LIKE 'account:%'");
  fail(1, "anna@example.com", "192.0.2.4");
  EXPECT_NEAR(log_in("anna@example.com", "correct horse", "192.0.2.5").error().retry_after_s.value(), 60, 1);
}

TEST_F(UserLogin, ASuccessForgetsTheFailuresOfTheAccount) {
  fail(4, "anna@example.com");
  EXPECT_TRUE(log_in("anna@example.com"));
  fail(4, "anna@example.com");
  EXPECT_TRUE(log_in("anna@example.com"));
}

TEST_F(UserLogin, TenFailuresAMinuteCloseAnAddressForAllAccounts) {
  for (int i = 0; i < 10; ++i) fail(1, "user" + std::to_string(i) + "@example.com");
  const auto refused = log_in("anna@example.com");
  EXPECT_EQ(code_of(refused), "auth.too_many_attempts");
  EXPECT_NEAR(refused.error().retry_after_s.value(), 60, 1);
  EXPECT_TRUE(log_in("anna@example.com", "correct horse", "192.0.2.99"));
  sql("UPDATE login_failures SET since = since - INTERVAL '61 seconds'");
  EXPECT_TRUE(log_in("anna@example.com"));
}

TEST_F(UserLogin, ThisMachinesOwnAddressesAreLimitedOnlyWhereTheSettingSaysSo) {
  for (int i = 0; i < 12; ++i) fail(1, "user" + std::to_string(i) + "@example.com", "127.0.0.1");
  EXPECT_TRUE(log_in("anna@example.com", "correct horse", "127.0.0.1"));
  Service strict(*pool_, sessions_, {.password_cost = cheap, .limit_loopback = true});
  std::string last;
  for (int i = 0; i < 12; ++i) {
    const Login guess{.email = "guest" + std::to_string(i) + "@example.com", .password = "x", .client = {"::1", ""}};
    last = code_of(runtime_.block_on(call_on(strict, &Api::login, souk::testing::test_context(), guess)));
  }
  EXPECT_EQ(last, "auth.too_many_attempts");
}

TEST_F(UserLogin, AmongManyGuessesAtOnceNoMoreThanFiveAreJudged) {
  std::vector<std::future<std::string>> replies;
  for (std::size_t i = 0; i < 40; ++i) {
    replies.push_back(std::async(std::launch::async, [this, i] {
      return code_of(
          call(&Api::login,
               Login{.email = "anna@example.com", .password = "guess", .client = {"192.0.2." + std::to_string(i), ""}},
               {}, i % 2));
    }));
  }
  int judged = 0;
  for (auto& reply : replies) judged += reply.get() == "auth.invalid_credentials" ? 1 : 0;
  EXPECT_LE(judged, 5);
}

TEST_F(UserLogin, SuspendedAndDeletedUsersDoNotGetIn) {
  const auto tokens = log_in("anna@example.com").value();
  sql("UPDATE users SET status = 'suspended'");
  EXPECT_EQ(code_of(log_in("anna@example.com")), "auth.suspended");
  EXPECT_EQ(code_of(log_in("anna@example.com", "wrong")), "auth.invalid_credentials");
  EXPECT_EQ(code_of(renew(tokens.refresh_token)), "auth.suspended");
  sql("UPDATE users SET status = 'deleted'");
  EXPECT_EQ(code_of(log_in("anna@example.com")), "auth.invalid_credentials");
  EXPECT_EQ(code_of(renew(tokens.refresh_token)), "auth.invalid_refresh_token");
}

TEST_F(UserLogin, AHashOfOtherCostIsMadeAnewAtTheNextLogin) {
  Service dearer(*pool_, sessions_, {.password_cost = {.memory_kib = 128, .passes = 2, .lanes = 1}});
  const Login login{.email = "anna@example.com", .password = "correct horse", .client = {"192.0.2.7", ""}};
  ASSERT_TRUE(runtime_.block_on(call_on(dearer, &Api::login, souk::testing::test_context(), login)));
  EXPECT_TRUE(sql("SELECT password_hash FROM users").starts_with("$argon2id$v=19$m=128,t=2,p=1$"));
  EXPECT_TRUE(log_in("anna@example.com"));
}

TEST_F(UserLogin, WithoutSessionsNobodyLogsInAndNoTokenIsUsedUp) {
  const auto tokens = log_in("anna@example.com").value();
  sessions_.gone = true;
  EXPECT_THROW(log_in("anna@example.com"), Unavailable);
  EXPECT_THROW(renew(tokens.refresh_token), Unavailable);
  sessions_.gone = false;
  EXPECT_TRUE(renew(tokens.refresh_token));
}

TEST_F(UserLogin, ARefreshTokenIsExchangedForItsSuccessor) {
  const auto first = log_in("anna@example.com").value();
  const auto second = renew(first.refresh_token);
  ASSERT_TRUE(second);
  EXPECT_NE(second->refresh_token, first.refresh_token);
  EXPECT_NE(second->access_token, first.access_token);
  EXPECT_TRUE(renew(second->refresh_token));
  EXPECT_EQ(sql("SELECT count(DISTINCT family) || ' ' || count(*) FROM refresh_tokens"), "1 3");
}

TEST_F(UserLogin, TwoTabsThatRefreshAtOnceGetTheSameSuccessor) {
  const auto tokens = log_in("anna@example.com").value();
  std::vector<std::future<Result<Tokens>>> tabs;
  for (std::size_t i = 0; i < 8; ++i) {
    tabs.push_back(std::async(std::launch::async, [&, i] {
      return call(&Api::refresh, Refresh{.refresh_token = tokens.refresh_token}, {}, i % 2);
    }));
  }
  std::set<std::string> successors;
  for (auto& tab : tabs) successors.insert(tab.get().value().refresh_token);
  EXPECT_EQ(successors.size(), 1U);
  EXPECT_EQ(sql("SELECT count(*) FROM refresh_tokens"), "2");
}

TEST_F(UserLogin, ATokenThatIsUsedAgainLaterEndsTheWholeLogin) {
  const auto first = log_in("anna@example.com").value();
  const auto other_login = log_in("anna@example.com").value();
  const auto second = renew(first.refresh_token).value();
  age_use(11);
  EXPECT_EQ(code_of(renew(first.refresh_token)), "auth.invalid_refresh_token");
  EXPECT_EQ(code_of(renew(second.refresh_token)), "auth.invalid_refresh_token");
  EXPECT_EQ(sessions_.live.size(), 1U);
  EXPECT_EQ(count_events("session.revoked"), "2");
  EXPECT_TRUE(renew(other_login.refresh_token));
}

TEST_F(UserLogin, AnythingElseIsNoRefreshToken) {
  const auto tokens = log_in("anna@example.com").value();
  sql("UPDATE refresh_tokens SET expires_at = LOCALTIMESTAMP");
  for (const auto& token : {tokens.refresh_token, std::string(), std::string("x"), rules::new_refresh_token(),
                            rules::token_hash(tokens.refresh_token)}) {
    EXPECT_EQ(code_of(renew(token)), "auth.invalid_refresh_token");
  }
  EXPECT_EQ(sessions_.live.size(), 1U);
}

TEST_F(UserLogin, ALogoutEndsAllSessionsOfTheLoginAndItsRefreshToken) {
  const auto first = log_in("anna@example.com").value();
  const auto second = renew(first.refresh_token).value();
  const auto other_login = log_in("anna@example.com").value();
  ASSERT_TRUE(log_out(first));
  EXPECT_EQ(code_of(renew(second.refresh_token)), "auth.invalid_refresh_token");
  EXPECT_EQ(sessions_.live.size(), 1U);
  EXPECT_EQ(count_events("session.revoked"), "2");
  EXPECT_TRUE(renew(other_login.refresh_token));
  EXPECT_TRUE(log_out(first));
}

TEST_F(UserLogin, ALogoutNeedsOnlyTheRefreshToken) {
  const auto tokens = log_in("anna@example.com").value();
  ASSERT_TRUE(call(&Api::logout, Logout{tokens.refresh_token}));
  EXPECT_TRUE(sessions_.live.empty());
  EXPECT_EQ(code_of(renew(tokens.refresh_token)), "auth.invalid_refresh_token");
  EXPECT_TRUE(call(&Api::logout, Logout{rules::new_refresh_token()}));
}

TEST_F(UserLogin, ALogoutLastsThoughTheSessionsCannotBeReached) {
  const auto tokens = log_in("anna@example.com").value();
  sessions_.gone = true;
  ASSERT_TRUE(log_out(tokens));
  EXPECT_EQ(sql("SELECT payload->>'session_id' FROM outbox_events WHERE type = 'session.revoked'"),
            sessions_.live.begin()->first);
}

TEST_F(UserLogin, ALogoutDuringARefreshLeavesNoLiveToken) {
  for (int round = 0; round < 10; ++round) {
    const auto tokens = log_in("anna@example.com").value();
    auto refreshed = std::async(
        std::launch::async, [&] { return call(&Api::refresh, Refresh{.refresh_token = tokens.refresh_token}, {}, 1); });
    ASSERT_TRUE(log_out(tokens));
    const auto successor = refreshed.get();
    if (successor) EXPECT_EQ(code_of(renew(successor->refresh_token)), "auth.invalid_refresh_token");
  }
  EXPECT_TRUE(sessions_.live.empty());
}

TEST_F(UserLogin, HousekeepingDeletesWhatIsOverAndKeepsTheRest) {
  const auto tokens = log_in("anna@example.com").value();
  fail(1, "anna@example.com");
  sql("INSERT INTO refresh_tokens (user_id, token_hash, expires_at) "
      "SELECT id, 'old', LOCALTIMESTAMP - INTERVAL '2 days' FROM users");
  sql("INSERT INTO login_sessions (session_id, user_id, family, created_at) "
      "SELECT 'old', id, gen_random_uuid(), LOCALTIMESTAMP - INTERVAL '40 days' FROM users");
  sql("INSERT INTO login_failures (subject, failures, updated_at) "
      "VALUES ('address:old', 1, LOCALTIMESTAMP - INTERVAL '26 hours')");
  LoginRepository repository(*pool_);
  EXPECT_EQ(runtime_.block_on(repository.prune(souk::testing::test_context())), 3);
  EXPECT_TRUE(renew(tokens.refresh_token));
}

}  // namespace
}  // namespace souk::user
