#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/task.hpp"
#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"
#include "http/response_writer.hpp"
#include "http/server.hpp"

namespace souk::http {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

// What the connections of a worker share.
struct ConnectionEnvironment {
  ServerOptions options;
  std::function<Task<Response>(Request)> handler;
  bool draining = false;  // the reply under way is each connection's last
};

// One client: request, reply, request, … in order. Belongs to one worker; no timer of its own, the worker's sweep ends
// what takes too long.
class Connection {
 public:
  Connection(Socket socket, const ConnectionEnvironment& environment, std::string client_address);

  // Serves until the client or the server wants no more.
  Task<> run();

  void sweep(Deadline now);
  // When it is closed if no request comes; nothing while there is one. The least is idle for longest.
  std::optional<Deadline> idle_until() const;
  // Ends the connection if it waits for a request. While the server drains, one that has not sent any yet has a moment
  // to do so: its client has only just connected, and would not know whether its request was seen.
  void end_if_idle();
  // Ends it whatever it does; a running handler is waited for all the same.
  void abort();

 private:
  enum class Phase { idle, head, body, handling, writing, closing };

  void enter(Phase phase, Duration limit);
  std::string_view buffered() const { return std::string_view(buffer_).substr(begin_, end_ - begin_); }
  void consume(std::size_t bytes);
  Task<bool> read_more();

  Task<bool> exchange();
  Task<std::optional<Refused>> read_request();
  std::optional<Refused> accept_head();
  Task<std::optional<Refused>> read_body();
  std::optional<Refused> feed_body();
  Task<Response> answer();
  Task<bool> send(std::string_view rest);
  bool send_some(std::string_view& head, std::string_view& rest);
  Task<> close();

  Socket socket_;
  const ConnectionEnvironment& environment_;
  std::string client_address_;
  RequestParser parser_;
  HeadScanner scanner_;
  Request request_;

  std::string buffer_;  // what was read and not yet consumed: [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string out_;
  std::string request_id_;

  Phase phase_ = Phase::idle;
  Deadline deadline_ = Deadline::max();
  bool timed_out_ = false;
  bool served_ = false;  // has had a request
  bool ended_ = false;   // nothing more can be read
  bool unread_ = false;  // a refused request's rest may still be coming
  std::size_t body_limit_ = 0;
  std::size_t body_bytes_ = 0;  // received for this body, chunk framing included
};

}  // namespace souk::http
