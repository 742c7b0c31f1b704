#include "rpc/remote.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <thread>

#include "core/blocking_pool.hpp"
#include "http/server.hpp"

namespace souk::rpc {

struct Ask {
  std::string text;
  json::Int<0, 9> number = 0;
};
BOOST_DESCRIBE_STRUCT(Ask, (), (text, number))
struct Answer {
  std::string text;
  std::optional<Amount> amount;
  Timestamp at;
};
BOOST_DESCRIBE_STRUCT(Answer, (), (text, amount, at))

class Api {
 public:
  virtual ~Api() = default;
  virtual Task<Result<Answer>> read(Context context, Ask request) = 0;
  virtual Task<Result<Answer>> change(Context context, Ask request) = 0;
};

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RemoteApi final : public Remote<Api> {
 public:
  using Remote<Api>::Remote;
  SOUK_RPC(read, repeatable)
  SOUK_RPC(change, once)
};

// Does what the test says.
class Service final : public Api {
 public:
  std::function<Task<Result<Answer>>(Context, Ask)> on_call;
  std::atomic<int> calls = 0;

  Task<Result<Answer>> read(Context context, Ask request) override {
    ++calls;
    return on_call(std::move(context), std::move(request));
  }
  Task<Result<Answer>> change(Context context, Ask request) override {
    ++calls;
    return on_call(std::move(context), std::move(request));
  }
};

Task<Result<Answer>> echo(Context context, Ask request) {
  co_return Answer{.text = context.caller().to_string() + " " + context.caller().email + " " + context.request_id() +
                           " " + context.traceparent().substr(0, 35) + " " + request.text,
                   .amount = Amount(1999),
                   .at = Timestamp(1'700'000'000'123'456us)};
}
Task<Result<Answer>> refuse_it(Context, Ask) {
  co_return std::unexpected(Error{.kind = ErrorKind::unprocessable,
                                  .code = "test.refused",
                                  .detail = "It is \"refused\".",
                                  .errors = {{"items[0]", "few", "too few"}},
                                  .retry_after_s = 7});
}
template <class E>
Task<Result<Answer>> throw_it(Context, Ask) {
  throw E("broken");
  co_return Answer{};
}
Task<Result<Answer>> wait_until_the_end(Context context, Ask) {
  Timer timer(co_await asio::this_coro::executor, context.deadline());
  co_await timer.async_wait(use_task);
  throw DeadlineExceeded("over");
}

// Accepts connections, reads once from each and closes it without a word: a peer that dies while it works.
class DyingPeer {
 public:
  DyingPeer() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), thread_([this] { run(); }) {}
  ~DyingPeer() {
    stopping_ = true;
    boost::system::error_code ignored;
    asio::ip::tcp::socket(io_).connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  int requests() const { return requests_; }

 private:
  void run() {
    while (!stopping_) {
      boost::system::error_code error;
      auto socket = acceptor_.accept(error);
      char bytes[4096];
      if (!error && socket.read_some(asio::buffer(bytes), error) > 0) ++requests_;
    }
  }

  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

class RpcTest : public testing::Test {
 protected:
  RpcTest() {
    expose<Api>(router, "test", service);
    service.on_call = echo;
  }

  PeerOptions options(std::string url = "") const {
    if (url.empty()) url = "http://127.0.0.1:" + std::to_string(server.port());
    return {.service = "test", .url = std::move(url), .key = "secret"};
  }
  static Context context(Duration limit = 5s) {
    Caller caller{.kind = Caller::Kind::customer,
                  .user_id = Uuid::parse("0190b5a8-8f00-7000-8000-000000000001"),
                  .email = "zoë@example.com"};
    return Context("r-1", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", std::move(caller),
                   Clock::now() + limit);
  }
  Result<Answer> read(Peer& peer, Context context, Ask ask = {.text = "héllo\n"}) {
    RemoteApi remote(peer);
    return runtime.block_on(remote.read(std::move(context), std::move(ask)));
  }
  Result<Answer> change(Peer& peer, Context context) {
    RemoteApi remote(peer);
    return runtime.block_on(remote.change(std::move(context), {.text = "x"}));
  }
  // As the internal listener does it: the key, and then the router.
  Task<http::Response> handle(http::Request request) {
    if (request.header("Authorization") != "Bearer secret") {
      return http::detail::ready(http::problem({ErrorKind::unauthenticated, "auth.invalid_token", "No."}, "r"));
    }
    request.context = request.context.as_service("peer");
    return router.handle(std::move(request));
  }

  Runtime runtime{1};
  http::Router router;
  Service service;
  http::Server server{
      runtime, {.port = 0, .max_body = largest_request}, [this](http::Request r) { return handle(std::move(r)); }};
  http::Client client{runtime};
};

TEST_F(RpcTest, CarriesRequestReplyCallerIdAndTrace) {
  Peer peer(client, options());
  const auto answer = read(peer, context());
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->text,
            "customer:0190b5a8-8f00-7000-8000-000000000001 zoë@example.com r-1 "
            "00-4bf92f3577b34da6a3ce929d0e0e4736 héllo\n");
  EXPECT_EQ(answer->amount, Amount(1999));
  EXPECT_EQ(answer->at, Timestamp(1'700'000'000'123'456us));
}

TEST_F(RpcTest, ARefusalArrivesWhole) {
  service.on_call = refuse_it;
  Peer peer(client, options());
  const auto answer = read(peer, context());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), runtime.block_on(refuse_it({}, {})).error());
}

TEST_F(RpcTest, ExceptionsArriveAsWhatTheyMean) {
  Peer peer(client, options());
  service.on_call = throw_it<Unavailable>;
  EXPECT_THROW(read(peer, context()), Unavailable);
  service.on_call = throw_it<UnknownOutcome>;
  EXPECT_THROW(change(peer, context()), UnknownOutcome);
  service.on_call = throw_it<Overloaded>;
  EXPECT_THROW(read(peer, context()), Overloaded);
  service.calls = 0;
  service.on_call = throw_it<std::logic_error>;
  EXPECT_THROW(read(peer, context()), std::runtime_error);
  EXPECT_EQ(service.calls, 1) << "what the peer itself says is never asked again";
}

TEST_F(RpcTest, TheTimeLeftIsForwardedAndHonoured) {
  service.on_call = [](Context context, Ask) -> Task<Result<Answer>> {
    co_return Answer{
        .text = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(context.time_left()).count())};
  };
  Peer peer(client, options());
  const auto answer = read(peer, context(2s));
  ASSERT_TRUE(answer);
  EXPECT_GT(std::stoi(answer->text), 500);
  EXPECT_LE(std::stoi(answer->text), 2000);

  service.on_call = wait_until_the_end;
  const auto started = Clock::now();
  EXPECT_THROW(read(peer, context(100ms)), UnknownOutcome);
  EXPECT_LT(Clock::now() - started, 2s);
  service.calls = 0;
  EXPECT_THROW(read(peer, context(0ms)), Unavailable);
  EXPECT_EQ(service.calls, 0);
}

TEST_F(RpcTest, AWrongKeyGetsNobodyIn) {
  auto wrong = options();
  wrong.key = "guess";
  Peer peer(client, wrong);
  EXPECT_THROW(read(peer, context()), std::runtime_error);
  EXPECT_EQ(service.calls, 0);
}

TEST_F(RpcTest, AnUnknownMethodAndBadContextAreNoReply) {
  Peer peer(client, options());
  const auto unknown = runtime.block_on(peer.call(context(), "nothing", "{}", Repeat::once));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THROW(refusal_of(unknown, "test.nothing"), std::runtime_error);
  const auto bare = runtime.block_on(client.fetch({}, {.method = http::Method::POST,
                                                       .url = options().url + "/rpc/test/read",
                                                       .headers = {{"Authorization", "Bearer secret"}},
                                                       .body = "{}"}));
  EXPECT_EQ(refusal_of(bare, "test.read").code, "rpc.bad_context");
  EXPECT_EQ(service.calls, 0);
}

TEST_F(RpcTest, ARequestThatBreaksItsLimitsIsRefusedByField) {
  Peer peer(client, options());
  const auto answer = read(peer, context(), {.number = 10});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "request.invalid");
  ASSERT_EQ(answer.error().errors.size(), 1U);
  EXPECT_EQ(answer.error().errors[0].field, "number");
}

TEST_F(RpcTest, ABodyPastTheLimitIsRefusedBeforeTheMethod) {
  Peer peer(client, options());
  EXPECT_ANY_THROW(read(peer, context(), {.text = std::string(largest_request + 1, 'x')}));
  EXPECT_EQ(service.calls, 0);
  const auto large = read(peer, context(), {.text = std::string(4'000'000, 'x')});
  ASSERT_TRUE(large);
}

TEST_F(RpcTest, APeerThatIsNotThereIsAskedAgainAndIsUnavailable) {
  std::string gone;
  {
    const http::Server short_lived(runtime, {.port = 0}, [this](http::Request r) { return handle(std::move(r)); });
    gone = "http://127.0.0.1:" + std::to_string(short_lived.port());
  }
  auto there_is_none = options(gone);
  there_is_none.attempts = 3;
  there_is_none.breaker.failures = 3;
  Peer peer(client, there_is_none);
  EXPECT_THROW(change(peer, context()), Unavailable);  // nothing was sent: even this may be tried again
  // Those three attempts have opened the breaker: the next call does not even try.
  try {
    change(peer, context());
    FAIL();
  } catch (const Unavailable& e) {
    EXPECT_THAT(e.what(), HasSubstr("is not asked now"));
  }
}

TEST_F(RpcTest, ALostReplyIsAskedForAgainOnlyWhereThatIsSafe) {
  const DyingPeer dying;
  Peer peer(client, options(dying.url()));
  EXPECT_THROW(change(peer, context()), UnknownOutcome);
  EXPECT_EQ(dying.requests(), 1);
  EXPECT_THROW(read(peer, context()), UnknownOutcome);
  EXPECT_EQ(dying.requests(), 1 + 3);
}

TEST_F(RpcTest, WhatMayHaveBeenDoneIsNeverCalledUnavailable) {
  auto once_broken = options();
  once_broken.attempts = 2;
  once_broken.breaker.failures = 1;  // the first lost reply opens it: the second attempt sends nothing
  const DyingPeer dying;
  once_broken.url = dying.url();
  Peer peer(client, once_broken);
  EXPECT_THROW(read(peer, context()), UnknownOutcome);
  EXPECT_EQ(dying.requests(), 1);
}

TEST_F(RpcTest, RetriesStayWithinATenthOfTheCalls) {
  const DyingPeer dying;
  auto patient = options(dying.url());
  patient.breaker.failures = 1'000'000;
  patient.first_pause = 1ms;
  Peer peer(client, patient);
  constexpr int calls = 60;
  for (int i = 0; i < calls; ++i) EXPECT_THROW(read(peer, context()), UnknownOutcome);
  EXPECT_LE(dying.requests(), calls + 10 + calls / 10);
  EXPECT_GE(dying.requests(), calls + 10);
}

TEST_F(RpcTest, ConnectionsAreKept) {
  Peer peer(client, options());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(read(peer, context()));
  ASSERT_TRUE(change(peer, context()));
  ASSERT_TRUE(read(peer, context()));
}

TEST(RpcPeer, TakesOnlyTheUrlOfAServer) {
  Runtime runtime(1);
  http::Client client(runtime);
  for (const auto* url : {"", "10.0.0.3:9091", "ftp://a", "http://a/path"}) {
    EXPECT_THROW(Peer(client, {.service = "test", .url = url}), std::invalid_argument) << url;
  }
  const Peer peer(client, {.service = "test", .url = "http://10.0.0.3:9091/"});
}

}  // namespace
}  // namespace souk::rpc
