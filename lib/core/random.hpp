#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace souk {

// Cryptographically secure random bytes (OpenSSL). Throws std::runtime_error when the system has none.
void random_bytes(std::span<std::uint8_t> out);

// `bytes` random bytes in base64url without padding: 16 bytes are 22 characters and 128 bits.
std::string random_token(std::size_t bytes);

// Uniform in [0, bound). Not for secrets: jitter and load.
std::uint64_t random_below(std::uint64_t bound);

}  // namespace souk
