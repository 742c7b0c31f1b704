#include "http/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/random.hpp"

namespace souk::http {
namespace {

bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool all_zero(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

std::uint64_t random_number() {
  std::array<std::uint8_t, 8> bytes{};
  random_bytes(bytes);
  std::uint64_t number = 0;
  for (const auto byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace

std::string request_id_or_new(std::string_view sent) {
  if (!sent.empty() && sent.size() <= 64 && std::ranges::all_of(sent, is_token)) return std::string(sent);
  // Unique, not secret: random once a thread, then counted.
  thread_local const std::uint64_t thread_id = random_number();
  thread_local std::uint64_t count = 0;
  return fmt::format("{:016x}-{:x}", thread_id, ++count);
}

std::string valid_traceparent(std::string_view sent) {
  // "00-<32 hex>-<16 hex>-<2 hex>"
  if (sent.size() != 55 || !sent.starts_with("00-") || sent[35] != '-' || sent[52] != '-') return "";
  const auto trace = sent.substr(3, 32);
  const auto parent = sent.substr(36, 16);
  if (!is_hex(trace) || !is_hex(parent) || !is_hex(sent.substr(53)) || all_zero(trace) || all_zero(parent)) return "";
  return std::string(sent);
}

std::string child_traceparent(std::string_view traceparent) {
  if (traceparent.size() != 55) return "";
  return fmt::format("{}{:016x}{}", traceparent.substr(0, 36), random_number() | 1, traceparent.substr(52));
}

}  // namespace souk::http
