#include "passwords.hpp"

#include <argon2.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <thread>

#include "core/random.hpp"

namespace souk::user {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

std::string hash_now(const std::string& password, PasswordCost cost) {
  std::array<std::uint8_t, salt_bytes> salt{};
  random_bytes(salt);
  std::string phc(argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, salt_bytes, hash_bytes, Argon2_id), '\0');
  const int code = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(),
                                         salt.data(), salt.size(), hash_bytes, phc.data(), phc.size());
  if (code != ARGON2_OK) throw std::runtime_error(std::string("Argon2: ") + argon2_error_message(code));
  phc.resize(phc.find('\0'));
  return phc;
}

bool verify_now(const std::string& password, const std::string& phc) {
  const int code = argon2id_verify(phc.c_str(), password.data(), password.size());
  if (code == ARGON2_OK) return true;
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  throw std::runtime_error(std::string("Argon2: ") + argon2_error_message(code));
}

// Base64 as PHC strings have it: no padding.
std::string random_base64(std::size_t bytes) {
  auto text = random_token(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  return text;
}

std::size_t thread_count(std::size_t wanted) {
  return wanted > 0 ? wanted : std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

}  // namespace

Passwords::Passwords(PasswordCost cost, std::size_t threads, std::size_t queue)
    : cost_(cost), pool_(thread_count(threads), queue) {}

Task<std::string> Passwords::hash(std::string password) {
  co_return co_await pool_.run([password = std::move(password), cost = cost_] { return hash_now(password, cost); });
}

Task<bool> Passwords::verify(std::string password, std::string phc) {
  if (!phc.starts_with("$argon2id$")) phc = unmatched();
  co_return co_await pool_.run(
      [password = std::move(password), phc = std::move(phc)] { return verify_now(password, phc); });
}

bool Passwords::needs_rehash(const std::string& phc) const { return !phc.starts_with(parameters()); }

std::string Passwords::parameters() const {
  return fmt::format("$argon2id$v=19$m={},t={},p={}$", cost_.memory_kib, cost_.passes, cost_.lanes);
}

std::string Passwords::unmatched() const {
  return parameters() + random_base64(salt_bytes) + "$" + random_base64(hash_bytes);
}

}  // namespace souk::user
