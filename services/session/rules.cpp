#include "rules.hpp"

#include <algorithm>

#include "core/crypto.hpp"
#include "core/random.hpp"

namespace souk::session::rules {
namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::size_t token_length = 43;  // of 32 bytes, as of a SHA-256

}  // namespace

std::string new_token() { return random_token(token_bytes); }

std::string session_id_of(std::string_view token) { return base64url(sha256(token)); }

bool well_formed(std::string_view token_or_id) {
  return token_or_id.size() == token_length && std::ranges::all_of(token_or_id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string clean_user_agent(std::string_view user_agent) {
  std::string clean(user_agent.substr(0, max_user_agent));
  std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

bool must_restart(const Session& session, Timestamp now) { return now - session.last_accessed_at >= restart_after; }

}  // namespace souk::session::rules
