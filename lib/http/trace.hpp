#pragma once

#include <string>
#include <string_view>

namespace souk::http {

// The client's X-Request-Id where it is a sane token (1-64 characters of [A-Za-z0-9._-]), otherwise a new one.
std::string request_id_or_new(std::string_view sent);

// A W3C Trace Context header as it came, or empty when it is not one (version 00 only).
std::string valid_traceparent(std::string_view sent);
// The same trace with a new parent id, for a call that this request makes; empty stays empty.
std::string child_traceparent(std::string_view traceparent);

}  // namespace souk::http
