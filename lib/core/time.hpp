#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace souk {

// A moment in UTC with the resolution of PostgreSQL's TIMESTAMP.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

Timestamp now();

// RFC 3339 with Z: "2026-03-01T12:00:00Z", with milliseconds or microseconds where they are not zero.
std::string to_rfc3339(Timestamp time);
// RFC 3339 with Z or an offset, up to microseconds; also "2026-03-01 12:00:00.123" as PostgreSQL writes it (UTC).
std::optional<Timestamp> parse_timestamp(std::string_view text);

}  // namespace souk
