#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace souk::http {

// For tests: a blocking socket that sends whatever bytes it is given.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void shut_down_writing() const { ::shutdown(socket_, SHUT_WR); }

  // One reply, head and body as its Content-Length says (or no body); what came until the end otherwise.
  std::string reply(bool has_body = true) {
    while (true) {
      const auto head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto size = head + 4 + (has_body ? content_length(buffer_.substr(0, head)) : 0);
        if (buffer_.size() >= size) {
          const auto reply = buffer_.substr(0, size);
          buffer_.erase(0, size);
          return reply;
        }
      }
      if (!receive()) return std::exchange(buffer_, "");
    }
  }
  // Everything until the server closes.
  std::string rest() {
    while (receive()) {
    }
    return std::exchange(buffer_, "");
  }
  bool closed_by_server() { return rest().empty() && ended_; }

 private:
  bool receive() {
    pollfd poll{.fd = socket_, .events = POLLIN};
    if (::poll(&poll, 1, 5000) <= 0) return false;
    char bytes[16384];
    const auto size = ::recv(socket_, bytes, sizeof bytes, 0);
    ended_ = size <= 0;
    if (size > 0) buffer_.append(bytes, static_cast<std::size_t>(size));
    return !ended_;
  }
  static std::size_t content_length(const std::string& head) {
    const auto at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  int socket_;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace souk::http
