#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace souk {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view data);
Digest hmac_sha256(std::string_view key, std::string_view data);

std::string hex(std::span<const std::uint8_t> bytes);
std::string base64url(std::span<const std::uint8_t> bytes);  // without padding (RFC 4648 section 5)
std::optional<std::string> from_base64url(std::string_view text);

// Takes the same time wherever the texts differ (their lengths may show).
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace souk
