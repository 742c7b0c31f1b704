#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace souk::redis {

// Where a Redis is, and how to enter it.
struct Target {
  std::string path{};  // of the Unix socket; empty for TCP
  std::string host{};
  std::uint16_t port = 6379;
  std::string user{};
  std::string password{};
  int database = 0;

  // For the log: never with the password.
  std::string name() const;
};

// redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N]; user and password may be percent-encoded.
// Throws std::invalid_argument on another.
Target parse_url(std::string_view url);

}  // namespace souk::redis
