#pragma once

#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/result.hpp"
#include "http/client.hpp"
#include "http/message.hpp"

// What a call between processes looks like: POST /rpc/<service>/<method> with the request as JSON. The shared key is
// the bearer token; X-Request-Id and traceparent are sent as everywhere; the two headers below carry the rest of the
// Context. 200 has the reply; a refusal has the status of its kind and a media type of its own, so that a refusal of
// the method and one of the listener (a problem document) are never confused.
namespace souk::rpc {

inline constexpr std::string_view caller_header = "Souk-Caller";        // who asks, JSON with percent escapes
inline constexpr std::string_view time_left_header = "Souk-Time-Left";  // in milliseconds
inline constexpr std::string_view refusal_media_type = "application/vnd.souk.refusal+json";
inline constexpr std::size_t largest_request = 16 * 1024 * 1024;
inline constexpr std::size_t largest_reply = 64 * 1024 * 1024;

std::string write_caller(const Caller& caller);
// Nothing for text that write_caller() does not write.
std::optional<Caller> read_caller(std::string_view text);

// The Context that the caller had, as its headers say. Refuses a call without them. Throws Unavailable when its time is
// over already: nothing was done.
Result<Context> context_of(const http::Request& request);

http::Response refusal(const Error& error);

// What a reply that is not 200 means: a refusal is returned; 503 throws Unavailable (Overloaded where the peer says
// so), 504 UnknownOutcome, anything else std::runtime_error. `what` names the call.
Error refusal_of(const http::ClientResponse& response, const std::string& what);

}  // namespace souk::rpc
