#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "http/request_parser.hpp"

namespace souk::http {

// Finds the end of a request's head in what has arrived so far, and refuses at the first byte that makes it hopeless:
// too long, a bare LF, or not HTTP at all. Each byte is looked at once however slowly they come.
class HeadScanner {
 public:
  struct Limits {
    std::size_t bytes = 16 * 1024;
    std::size_t target = 8 * 1024;
  };

  explicit HeadScanner(Limits limits) : limits_(limits) {}

  void reset() { position_ = line_start_ = 0; }
  // `bytes` starts where the request starts and grows from call to call. The size of the head, or nothing yet.
  std::expected<std::optional<std::size_t>, Refused> scan(std::string_view bytes);

 private:
  Limits limits_;
  std::size_t position_ = 0;    // all before was looked at
  std::size_t line_start_ = 0;  // of the line that is not complete
};

}  // namespace souk::http
