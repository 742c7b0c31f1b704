#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/blocking_pool.hpp"
#include "core/task.hpp"

namespace souk::user {

// What a hash costs: Argon2id (RFC 9106) as OWASP recommends it.
struct PasswordCost {
  std::uint32_t memory_kib = 19 * 1024;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

// Hashes passwords on threads of its own. More waiting jobs than it may have throw Overloaded (503).
class Passwords {
 public:
  // As many threads as cores: more would take memory and give no speed.
  explicit Passwords(PasswordCost cost = {}, std::size_t threads = 0, std::size_t queue = 64);

  // The hash as a PHC string, which names its own parameters and salt.
  Task<std::string> hash(std::string password);
  // For what is no such string (an account without a password, or none) false after the same time.
  Task<bool> verify(std::string password, std::string phc);
  // Whether a hash was made with other parameters than today's.
  bool needs_rehash(const std::string& phc) const;

 private:
  std::string parameters() const;
  // A hash that no password has.
  std::string unmatched() const;

  PasswordCost cost_;
  BlockingPool pool_;
};

}  // namespace souk::user
