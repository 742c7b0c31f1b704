#include "handover.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace souk::handover {
namespace {

constexpr int first_socket = 3;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::map<std::string, int> listeners() {
  std::map<std::string, int> sockets;
  const auto names = variable("LISTEN_FDNAMES");
  if (variable("LISTEN_PID") == std::to_string(::getpid())) {
    const int count = std::atoi(variable("LISTEN_FDS").c_str());
    std::string_view rest = names;
    for (int i = 0; i < count; ++i) {
      const auto end = std::min(rest.find(':'), rest.size());
      sockets[std::string(rest.substr(0, end))] = first_socket + i;
      rest.remove_prefix(std::min(end + 1, rest.size()));
      ::fcntl(first_socket + i, F_SETFD, FD_CLOEXEC);
    }
  }
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return sockets;
}

void notify_ready() {
  const auto path = variable("NOTIFY_SOCKET");
  ::unsetenv("NOTIFY_SOCKET");
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  constexpr std::string_view text = "READY=1";
  const auto size = offsetof(sockaddr_un, sun_path) + path.size();
  ::sendto(socket, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(size));
  ::close(socket);
}

}  // namespace souk::handover
