#include "http/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "core/blocking_pool.hpp"
#include "http/server.hpp"

namespace souk::http {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

Task<Response> echo(Request request) {
  if (request.path == "/slow") {
    Timer timer(co_await asio::this_coro::executor, 300ms);
    co_await timer.async_wait(use_task);
  }
  std::string text = std::string(json::enum_name(request.method)) + " " + request.target + " " +
                     std::string(request.header("Content-Type")) + " " + request.body + " " +
                     request.context.request_id() + " " + request.context.traceparent();
  if (request.path == "/large") text = std::string(200'000, 'x');
  if (request.path == "/none") co_return no_content();
  co_return Response{.status = request.path == "/missing" ? 404 : 200, .content_type = "text/plain", .body = text};
}

// Takes one connection after the other, reads once and sends what it is told to; then closes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> replies)
      : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}), thread_([this, replies = std::move(replies)] {
          for (const auto& reply : replies) {
            boost::system::error_code ignored;
            auto socket = acceptor_.accept(ignored);
            if (ignored) return;
            char bytes[4096];
            socket.read_some(asio::buffer(bytes), ignored);
            asio::write(socket, asio::buffer(reply), ignored);
          }
        }) {}
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/a"; }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;
};

class ClientTest : public testing::Test {
 protected:
  std::string url(std::string target) const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + std::move(target);
  }
  ClientResponse fetch(ClientRequest request, Context context = Context()) {
    return runtime.block_on(client.fetch(std::move(context), std::move(request)));
  }

  Runtime runtime{1};
  Server server{runtime, {.port = 0, .idle_timeout = 100ms}, echo};
  Client client{runtime};
};

TEST_F(ClientTest, SendsAndReceives) {
  const Context context("r-7", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", {}, Deadline::max());
  const auto response = fetch({.method = Method::POST, .url = url("/a?b=c"), .body = "{}"}, context);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("POST /a?b=c application/json {} r-7 00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  EXPECT_EQ(response.header("x-request-id"), "r-7");
  EXPECT_EQ(fetch({.url = url("/missing")}).status, 404);
  EXPECT_EQ(fetch({.method = Method::DELETE, .url = url("/none")}).status, 204);
  EXPECT_EQ(fetch({.url = url("/large")}).body.size(), 200'000);
}

TEST_F(ClientTest, UsesAnIdleConnectionAgainUnlessThePeerHasClosedIt) {
  const auto first = fetch({.url = url("/a")});
  const auto second = fetch({.method = Method::POST, .url = url("/a"), .body = "x"});
  EXPECT_EQ(second.status, 200);
  std::this_thread::sleep_for(250ms);  // the server's idle timeout
  EXPECT_EQ(fetch({.method = Method::POST, .url = url("/a"), .body = "x"}).status, 200);
}

TEST_F(ClientTest, NothingSentIsUnavailable) {
  EXPECT_THROW(fetch({.url = "http://127.0.0.1:1/"}), Unavailable);
  EXPECT_THROW(fetch({.url = "http://no-such-host.invalid/"}), Unavailable);
  EXPECT_THROW(fetch({.url = url("/a")}, Context().limited(-1s)), Unavailable);
}

TEST_F(ClientTest, LostReplyIsUnknown) {
  EXPECT_THROW(fetch({.url = url("/slow"), .timeout = 50ms}), UnknownOutcome);
  EXPECT_THROW(fetch({.url = url("/slow")}, Context().limited(50ms)), UnknownOutcome);
  const std::vector<std::string> replies{"",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n",
                                         "SSH-2.0-OpenSSH\r\n",
                                         "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'a'),
                                         "HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x')};
  ScriptedServer scripted(replies);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_THROW(fetch({.url = scripted.url(), .max_reply = 1000}), UnknownOutcome) << replies[i].substr(0, 60);
  }
}

TEST_F(ClientTest, ReadsEveryFramingOfAReply) {
  ScriptedServer scripted({"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\n\r\nab", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab"});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(fetch({.url = scripted.url()}).body, "ab");
}

TEST_F(ClientTest, GetIsRepeatedWhenAnIdleConnectionBreaksAndPostIsNot) {
  const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  ScriptedServer scripted({reply, reply, reply});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fetch({.url = scripted.url()}).body, "ab");
}

TEST_F(ClientTest, BadUrlsAndHeadersAreBugs) {
  EXPECT_THROW(fetch({.url = "ftp://x/"}), std::invalid_argument);
  EXPECT_THROW(fetch({.url = url("/a"), .headers = {{"X", "a\r\nY: b"}}}), std::invalid_argument);
}

TEST_F(ClientTest, CallsAtOnceAreBounded) {
  Client small(runtime, {.max_connections = 1});
  std::promise<void> first_done;
  asio::co_spawn(runtime.executor(0), small.fetch(Context(), {.url = url("/slow")}),
                 [&](std::exception_ptr, ClientResponse) { first_done.set_value(); });
  std::this_thread::sleep_for(50ms);
  EXPECT_THROW(runtime.block_on(small.fetch(Context(), {.url = url("/a")})), Overloaded);
  first_done.get_future().wait();
  EXPECT_EQ(runtime.block_on(small.fetch(Context(), {.url = url("/a")})).status, 200);
}

}  // namespace
}  // namespace souk::http
