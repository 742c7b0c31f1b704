#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/blocking_pool.hpp"
#include "transport.hpp"

namespace souk::notification {

// Where mails are handed over.
struct SmtpOptions {
  std::string host;
  int port = 25;
  bool tls = false;  // from the first byte (smtps)
  std::string user{};
  std::string password{};
  bool require_starttls = true;  // false: TLS only where the server offers it
  std::string ca_file{};         // PEM; empty: the system's certificate authorities
  std::string sender{};          // "Souk <shop@example.com>"

  // From smtp://user:password@host:port or smtps://…; user and password are percent-encoded. Ports are 25 and 465
  // unless given. Throws std::invalid_argument with a sentence, which names no password.
  static SmtpOptions parse(const std::string& url);
};

namespace smtp {

// How far the conversation with the server came.
struct Dialogue {
  std::string verb{};     // of the last command: "RCPT"; "DATA" also when the mail's text was sent
  std::string reply{};    // the last reply, one line, at most 300 characters
  int code = 0;           // its code; 0: there was none
  bool finished = false;  // the server has taken responsibility for the mail
  std::string failure{};  // what went wrong on our side: no connection, no TLS, no time
};

// Only what the server says of this very mail (its recipient, its text) is final. A refused login or sender is ours
// to put right, and the mail waits for that.
Delivery judge(const Dialogue& dialogue);

// The address of "Souk <shop@example.com>". Throws std::invalid_argument when it has none.
std::string address_of(const std::string& sender);

}  // namespace smtp

// Speaks SMTP (RFC 5321) with one server, by libcurl: STARTTLS or TLS with a verified certificate, AUTH PLAIN or
// LOGIN. Connections are kept between mails. Throws std::invalid_argument for options that would send the password
// in the clear to another machine.
class SmtpTransport final : public Transport {
 public:
  explicit SmtpTransport(SmtpOptions options);
  ~SmtpTransport() override;

  std::string name() const override { return "smtp"; }
  Task<Delivery> send(Context context, Message message) override;
  void interrupt() override { interrupted_ = true; }

 private:
  class Connection;

  Delivery send_now(const Message& message, Deadline deadline);
  std::unique_ptr<Connection> take();
  void keep(std::unique_ptr<Connection> connection);

  SmtpOptions options_;
  std::string address_;
  std::atomic<bool> interrupted_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  BlockingPool pool_{mails_at_once, 256};  // last: its threads use what is above
};

}  // namespace souk::notification
