#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/runtime.hpp"
#include "http/message.hpp"

namespace souk::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: any free one
  int listener = -1;          // a listening socket of somebody else's, which stays open; instead of the two
  // A worker. Where they are reached, those that are idle for longest are closed for new ones, and a new one when none
  // is idle: a client with a request under way is never cut off for another.
  std::size_t max_connections = 10'000;
  std::size_t max_body = 1024 * 1024;  // the largest limit of any route; each route has its own
  // The route's own limit (Router::body_limit), so that a body that will be refused is not even read. May be empty.
  std::function<std::size_t(Method, std::string_view target)> body_limit{};
  // Whether a request that has a body yet to come would be turned away (503, Retry-After): it is then not read. Empty:
  // never.
  std::function<bool(Method, std::string_view target)> refuse{};
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_header_fields = 100;
  std::size_t max_target = 8 * 1024;
  std::chrono::milliseconds header_timeout{5000};
  std::chrono::milliseconds body_timeout{15000};
  std::chrono::milliseconds idle_timeout{60000};
};

// HTTP/1.1: one acceptor a worker (SO_REUSEPORT), keep-alive, pipelining in order, limits, slow clients cut off.
class Server {
 public:
  // Binds at once; throws std::system_error with a sentence when the port is taken.
  Server(Runtime& runtime, ServerOptions options, std::function<Task<Response>(Request)> handler);
  // Ends every connection; waits for running handlers. Call drain() before for a polite end. Not on a worker.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Stops accepting on every worker, lets running requests finish (at most `limit`), closes idle connections.
  Task<> drain(std::chrono::milliseconds limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::http
