#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/failure.hpp"
#include "core/runtime.hpp"
#include "core/task.hpp"
#include "http/message.hpp"

namespace souk::http {

struct ClientRequest {
  Method method = Method::GET;
  std::string url;  // absolute, http or https
  Headers headers{};
  std::string body{};                       // application/json unless `headers` has a Content-Type
  std::chrono::milliseconds timeout{2000};  // of the whole call; the context's deadline may end it earlier
  std::size_t max_reply = 4 * 1024 * 1024;
  // Never on a connection that was used before, which the peer may be closing just now.
  bool own_connection = false;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;

  // Case-insensitive; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{250};  // TLS included
  std::chrono::milliseconds idle_timeout{30'000};  // below the 60 s after which servers close
  std::size_t max_idle = 32;                       // kept open, a host and worker
  std::size_t max_connections = 256;               // a host and worker; more calls at once throw Overloaded
  std::string ca_file{};                           // PEM; empty: the system's certificate authorities
};

// Calls to other processes and to gateways. Each worker keeps its own connections alive. Redirects are not followed.
// Sends the context's request id and trace along.
class Client {
 public:
  explicit Client(Runtime& runtime, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Any status is a response. Throws Unavailable when nothing was sent, UnknownOutcome when the reply was lost
  // afterwards (or was not HTTP, or too large), std::invalid_argument for a bad URL or header. On a worker.
  Task<ClientResponse> fetch(Context context, ClientRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::http
