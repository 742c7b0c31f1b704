#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "user/api.hpp"

// What holds for accounts, addresses and logins, without I/O.
namespace souk::user::rules {

inline constexpr std::chrono::days refresh_lives{30};
// Two tabs may use the same refresh token at once: for so long the second gets the first one's successor.
inline constexpr std::chrono::seconds refresh_grace{10};
inline constexpr int max_addresses = 50;
inline constexpr int free_failures_of_account = 5;
inline constexpr int failures_of_address_a_minute = 10;
inline constexpr std::size_t max_user_agent = 512;

// The specification's check of users.email, in ASCII.
bool valid_email(std::string_view email);
// How e-mails are compared: lower case, as lower() of the unique index.
std::string normalised(std::string_view email);

// Refuses what cannot be an account: e-mail, password, names, phone.
Result<void> check_registration(const Register& request);
Result<void> check_patch(const PatchUser& request);
// Refuses what cannot be an address; its country becomes upper case and its text loses what surrounds it.
Result<void> check_address(NewAddress& address);
Result<void> check_address(PatchedAddress& changes);
// ISO 3166-1 alpha-2, upper case.
bool known_country(std::string_view code);

// How long an account is closed after its n-th failed login in a row: 30 s from the fifth on, doubling, at most 1 h.
std::chrono::seconds closed_after(std::int64_t failures);

// What failed logins are counted by. An e-mail that nobody has counts like any other, so the answers are the same.
std::string account_subject(std::string_view email);
// An IPv6 customer has a network of 64 bits to choose from, so that counts as one address.
std::string address_subject(const std::string& ip_address);
bool is_loopback(const std::string& ip_address);

// The address as INET takes it; empty for what is none.
std::optional<std::string> clean_ip(const std::string& ip_address);
std::string clean_user_agent(std::string_view user_agent);

// Refresh tokens: 256 random bits in base64url; only the hash is stored.
std::string new_refresh_token();
std::string token_hash(std::string_view token);
bool well_formed_token(std::string_view token);
// The successor such that only who has `token` can read it, and back.
std::string seal_successor(std::string_view token, std::string_view successor);
std::optional<std::string> unseal_successor(std::string_view token, std::string_view sealed);

// What a refresh token that was found may do.
enum class TokenState { fresh, just_used, reused, over };
struct TokenTimes {
  Timestamp expires_at;
  std::optional<Timestamp> used_at;
  std::optional<Timestamp> revoked_at;
};
TokenState state_of(const TokenTimes& token, Timestamp now);

// Whether the caller may see and change this user's data.
bool may_act_for(const Caller& caller, Uuid user_id);

}  // namespace souk::user::rules
