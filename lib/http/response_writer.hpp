#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace souk::http {

struct ReplyOptions {
  bool keep_alive = true;
  bool http_10 = false;  // the client speaks HTTP/1.0: keeping alive must be said
  bool is_head = false;  // the head of a GET without its body
  std::string_view request_id;
};

// Bodies up to this size are copied behind their head, so that one contiguous send does; larger ones are sent from
// where they are.
inline constexpr std::size_t copied_body = 16 * 1024;

// Appends the head of `response`, and its body where it is small. Returns the body that is left to send.
std::string_view write_response(std::string& out, const Response& response, const ReplyOptions& options);

}  // namespace souk::http
