#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace souk::http {

// Why a request is refused before it reaches a handler; the connection closes after the reply.
struct Refused {
  int status = 400;
  std::string code;
  std::string detail;
  int retry_after_s = 0;  // 0: no Retry-After
};

// What the head of a request says.
struct RequestHead {
  Method method = Method::OTHER;
  bool is_head = false;  // HEAD: answered as GET, without the body
  std::string target;    // origin-form
  int version = 11;      // 10 or 11
  Headers headers;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
};

// Parses one request after the other with Beast's parser, and is stricter: whatever two implementations could read
// differently (RFC 9112 section 11.2, request smuggling) is refused.
class RequestParser {
 public:
  struct Limits {
    std::size_t fields = 100;
    std::size_t target = 8 * 1024;
  };

  explicit RequestParser(Limits limits);
  ~RequestParser();

  // Forgets the last request.
  void reset();
  // Takes the whole head, "GET … \r\n\r\n" included.
  std::optional<Refused> parse_head(std::string_view head);
  // The body may have so many bytes. After parse_head, before the body.
  std::optional<Refused> limit_body(std::size_t bytes);
  // Takes body bytes; `consumed` says how many belong to this request and are done with.
  std::optional<Refused> parse_body(std::string_view bytes, std::size_t& consumed);

  bool done() const;
  RequestHead& head();
  std::string& body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::http
