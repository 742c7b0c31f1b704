#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "session/api.hpp"

// What holds for sessions, without I/O.
namespace souk::session::rules {

// The spec's time to live; it starts anew when the session is used, but at most once a minute.
inline constexpr std::chrono::hours time_to_live{24};
inline constexpr std::chrono::minutes restart_after{1};
inline constexpr int max_sessions_of_a_user = 50;
inline constexpr std::size_t max_user_agent = 512;

// 256 random bits in base64url.
std::string new_token();
// The public id: SHA-256 of the token in base64url. Nobody gets from it to the token.
std::string session_id_of(std::string_view token);
// Whether it can be a token, or a session id, at all: what cannot be one is not looked up.
bool well_formed(std::string_view token_or_id);

// Header values are bytes: this gives printable ASCII, cut to its limit.
std::string clean_user_agent(std::string_view user_agent);

bool must_restart(const Session& session, Timestamp now);

}  // namespace souk::session::rules
