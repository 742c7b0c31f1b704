#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/task.hpp"
#include "http/client.hpp"
#include "http/url.hpp"

namespace boost::asio::ssl {
class context;
}

namespace souk::http {

// One connection to a peer, plain or TLS; one request at a time. A timer closes the socket when the deadline passes,
// which ends whatever is waited for.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  // What became of an exchange: a response, or why there is none and whether any byte of one had come.
  struct Outcome {
    std::optional<ClientResponse> response;
    std::string what;
    bool any_reply = false;
  };

  explicit ClientConnection(Executor executor);
  ~ClientConnection();

  // Resolves, connects, and with `tls` checks the peer's certificate. Throws Unavailable.
  Task<> open(Url url, asio::ssl::context* tls, Deadline deadline);
  // Sends `request`, a whole message, and reads the reply.
  Task<Outcome> exchange(std::string request, std::size_t max_reply, Deadline deadline);

  // Whether another request can be sent: the last reply allowed it, and the peer has not closed or sent anything since.
  bool reusable();

  Deadline idle_since{};

 private:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  struct Tls;

  void watch(Deadline deadline);
  void unwatch();
  Task<> connect(Url url, Deadline deadline);
  Task<boost::system::error_code> write(std::string_view bytes);
  Task<boost::system::error_code> read(std::string& buffer);

  Executor executor_;
  Socket socket_;
  std::unique_ptr<Tls> tls_;
  Timer timer_;
  bool watching_ = false;
  bool timed_out_ = false;
  bool keep_alive_ = false;
};

}  // namespace souk::http
