#include "http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace souk::load {
namespace {

constexpr std::size_t most_of_a_reason = 200;

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

}  // namespace

Reply parse_reply(std::string_view text) {
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == text.npos) return {};
  int status = 0;
  if (!text.starts_with("HTTP/1.1 ") || std::from_chars(text.data() + 9, text.data() + 12, status).ec != std::errc{}) {
    return {.status = -1};
  }
  std::size_t length = 0;
  bool known = status == 204 || status == 304;
  constexpr std::string_view name = "content-length:";
  for (auto line = text.find("\r\n"); !known && line < head_end; line = text.find("\r\n", line + 2)) {
    auto header = text.substr(line + 2, head_end - line - 2);
    if (!starts_with_ignoring_case(header, name)) continue;
    header.remove_prefix(name.size());
    while (header.starts_with(' ')) header.remove_prefix(1);
    known = std::from_chars(header.data(), header.data() + header.size(), length).ec == std::errc{};
  }
  if (!known) return {.status = -1};
  const auto body = text.substr(head_end + 4);
  if (body.size() < length) return {};
  return {status, body.substr(0, length)};
}

HttpClient::~HttpClient() {
  if (fd_ >= 0) close(fd_);
}

void HttpClient::connect() {
  if (fd_ >= 0) close(fd_);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  if (inet_pton(AF_INET, host_.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error("not an IPv4 address: " + host_);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(fmt::format("cannot connect to {}:{}: {}", host_, port_, std::strerror(errno)));
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  in_.clear();
}

Progress HttpClient::begin() { return send_request() ? Progress::waiting : fail(std::strerror(errno)); }

// A request is far smaller than the socket's buffer, so the blocking send does not wait.
bool HttpClient::send_request() {
  out_.clear();
  conversation_->ask(out_);
  sent_ = std::chrono::steady_clock::now();
  return send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out_.size());
}

Progress HttpClient::go_on() {
  constexpr std::size_t piece = 64 * 1024;
  const auto had = in_.size();
  in_.resize(had + piece);
  const auto got = recv(fd_, in_.data() + had, piece, MSG_DONTWAIT);
  in_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::waiting;
  if (got <= 0) return fail(got == 0 ? "the server closed the connection" : std::strerror(errno));
  const auto reply = parse_reply(in_);
  if (reply.status == 0) return Progress::waiting;
  if (reply.status < 0) return fail("a reply that is no HTTP/1.1 with a Content-Length");
  last_request_us_ = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - sent_).count());
  const auto step = conversation_->hear(reply.status, reply.body);
  if (step == Conversation::Step::failed) {
    return fail(fmt::format("{} {}", reply.status, reply.body.substr(0, most_of_a_reason)));
  }
  in_.clear();
  switch (step) {
    case Conversation::Step::done: return Progress::done;
    case Conversation::Step::prepared: return Progress::prepared;
    default: return begin();
  }
}

Progress HttpClient::fail(std::string reason) {
  failure_ = std::move(reason);
  conversation_->start_again();
  return Progress::failed;
}

}  // namespace souk::load
