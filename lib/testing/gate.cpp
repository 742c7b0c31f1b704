#include "testing/gate.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "postgres/url.hpp"

namespace souk::testing {
namespace {

constexpr int poll_ms = 2;
constexpr const char* socket_name = "/.s.PGSQL.5432";

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

void write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const auto written = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (written <= 0) return;
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Gate::Gate(const std::string& postgres_url) {
  auto keywords = pg::parse_url(postgres_url);
  server_host_ = keywords["host"].empty() ? "/var/run/postgresql" : keywords["host"];
  server_port_ = keywords["port"].empty() ? "5432" : keywords["port"];
  std::string pattern = "/tmp/souk_gate_XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder for the gate");
  folder_ = pattern;
  keywords["host"] = folder_;
  keywords["port"] = "5432";
  url_ = pg::make_url(std::move(keywords));
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = unix_address(folder_ + socket_name);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen at the gate");
  }
  thread_ = std::jthread([this](std::stop_token stop) { work(stop); });
}

Gate::~Gate() {
  thread_.request_stop();
  thread_.join();
  end_links(true);
  ::close(listener_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

// Returns when the thread has surely seen the change.
void Gate::set_mode(Mode mode) {
  mode_ = mode;
  const unsigned begun = turns_;
  while (turns_ - begun < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Gate::shut() { set_mode(Mode::shut); }
void Gate::open() { set_mode(Mode::open); }
void Gate::freeze() { set_mode(Mode::frozen); }
void Gate::cut() {
  cut_ = true;
  while (cut_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
void Gate::lose_next_reply() { lose_reply_ = true; }
void Gate::lose_next_request() { lose_request_ = true; }

int Gate::connect_to_server() const {
  if (server_host_.starts_with('/')) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = unix_address(server_host_ + "/.s.PGSQL." + server_port_);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(server_host_.c_str(), server_port_.c_str(), &hints, &found) != 0) return -1;
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = ::connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  if (connected) return fd;
  ::close(fd);
  return -1;
}

void Gate::accept_client() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int server = mode_ == Mode::shut ? -1 : connect_to_server();
  if (server < 0) {
    ::close(client);
    return;
  }
  links_.push_back({client, server});
}

void Gate::pass_request(Link& link) {
  std::array<char, 65536> buffer;
  const auto size = ::recv(link.client, buffer.data(), buffer.size(), 0);
  if (size <= 0 || lose_request_.exchange(false)) {
    link.ended = true;
    return;
  }
  link.drop_reply = link.drop_reply || lose_reply_.exchange(false);
  write_all(link.server, {buffer.data(), static_cast<std::size_t>(size)});
}

void Gate::pass_reply(Link& link) {
  std::array<char, 65536> buffer;
  const auto size = ::recv(link.server, buffer.data(), buffer.size(), 0);
  if (size <= 0 || link.drop_reply) {
    link.ended = true;
    return;
  }
  write_all(link.client, {buffer.data(), static_cast<std::size_t>(size)});
}

void Gate::end_links(bool all) {
  std::erase_if(links_, [all](const Link& link) {
    if (!all && !link.ended) return false;
    ::close(link.client);
    ::close(link.server);
    return true;
  });
}

void Gate::work(std::stop_token stop) {
  while (!stop.stop_requested()) {
    ++turns_;
    if (cut_ || mode_ == Mode::shut) {
      end_links(true);
      cut_ = false;
    }
    std::vector<pollfd> watched{{listener_, POLLIN, 0}};
    if (mode_ != Mode::frozen) {
      for (const auto& link : links_) {
        watched.push_back({link.client, POLLIN, 0});
        watched.push_back({link.server, POLLIN, 0});
      }
    }
    if (::poll(watched.data(), watched.size(), poll_ms) <= 0) continue;
    auto at = watched.begin() + 1;
    for (auto link = links_.begin(); link != links_.end() && at != watched.end(); ++link) {
      if ((at++)->revents != 0) pass_request(*link);
      if ((at++)->revents != 0 && !link->ended) pass_reply(*link);
    }
    end_links(false);
    if (watched.front().revents != 0) accept_client();
  }
}

}  // namespace souk::testing
