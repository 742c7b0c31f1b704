#include "redis/url.hpp"

#include <charconv>
#include <stdexcept>

namespace souk::redis {
namespace {

[[noreturn]] void refuse_url(const std::string& why) {
  throw std::invalid_argument("Redis URL: " + why +
                              "; write redis://[:password@]host:port[/db] or unix:///path[?db=N]");
}

int parse_number(std::string_view text, int max, const std::string& what) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > max) {
    refuse_url("'" + std::string(text) + "' is no " + what);
  }
  return value;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) refuse_url("a % without two digits");
    out.push_back(static_cast<char>(value));
    i += 2;
  }
  return out;
}

Target parse_unix(std::string_view rest) {
  Target target;
  const auto question = rest.find('?');
  target.path = rest.substr(0, question);
  if (!target.path.starts_with('/')) refuse_url("the socket's path must be absolute");
  // sockaddr_un holds 108 bytes with the terminating zero.
  if (target.path.size() > 107) refuse_url("the socket's path is longer than 107 bytes");
  if (question != std::string_view::npos) {
    const auto query = rest.substr(question + 1);
    if (!query.starts_with("db=")) refuse_url("the only parameter is db");
    target.database = parse_number(query.substr(3), 16383, "database");
  }
  return target;
}

void parse_credentials(std::string_view text, Target& target) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) refuse_url("a password is written :password@");
  target.user = percent_decoded(text.substr(0, colon));
  target.password = percent_decoded(text.substr(colon + 1));
}

void parse_host(std::string_view text, Target& target) {
  auto port = std::string_view::npos;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) refuse_url("a [ without ]");
    target.host = text.substr(1, end - 1);
    if (end + 1 < text.size()) port = end + 1;
  } else {
    port = text.find(':');
    target.host = text.substr(0, port);
  }
  if (target.host.empty()) refuse_url("there is no host");
  if (port == std::string_view::npos) return;
  if (text[port] != ':') refuse_url("after the host comes :port");
  target.port = static_cast<std::uint16_t>(parse_number(text.substr(port + 1), 65535, "port"));
}

Target parse_tcp(std::string_view rest) {
  Target target;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    parse_credentials(rest.substr(0, at), target);
    rest = rest.substr(at + 1);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && slash + 1 < rest.size()) {
    target.database = parse_number(rest.substr(slash + 1), 16383, "database");
  }
  parse_host(rest.substr(0, slash), target);
  return target;
}

}  // namespace

std::string Target::name() const {
  const auto suffix = database == 0 ? std::string() : " db " + std::to_string(database);
  return (path.empty() ? host + ":" + std::to_string(port) : path) + suffix;
}

Target parse_url(std::string_view url) {
  constexpr std::string_view tcp = "redis://";
  constexpr std::string_view local = "unix://";
  if (url.starts_with(tcp)) return parse_tcp(url.substr(tcp.size()));
  if (url.starts_with(local)) return parse_unix(url.substr(local.size()));
  refuse_url("unknown scheme");
}

}  // namespace souk::redis
