#include "http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <system_error>
#include <thread>

#include "http/raw_client.hpp"
#include "telemetry/log.hpp"

namespace souk::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const auto large = std::make_shared<const std::string>(300'000, 'x');

// Answers what it was asked, so that tests see what a handler sees.
Task<Response> echo(Request request) {
  if (request.path == "/large") co_return Response{.content_type = "text/plain", .shared_body = large};
  if (request.path == "/slow") {
    Timer timer(co_await asio::this_coro::executor, 200ms);
    co_await timer.async_wait(use_task);
  }
  if (request.path == "/throw") throw std::runtime_error("secret");
  if (request.path == "/empty") co_return no_content();
  if (request.path == "/split") co_return Response{}.with_header("X-Bad", "a\r\nX-Evil: b");
  std::string text = std::string(json::enum_name(request.method)) + " " + request.path;
  for (const auto& [name, value] : request.query) text.append(" ").append(name).append("=").append(value);
  co_return Response{.content_type = "text/plain", .body = text + " [" + request.body + "]"};
}

class ServerTest : public testing::Test {
 protected:
  static ServerOptions options() {
    ServerOptions options;
    options.port = 0;
    options.max_body = 1000;
    options.header_timeout = 150ms;
    options.body_timeout = 150ms;
    options.idle_timeout = 400ms;
    return options;
  }
  std::string ask(std::string_view request) const {
    RawClient client(server.port());
    client.send(request);
    return client.reply();
  }
  // The reply to a request that ends the connection.
  std::string refused(std::string_view request) const {
    RawClient client(server.port());
    client.send(request);
    return client.rest();
  }

  Runtime runtime{2};
  Server server{runtime, options(), echo};
};

constexpr std::string_view get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(ServerTest, AnswersWithSecurityHeadersAndRequestId) {
  const auto reply = ask("GET /caf%C3%A9?q=a+b%21 HTTP/1.1\r\nHost: x\r\nX-Request-Id: r.1-2_3\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\nGET /caf\xc3\xa9 q=a b! []"));
  EXPECT_THAT(reply, HasSubstr("X-Request-Id: r.1-2_3\r\n"));
  EXPECT_THAT(reply, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(reply, HasSubstr("Referrer-Policy: no-referrer\r\n"));
  EXPECT_THAT(reply, HasSubstr("Date: "));
  EXPECT_THAT(reply, Not(HasSubstr("Connection: close")));
}

TEST_F(ServerTest, InsaneRequestIdIsReplaced) {
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: <script>\r\n\r\n"), Not(HasSubstr("script")));
}

TEST_F(ServerTest, KeepsAliveAndAnswersPipelinedRequestsInOrder) {
  RawClient client(server.port());
  client.send(
      "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.reply(), EndsWith("GET /slow []"));
  EXPECT_THAT(client.reply(), EndsWith("POST /2 [abc]"));
  EXPECT_THAT(client.reply(), EndsWith("GET /3 []"));
  client.send(get);
  EXPECT_THAT(client.reply(), EndsWith("GET /a []"));
}

TEST_F(ServerTest, RequestMayComeByteByByte) {
  RawClient client(server.port());
  for (const char c : std::string_view("POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")) {
    client.send(std::string_view(&c, 1));
  }
  EXPECT_THAT(client.reply(), EndsWith("POST /b [abcde]"));
}

TEST_F(ServerTest, HeadAndNoContentHaveNoBody) {
  RawClient client(server.port());
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.reply(false), AllOf(HasSubstr("Content-Length: 9\r\n"), EndsWith("\r\n\r\n")));
  client.send("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.reply(), AllOf(StartsWith("HTTP/1.1 204 No Content"), Not(HasSubstr("Content-Length"))));
  client.send(get);
  EXPECT_THAT(client.reply(), EndsWith("GET /a []"));
}

TEST_F(ServerTest, LargeSharedBodyArrivesWhole) {
  EXPECT_THAT(ask("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), EndsWith("\r\n\r\n" + *large));
}

TEST_F(ServerTest, Http10ClosesUnlessAskedNotTo) {
  EXPECT_THAT(refused("GET /a HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(refused("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerTest, AbsoluteTargetIsItsPath) {
  EXPECT_THAT(ask("GET http://shop.example/a?b=1 HTTP/1.1\r\nHost: other\r\n\r\n"), EndsWith("GET /a b=1 []"));
}

TEST_F(ServerTest, ExpectContinueIsAnsweredBeforeTheBody) {
  RawClient client(server.port());
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.reply(), StartsWith("HTTP/1.1 100 Continue"));
  client.send("hi");
  EXPECT_THAT(client.reply(), EndsWith("POST /a [hi]"));
}

TEST_F(ServerTest, TooLargeBodyIsRefusedBeforeItIsSent) {
  const auto reply = refused("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("Connection: close"),
                           HasSubstr("\"code\":\"request.too_large\"")));
  EXPECT_THAT(reply, Not(HasSubstr("100 Continue")));
  // Sent all the same: the reply is read, not lost to a reset.
  EXPECT_THAT(refused("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + *large),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(refused("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"),
              StartsWith("HTTP/1.1 413 "));
  std::string crumbs = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 900; ++i) crumbs += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  EXPECT_THAT(refused(crumbs), StartsWith("HTTP/1.1 413 "));
}

struct Hostile {
  const char* name;
  std::string request;
  int status;
};

class HostileTest : public ServerTest, public testing::WithParamInterface<Hostile> {};

TEST_P(HostileTest, IsRefusedAndTheConnectionCloses) {
  const auto reply = refused(GetParam().request);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status) + " "));
  EXPECT_THAT(reply, AllOf(HasSubstr("Connection: close\r\n"), HasSubstr("application/problem+json"),
                           HasSubstr("\"request_id\":\"")));
  // One reply only: nothing that stood behind was taken for a request.
  EXPECT_EQ(reply.find("HTTP/1.1 ", 1), std::string::npos) << reply;
}

std::string post(std::string_view headers, std::string_view body = "") {
  return "POST /a HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
const std::string smuggled = "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Requests, HostileTest,
    testing::Values(
        Hostile{"ClThenTe", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled), 400},
        Hostile{"TeThenCl", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + smuggled), 400},
        Hostile{"TwoLengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc" + smuggled), 400},
        Hostile{"TwoUnequalLengths", post("Content-Length: 3\r\nContent-Length: 0\r\n", "abc" + smuggled), 400},
        Hostile{"ListOfLengths", post("Content-Length: 3, 3\r\n", "abc" + smuggled), 400},
        Hostile{"SignedLength", post("Content-Length: +3\r\n", "abc" + smuggled), 400},
        Hostile{"NegativeLength", post("Content-Length: -1\r\n"), 400},
        Hostile{"HugeLength", post("Content-Length: 18446744073709551616\r\n"), 400},
        Hostile{"LargestLength", post("Content-Length: 18446744073709551615\r\n"), 413},
        Hostile{"OtherEncoding", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
        Hostile{"HiddenEncoding", post("Transfer-Encoding: xchunked\r\n"), 501},
        Hostile{"TwoEncodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Hostile{"EncodingIn10", "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Hostile{"SpaceBeforeColon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + smuggled), 400},
        Hostile{"FoldedLine", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + smuggled), 400},
        Hostile{"ChunkSizeMinus2", post("Transfer-Encoding: chunked\r\n", "-2\r\nab\r\n0\r\n\r\n"), 400},
        Hostile{"ChunkSize0x2", post("Transfer-Encoding: chunked\r\n", "0x2\r\nab\r\n0\r\n\r\n"), 400},
        Hostile{"ChunkSizeEmpty", post("Transfer-Encoding: chunked\r\n", "\r\nab\r\n0\r\n\r\n"), 400},
        Hostile{"ChunkSizeOverflow", post("Transfer-Encoding: chunked\r\n", "10000000000000002\r\nab\r\n"), 400},
        Hostile{"ChunkSizeHuge", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nab\r\n"), 413},
        Hostile{"ChunkBareLf", post("Transfer-Encoding: chunked\r\n", "2\nab\r\n0\r\n\r\n"), 400},
        Hostile{"ChunkTooLong", post("Transfer-Encoding: chunked\r\n", "2\r\nabcd\r\n0\r\n\r\n"), 400},
        Hostile{"BareLf", "GET /a HTTP/1.1\nHost: x\n\n", 400},
        Hostile{"BareLfInHeader", "GET /a HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
        Hostile{"BareCr", "GET /a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400},
        Hostile{"NulInHeader", "GET /a HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"s, 400},
        Hostile{"NoHost", "GET /a HTTP/1.1\r\n\r\n", 400},
        Hostile{"TwoHosts", "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        Hostile{"BadHost", "GET /a HTTP/1.1\r\nHost: x/y@z\r\n\r\n", 400}, Hostile{"NoVersion", "GET /a\r\n\r\n", 400},
        Hostile{"Version2", "GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505}, Hostile{"Tls", "\x16\x03\x01\x02", 400},
        Hostile{"Connect", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"BadEscape", "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"NulEscape", "GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"InvalidUtf8", "GET /a%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"OverlongUtf8", "GET /%c0%ae%c0%ae/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"InvalidUtf8Query", "GET /a?q=%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Hostile{"LongUrl", "GET /" + std::string(8200, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
        Hostile{"LongUrlWithoutEnd", "GET /" + std::string(8300, 'a'), 414},
        Hostile{"LargeHeader", "GET /a HTTP/1.1\r\nHost: x\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n", 431},
        Hostile{"OtherExpectation", post("Content-Length: 1\r\nExpect: 200-ok\r\n"), 417}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ServerTest, TooManyHeaderFieldsAreRefused) {
  std::string request = "GET /a HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 100; ++i) request += "X-" + std::to_string(i) + ": a\r\n";
  EXPECT_THAT(refused(request + "\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, SlowHeadAndSlowBodyAreCutOff) {
  EXPECT_THAT(refused("GET /a HTTP/1.1\r\nHost:"), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(refused("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"), StartsWith("HTTP/1.1 408 "));
  // Bytes that trickle in do not buy more time.
  RawClient client(server.port());
  const auto started = Clock::now();
  for (int i = 0; i < 20; ++i) {
    client.send(i == 0 ? "G" : "E");
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 408 "));
  EXPECT_LT(Clock::now() - started, 2s);
}

TEST_F(ServerTest, IdleConnectionIsClosed) {
  RawClient client(server.port());
  client.send(get);
  client.reply();
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(ServerTest, HalfClosedClientGetsItsReply) {
  RawClient client(server.port());
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shut_down_writing();
  EXPECT_THAT(client.rest(), EndsWith("GET /slow []"));
}

TEST_F(ServerTest, ClientThatGoesAwayHarmsNobody) {
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.port());
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /large HTTP/1.1\r\nHo");
  }
  EXPECT_THAT(ask(get), EndsWith("GET /a []"));
}

TEST_F(ServerTest, ReaderThatReadsNothingIsCutOff) {
  auto client = std::make_unique<RawClient>(server.port());
  for (int i = 0; i < 60; ++i) client->send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(900ms);
  EXPECT_LT(client->rest().size(), 60 * large->size());
}

TEST_F(ServerTest, ThrowingHandlerIs500WithoutItsText) {
  log::set_level(log::Level(4));
  EXPECT_THAT(ask("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("secret"))));
  log::set_level(log::Level::info);
}

TEST_F(ServerTest, ReplyHeaderCannotBeSplit) {
  EXPECT_THAT(ask("GET /split HTTP/1.1\r\nHost: x\r\n\r\n"), Not(HasSubstr("X-Evil")));
}

TEST_F(ServerTest, DrainFinishesRunningRequestsAndClosesIdleOnes) {
  RawClient idle(server.port());
  idle.send(get);
  idle.reply();
  RawClient busy(server.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  const auto started = Clock::now();
  runtime.block_on(server.drain(5s));
  EXPECT_LT(Clock::now() - started, 2s);
  EXPECT_THAT(busy.rest(), AllOf(HasSubstr("Connection: close\r\n"), EndsWith("GET /slow []")));
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_THROW(RawClient(server.port()), std::runtime_error);
}

TEST_F(ServerTest, DrainDoesNotWaitForSlowClients) {
  RawClient slow(server.port());
  slow.send("GET /a HTTP/1.1\r\nHost:");
  std::this_thread::sleep_for(50ms);
  const auto started = Clock::now();
  runtime.block_on(server.drain(5s));
  EXPECT_LT(Clock::now() - started, 4s);  // 2 s of them to let the reply be read
  EXPECT_THAT(slow.rest(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, DrainEndsAtItsLimit) {
  RawClient busy(server.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  log::set_level(log::Level::error);
  runtime.block_on(server.drain(20ms));
  log::set_level(log::Level::info);
  EXPECT_EQ(busy.rest(), "");
}

TEST_F(ServerTest, TakenPortIsASentence) {
  auto taken = options();
  taken.port = server.port();
  try {
    const Server second(runtime, taken, echo);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot listen on 127.0.0.1 port " + std::to_string(server.port())));
    EXPECT_EQ(error.code().value(), EADDRINUSE);
  }
}

// A reply and the beginning of the next request: the connection is not idle once the reply is there.
constexpr std::string_view get_and_a_half = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n";

TEST(Server, TooManyConnectionsAreClosedAtOnce) {
  Runtime runtime(1);
  const Server server(runtime, {.port = 0, .max_connections = 2}, echo);
  RawClient first(server.port());
  RawClient second(server.port());
  first.send(get_and_a_half);
  second.send(get_and_a_half);
  first.reply();
  second.reply();
  RawClient third(server.port());
  EXPECT_TRUE(third.closed_by_server());
  first.send("Host: x\r\n\r\n");
  EXPECT_THAT(first.reply(), EndsWith("GET /b []"));
}

TEST(Server, WhoIsIdleForLongestMakesRoom) {
  Runtime runtime(1);
  const Server server(runtime, {.port = 0, .max_connections = 3}, echo);
  RawClient busy(server.port());
  busy.send(get_and_a_half);
  busy.reply();
  RawClient older(server.port());
  older.send(get);
  older.reply();
  RawClient newer(server.port());
  newer.send(get);
  newer.reply();
  RawClient fourth(server.port());
  fourth.send(get);
  EXPECT_THAT(fourth.reply(), EndsWith("GET /a []"));
  EXPECT_TRUE(older.closed_by_server());
  newer.send(get);
  EXPECT_THAT(newer.reply(), EndsWith("GET /a []"));
  busy.send("Host: x\r\n\r\n");
  EXPECT_THAT(busy.reply(), EndsWith("GET /b []"));
}

TEST(Server, BodyOfARequestThatIsTurnedAwayIsNotReadFor) {
  Runtime runtime(1);
  ServerOptions options{.port = 0};
  options.refuse = [](Method, std::string_view target) { return target == "/full"; };
  const Server server(runtime, options, echo);
  RawClient client(server.port());
  client.send("POST /full HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n");
  const auto reply = client.rest();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(reply, AllOf(HasSubstr("Retry-After: 1\r\n"), HasSubstr("\"overloaded\"")));
  RawClient other(server.port());
  other.send("POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
  other.send("abc");
  EXPECT_THAT(other.reply(), EndsWith("POST /free [abc]"));
}

}  // namespace
}  // namespace souk::http
