#include "http/client_connection.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "http/response_parser.hpp"

namespace souk::http {
namespace {

using Tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<Tcp, Executor>;
using boost::system::error_code;

constexpr std::size_t read_size = 16 * 1024;

// A look-up cannot be interrupted: whoever waits leaves at the deadline, and the answer finds nobody.
struct Lookup {
  explicit Lookup(Executor executor) : resolver(executor), finished(executor) {}

  Resolver resolver;
  Timer finished;
  bool done = false;
  error_code error;
  Resolver::results_type results;
};

Task<Resolver::results_type> resolve(Url url, Deadline deadline) {
  const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor);
  lookup->finished.expires_at(deadline);
  lookup->resolver.async_resolve(url.host, std::to_string(url.port), Resolver::numeric_service,
                                 [lookup](error_code error, Resolver::results_type results) {
                                   lookup->done = true;
                                   lookup->error = error;
                                   lookup->results = std::move(results);
                                   lookup->finished.cancel();
                                 });
  error_code ignored;
  co_await lookup->finished.async_wait(asio::redirect_error(use_task, ignored));
  if (!lookup->done) {
    lookup->resolver.cancel();
    throw Unavailable("no address of " + url.host + " in time");
  }
  if (lookup->error) throw Unavailable("no address of " + url.host + ": " + lookup->error.message());
  co_return lookup->results;
}

}  // namespace

struct ClientConnection::Tls {
  Tls(Socket& socket, asio::ssl::context& context) : stream(socket, context) {}

  asio::ssl::stream<Socket&> stream;
};

ClientConnection::ClientConnection(Executor executor) : executor_(executor), socket_(executor), timer_(executor) {}

ClientConnection::~ClientConnection() = default;

void ClientConnection::watch(Deadline deadline) {
  watching_ = true;
  timed_out_ = false;
  timer_.expires_at(deadline);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    // The handler may have been on its way when unwatch() cancelled it.
    if (error || !self->watching_ || Clock::now() < self->timer_.expiry()) return;
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.close(ignored);
  });
}

void ClientConnection::unwatch() {
  watching_ = false;
  timer_.cancel();
}

Task<> ClientConnection::connect(Url url, Deadline deadline) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(url.host, error);
  if (!error) {
    std::tie(error) = co_await socket_.async_connect({address, url.port}, asio::as_tuple(use_task));
  } else {
    const auto results = co_await resolve(url, deadline);
    Tcp::endpoint endpoint;
    std::tie(error, endpoint) = co_await asio::async_connect(socket_, results, asio::as_tuple(use_task));
  }
  if (timed_out_) throw Unavailable("cannot connect to " + url.authority + " in time");
  if (error) throw Unavailable("cannot connect to " + url.authority + ": " + error.message());
  socket_.set_option(Tcp::no_delay(true), error);
}

Task<> ClientConnection::open(Url url, asio::ssl::context* tls, Deadline deadline) {
  const auto self = shared_from_this();
  watch(deadline);
  struct Unwatch {
    ClientConnection& connection;
    ~Unwatch() { connection.unwatch(); }
  } const guard{*this};
  co_await connect(url, deadline);
  if (tls == nullptr) co_return;
  tls_ = std::make_unique<Tls>(socket_, *tls);
  error_code error;
  SSL_set_tlsext_host_name(tls_->stream.native_handle(), url.host.c_str());
  tls_->stream.set_verify_mode(asio::ssl::verify_peer, error);
  if (!error) tls_->stream.set_verify_callback(asio::ssl::host_name_verification(url.host), error);
  if (!error) {
    std::tie(error) = co_await tls_->stream.async_handshake(asio::ssl::stream_base::client, asio::as_tuple(use_task));
  }
  if (timed_out_) throw Unavailable("no TLS with " + url.authority + " in time");
  if (error) throw Unavailable("no TLS with " + url.authority + ": " + error.message());
}

Task<error_code> ClientConnection::write(std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    const auto [error, size] = co_await asio::async_write(tls_->stream, buffer, asio::as_tuple(use_task));
    co_return error;
  }
  const auto [error, size] = co_await asio::async_write(socket_, buffer, asio::as_tuple(use_task));
  co_return error;
}

// Appends what comes.
Task<error_code> ClientConnection::read(std::string& buffer) {
  const auto old_size = buffer.size();
  buffer.resize(old_size + read_size);
  const auto space = asio::buffer(buffer.data() + old_size, read_size);
  error_code error;
  std::size_t size = 0;
  if (tls_) {
    std::tie(error, size) = co_await tls_->stream.async_read_some(space, asio::as_tuple(use_task));
  } else {
    std::tie(error, size) = co_await socket_.async_read_some(space, asio::as_tuple(use_task));
  }
  buffer.resize(old_size + size);
  co_return error;
}

Task<ClientConnection::Outcome> ClientConnection::exchange(std::string request, std::size_t max_reply,
                                                           Deadline deadline) {
  const auto self = shared_from_this();
  Outcome outcome;
  ResponseParser parser(max_reply);
  std::string buffer;
  keep_alive_ = false;
  watch(deadline);
  auto error = co_await write(request);
  while (!error && !parser.done() && outcome.what.empty()) {
    error = co_await read(buffer);
    outcome.any_reply |= !buffer.empty();
    std::optional<std::string> wrong;
    std::size_t consumed = 0;
    if (!error) {
      wrong = parser.put(buffer, consumed);
    } else if (error == asio::error::eof && (wrong = parser.put_end(), !wrong)) {
      error.clear();
    }
    buffer.erase(0, consumed);
    if (wrong) outcome.what = *wrong;
  }
  unwatch();
  if (timed_out_) {
    outcome.what = "no reply in time";
  } else if (parser.done()) {
    keep_alive_ = parser.keep_alive() && buffer.empty();
    outcome.response = parser.take();
  } else if (outcome.what.empty()) {
    outcome.what = error.message();
  }
  co_return outcome;
}

bool ClientConnection::reusable() {
  if (!keep_alive_ || !socket_.is_open()) return false;
  char byte = 0;
  const auto size = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // TLS may leave session tickets to read; a peer that has closed shows as 0 or an alert, and then the write fails.
  if (size > 0) return tls_ != nullptr;
  return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace souk::http
