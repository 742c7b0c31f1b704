#include "events/cursor.hpp"

#include <charconv>

namespace souk::events {

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto epoch = Uuid::parse(text.substr(0, colon));
  if (!epoch) return std::nullopt;
  Cursor cursor{*epoch, 0};
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, cursor.sequence);
  if (error != std::errc() || rest != end || cursor.sequence < 0) return std::nullopt;
  return cursor;
}

std::string Cursor::to_string() const { return epoch.to_string() + ":" + std::to_string(sequence); }

}  // namespace souk::events
