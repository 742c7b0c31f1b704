#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <optional>

#include "http/raw_client.hpp"
#include "http/server.hpp"

// A listening socket that outlives the servers that accept from it.
namespace souk::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listening socket");
    }
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int socket() const { return socket_; }
  std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

Task<Response> hello(Request) { co_return Response{.body = "hello"}; }

TEST(HttpListener, AConnectionBetweenTwoServersWaitsForTheSecond) {
  Runtime runtime(2);
  const Listener listener;
  std::optional<Server> server(std::in_place, runtime, ServerOptions{.listener = listener.socket()}, hello);
  RawClient first(listener.port());
  first.send(request);
  EXPECT_THAT(first.reply(), HasSubstr("hello"));
  runtime.block_on(server->drain(5s));
  server.reset();

  RawClient waiting(listener.port());
  waiting.send(request);
  server.emplace(runtime, ServerOptions{.listener = listener.socket()}, hello);
  EXPECT_THAT(waiting.reply(), HasSubstr("hello"));
}

TEST(HttpListener, ADrainingServerStillTakesTheFirstRequestOfAConnection) {
  Runtime runtime(1);
  const Listener listener;
  Server server(runtime, {.listener = listener.socket()}, hello);
  RawClient kept(listener.port());
  kept.send(request);
  ASSERT_THAT(kept.reply(), HasSubstr("hello"));
  RawClient fresh(listener.port());  // has not said anything yet; the server has it before the next one's reply
  RawClient next(listener.port());
  next.send(request);
  ASSERT_THAT(next.reply(), HasSubstr("hello"));

  auto drained = std::async(std::launch::async, [&] { runtime.block_on(server.drain(5s)); });
  EXPECT_EQ(kept.rest(), "") << "an idle connection is closed at once";
  fresh.send(request);
  const auto reply = fresh.reply();
  EXPECT_THAT(reply, HasSubstr("hello"));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
  drained.get();
}

TEST(HttpListener, ASilentConnectionHoldsADrainUpForAMomentOnly) {
  Runtime runtime(1);
  const Listener listener;
  Server server(runtime, {.listener = listener.socket()}, hello);
  const RawClient silent(listener.port());
  RawClient next(listener.port());
  next.send(request);
  ASSERT_THAT(next.reply(), HasSubstr("hello"));
  const auto started = Clock::now();
  runtime.block_on(server.drain(20s));
  EXPECT_LT(Clock::now() - started, 5s);
}

}  // namespace
}  // namespace souk::http
