#include "http/head_scanner.hpp"

#include <cstring>

namespace souk::http {
namespace {

// Method and version around the target.
constexpr std::size_t start_line_rest = 64;

bool is_method_character(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

std::expected<std::optional<std::size_t>, Refused> HeadScanner::scan(std::string_view bytes) {
  if (!bytes.empty() && position_ == 0 && !is_method_character(bytes[0])) {
    return std::unexpected(Refused{400, "request.bad_http", "This is not HTTP; perhaps TLS was sent to a plain port."});
  }
  while (position_ < bytes.size()) {
    const auto* found = std::memchr(bytes.data() + position_, '\n', bytes.size() - position_);
    if (found == nullptr) {
      position_ = bytes.size();
      break;
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (end == 0 || bytes[end - 1] != '\r') {
      return std::unexpected(Refused{400, "request.bad_http", "Lines must end in CR LF."});
    }
    const bool empty_line = end == line_start_ + 1;
    if (line_start_ == 0 && end > limits_.target + start_line_rest) break;
    position_ = line_start_ = end + 1;
    if (empty_line && position_ <= limits_.bytes) return position_;
  }
  if (line_start_ == 0 && bytes.size() > limits_.target + start_line_rest) {
    return std::unexpected(
        Refused{414, "request.url_too_long", "The URL may have at most " + std::to_string(limits_.target) + " bytes."});
  }
  if (bytes.size() > limits_.bytes) {
    return std::unexpected(Refused{431, "request.headers_too_large",
                                   "The headers may have at most " + std::to_string(limits_.bytes) + " bytes."});
  }
  return std::nullopt;
}

}  // namespace souk::http
