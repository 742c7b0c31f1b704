#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/uuid.hpp"

namespace souk::events {

// A place in the feed of a PostgreSQL outbox: after the event of this sequence number. Written "<epoch>:<sequence>".
struct Cursor {
  Uuid epoch;
  std::int64_t sequence = 0;

  static std::optional<Cursor> parse(std::string_view text);
  std::string to_string() const;
  bool operator==(const Cursor&) const = default;
};

}  // namespace souk::events
