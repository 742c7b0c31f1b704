#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client.hpp"

namespace souk::load {

// What one customer says to a shop: request by request, so that an operation may have several.
class Conversation {
 public:
  virtual ~Conversation() = default;
  // Appends the whole next request.
  virtual void ask(std::string& out) = 0;
  enum class Step { more, done, prepared, failed };
  // Takes the reply; on `failed` the conversation starts again.
  virtual Step hear(int status, std::string_view body) = 0;
  // The connection was lost in the middle: begins again with the next operation.
  virtual void start_again() {}
};

// One keep-alive connection with at most one request under way. Replies must have a Content-Length.
class HttpClient final : public Client {
 public:
  // host: an IPv4 address.
  HttpClient(std::string host, std::uint16_t port, std::unique_ptr<Conversation> conversation)
      : host_(std::move(host)), port_(port), conversation_(std::move(conversation)) {}
  ~HttpClient() override;

  void connect() override;
  std::vector<int> descriptors() const override { return {fd_}; }
  Progress begin() override;
  Progress go_on() override;
  std::string failure() const override { return failure_; }
  std::uint64_t last_request_us() const override { return last_request_us_; }

 private:
  bool send_request();
  Progress fail(std::string reason);

  std::string host_;
  std::uint16_t port_;
  std::unique_ptr<Conversation> conversation_;
  int fd_ = -1;
  std::string out_;
  std::string in_;
  std::string failure_;
  std::chrono::steady_clock::time_point sent_;
  std::uint64_t last_request_us_ = 0;
};

// The parts of a reply, once `text` holds it whole; status 0 while it does not, −1 when it is none that we understand.
struct Reply {
  int status = 0;
  std::string_view body;
};
Reply parse_reply(std::string_view text);

}  // namespace souk::load
