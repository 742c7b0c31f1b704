#include "redis/client.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "redis/private_server_for_test.hpp"
#include "telemetry/metrics.hpp"

namespace souk::redis {
namespace {

using std::chrono::milliseconds;

Context context(Duration limit = std::chrono::seconds(10)) { return Context::background("test", limit); }

class RedisClient : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateServer::available()) GTEST_SKIP() << "redis-server is not installed";
    server_ = std::make_unique<PrivateServer>();
    client_ = std::make_unique<Client>(runtime_, server_->url());
  }
  void TearDown() override {
    if (client_) runtime_.block_on(client_->close());
  }

  Reply run(std::vector<std::string> arguments, Duration limit = std::chrono::seconds(10), std::size_t worker = 0) {
    return runtime_.block_on(command_on(*client_, context(limit), std::move(arguments)), worker);
  }
  // Which worker a command uses is known only on that worker.
  static Task<Reply> command_on(Client& client, Context context, std::vector<std::string> arguments) {
    co_return co_await client.command(context, std::move(arguments));
  }
  static Task<Reply> eval_on(Client& client, Context context, const Script& script, std::vector<std::string> keys,
                             std::vector<std::string> arguments) {
    co_return co_await client.eval(context, script, std::move(keys), std::move(arguments));
  }
  Reply eval(const Script& script, std::vector<std::string> keys, std::vector<std::string> arguments) {
    return runtime_.block_on(eval_on(*client_, context(), script, std::move(keys), std::move(arguments)));
  }

  // Runs until `run` no longer throws Unavailable; returns how long that took.
  Duration until_it_answers() {
    const auto started = Clock::now();
    while (Clock::now() - started < std::chrono::seconds(10)) {
      try {
        run({"PING"});
        return Clock::now() - started;
      } catch (const Unavailable&) {
        std::this_thread::sleep_for(milliseconds(5));
      }
    }
    ADD_FAILURE() << "Redis did not come back";
    return Clock::now() - started;
  }

  Runtime runtime_{2};
  std::unique_ptr<PrivateServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(RedisClient, RepliesHaveTheirTypes) {
  EXPECT_EQ(run({"SET", "k", "v"}).text, "OK");
  EXPECT_EQ(run({"GET", "k"}).optional_text(), "v");
  EXPECT_TRUE(run({"GET", "none"}).is_nil());
  EXPECT_EQ(run({"GET", "none"}).optional_text(), std::nullopt);
  EXPECT_EQ(run({"INCRBY", "n", "41"}).integer, 41);
  EXPECT_EQ(run({"HSET", "h", "a", "1", "b", ""}).integer, 2);
  const auto all = run({"HMGET", "h", "a", "b", "c"});
  ASSERT_EQ(all.type, Reply::Type::array);
  ASSERT_EQ(all.elements.size(), 3U);
  EXPECT_EQ(all.elements[0].text, "1");
  EXPECT_EQ(all.elements[1].optional_text(), "");
  EXPECT_TRUE(all.elements[2].is_nil());
}

TEST_F(RedisClient, ARefusedCommandThrowsError) {
  run({"SET", "k", "v"});
  EXPECT_THROW(run({"HGET", "k", "f"}), Error);
  EXPECT_THROW(run({"NOSUCHCOMMAND"}), Error);
  EXPECT_THROW(run({"HGETALL", "k"}), Error);
  EXPECT_THROW(run({"subscribe", "x"}), std::logic_error);
  EXPECT_EQ(run({"GET", "k"}).text, "v");
}

TEST_F(RedisClient, BytesAndLargeValuesComeBackAsTheyWere) {
  std::string large(8 * 1024 * 1024, 'x');
  for (std::size_t i = 0; i < large.size(); i += 251) large[i] = static_cast<char>(i % 256);
  run({"SET", "large", large});
  EXPECT_TRUE(run({"GET", "large"}).text == large);
  const std::string bytes("\0\r\n$-1\r\n\xff", 9);
  run({"SET", bytes, bytes});
  EXPECT_EQ(run({"GET", bytes}).text, bytes);
}

Task<> count_up(Client& client, int times, std::atomic<int>& wrong) {
  for (int i = 0; i < times; ++i) {
    std::vector<std::string> increment = {"INCR", "counter"};
    std::vector<std::string> echo = {"ECHO", std::to_string(i)};
    co_await client.command(context(), std::move(increment));
    const auto reply = co_await client.command(context(), std::move(echo));
    if (reply.text != std::to_string(i)) ++wrong;
  }
}

TEST_F(RedisClient, ManyCoroutinesShareAConnectionAndEachGetsItsOwnReplies) {
  constexpr int coroutines = 400;
  constexpr int times = 25;
  std::atomic<int> wrong = 0;
  std::vector<std::future<void>> all;
  for (int i = 0; i < coroutines; ++i) {
    all.push_back(asio::co_spawn(runtime_.executor(static_cast<std::size_t>(i) % 2), count_up(*client_, times, wrong),
                                 asio::use_future));
  }
  for (auto& one : all) one.get();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(run({"GET", "counter"}).text, std::to_string(coroutines * times));
  const auto clients = run({"INFO", "clients"}).text;
  EXPECT_NE(clients.find("connected_clients:2"), std::string::npos) << clients;
}

TEST_F(RedisClient, AScriptRunsByItsHashAndIsSentAgainWhenRedisForgotIt) {
  const Script script("redis.call('SET', KEYS[1], ARGV[1]) return {KEYS[1], ARGV[1], 7}");
  EXPECT_EQ(script.sha1().size(), 40U);
  for (const bool forget : {false, true, false}) {
    if (forget) run({"SCRIPT", "FLUSH"});
    const auto reply = eval(script, {"key"}, {"value"});
    ASSERT_EQ(reply.elements.size(), 3U);
    EXPECT_EQ(reply.elements[1].text, "value");
    EXPECT_EQ(reply.elements[2].integer, 7);
  }
  const Script wrong("return redis.call('NOSUCH')");
  EXPECT_THROW(eval(wrong, {}, {}), Error);
}

TEST_F(RedisClient, AnEmptiedRedisIsAnEmptyOne) {
  run({"SET", "k", "v"});
  run({"FLUSHALL"});
  EXPECT_TRUE(run({"GET", "k"}).is_nil());
}

TEST_F(RedisClient, WhileRedisIsGoneCommandsFailAtOnceAndAfterItsReturnTheyWork) {
  run({"SET", "k", "v"});
  server_->kill();
  EXPECT_THROW(run({"GET", "k"}), Unavailable);
  for (int i = 0; i < 100; ++i) {
    const auto started = Clock::now();
    EXPECT_THROW(run({"GET", "k"}), Unavailable);
    EXPECT_LT(Clock::now() - started, milliseconds(100));
  }
  server_->start();
  EXPECT_LT(until_it_answers(), std::chrono::seconds(3));
  EXPECT_TRUE(run({"GET", "k"}).is_nil());
}

TEST_F(RedisClient, AClosedConnectionIsMadeAnewAtOnce) {
  run({"PING"});
  for (int i = 0; i < 5; ++i) {
    // Redis answers before it closes, so that this may succeed.
    try {
      run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"});
    } catch (const Unavailable&) {
    }
    EXPECT_LT(until_it_answers(), milliseconds(500));
  }
}

TEST_F(RedisClient, ACommandEndsAtItsContextsDeadlineAndTheConnectionStays) {
  run({"PING"});
  const auto id = run({"CLIENT", "ID"}).integer;
  run({"CLIENT", "PAUSE", "300"}, std::chrono::seconds(10), 1);
  const auto started = Clock::now();
  EXPECT_THROW(run({"SET", "k", "late"}, milliseconds(50)), Unavailable);
  EXPECT_LT(Clock::now() - started, milliseconds(250));
  // The late reply of the command above must not become the reply of this one.
  EXPECT_EQ(run({"ECHO", "mine"}).text, "mine");
  EXPECT_EQ(run({"CLIENT", "ID"}).integer, id);
  EXPECT_THROW(run({"PING"}, milliseconds(-1)), Unavailable);
}

TEST_F(RedisClient, APeerThatDoesNotAnswerIsDroppedAfterASecond) {
  run({"PING"});
  server_->freeze();
  auto started = Clock::now();
  EXPECT_THROW(run({"PING"}), Unavailable);
  const auto took = Clock::now() - started;
  EXPECT_GT(took, milliseconds(800));
  EXPECT_LT(took, milliseconds(2500));
  // The connection is gone by now, so that this one does not wait for its own second.
  std::this_thread::sleep_for(milliseconds(100));
  started = Clock::now();
  EXPECT_THROW(run({"PING"}), Unavailable);
  EXPECT_LT(Clock::now() - started, milliseconds(300));
  server_->thaw();
  EXPECT_LT(until_it_answers(), std::chrono::seconds(4));
}

TEST_F(RedisClient, ManyWaitingCommandsAllFailWhenRedisDies) {
  run({"PING"});
  server_->freeze();
  std::vector<std::future<Reply>> all;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::string> arguments = {"INCR", "n"};
    all.push_back(
        asio::co_spawn(runtime_.executor(0), command_on(*client_, context(), std::move(arguments)), asio::use_future));
  }
  std::this_thread::sleep_for(milliseconds(50));
  server_->kill();
  for (auto& one : all) EXPECT_THROW(one.get(), Unavailable);
}

TEST_F(RedisClient, MetricsTellOfConnectionsAndCommands) {
  run({"PING"});
  run({"PING"}, std::chrono::seconds(10), 1);
  const auto text = metrics::serialize();
  EXPECT_NE(text.find("souk_redis_connected 2"), std::string::npos);
  EXPECT_NE(text.find("souk_redis_commands_total{outcome=\"ok\"}"), std::string::npos);
  EXPECT_NE(text.find("souk_redis_command_seconds_count"), std::string::npos);
}

TEST_F(RedisClient, AClientThatWasNotClosedLeavesNothingBehind) {
  run({"PING"});
  client_.reset();
}

TEST_F(RedisClient, ARefusingServerIsUnavailable) {
  runtime_.block_on(client_->close());
  EXPECT_THROW(run({"PING"}), Unavailable);
  PrivateServer guarded({"--requirepass", "secret"});
  client_ = std::make_unique<Client>(runtime_, guarded.url());
  EXPECT_THROW(run({"PING"}), Unavailable);
  runtime_.block_on(client_->close());
  client_ = std::make_unique<Client>(runtime_, "unix:///nonexistent/souk.sock");
  EXPECT_THROW(run({"PING"}), Unavailable);
}

TEST(RedisClientTcp, EntersADatabaseWithAPassword) {
  if (!PrivateServer::available()) GTEST_SKIP() << "redis-server is not installed";
  const auto port = std::to_string(20'000 + ::getpid() % 10'000);
  PrivateServer server({"--requirepass", "secret", "--port", port, "--bind", "127.0.0.1"});
  Runtime runtime(1);
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    Client client(runtime, fmt::format("redis://:secret@{}:{}/5", host, port));
    runtime.block_on(client.ping(context()));
    runtime.block_on(client.close());
  }
}

}  // namespace
}  // namespace souk::redis
