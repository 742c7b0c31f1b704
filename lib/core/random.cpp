#include "core/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/crypto.hpp"

namespace souk {
namespace {

// One RAND_bytes call fills a buffer for many identifiers: the call itself takes a lock and a system call now and then.
struct RandomBuffer {
  std::array<std::uint8_t, 4096> bytes;
  std::size_t used = bytes.size();
};

}  // namespace

void random_bytes(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  thread_local RandomBuffer buffer;
  if (out.size() > 64) {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) throw std::runtime_error("no random bytes");
    return;
  }
  if (buffer.bytes.size() - buffer.used < out.size()) {
    if (RAND_bytes(buffer.bytes.data(), static_cast<int>(buffer.bytes.size())) != 1) {
      throw std::runtime_error("no random bytes");
    }
    buffer.used = 0;
  }
  std::memcpy(out.data(), buffer.bytes.data() + buffer.used, out.size());
  std::memset(buffer.bytes.data() + buffer.used, 0, out.size());
  buffer.used += out.size();
}

std::string random_token(std::size_t bytes) {
  std::vector<std::uint8_t> buffer(bytes);
  random_bytes(buffer);
  return base64url(buffer);
}

std::uint64_t random_below(std::uint64_t bound) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return bound == 0 ? 0 : std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine);
}

}  // namespace souk
