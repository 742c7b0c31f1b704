#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/client.hpp"

namespace souk::http {

// Parses the reply to one request with Beast's parser; interim replies (1xx) are passed over.
class ResponseParser {
 public:
  explicit ResponseParser(std::size_t max_body);
  ~ResponseParser();

  // Takes bytes as they come; says what is wrong with them, or nothing. `bytes` that are not consumed yet must be
  // given again with what follows.
  std::optional<std::string> put(std::string_view bytes, std::size_t& consumed);
  // The connection ended: that completes a reply without a length.
  std::optional<std::string> put_end();

  bool done() const;
  // Whether the connection can be used again. When done().
  bool keep_alive() const;
  ClientResponse take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::http
