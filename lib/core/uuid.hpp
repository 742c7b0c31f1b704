#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace souk {

// A UUID (RFC 9562). The default one is all zeros.
class Uuid {
 public:
  constexpr Uuid() = default;
  constexpr explicit Uuid(std::array<std::uint8_t, 16> bytes) : bytes_(bytes) {}

  // Version 7: sorts by the time it was made (milliseconds); 74 random bits.
  static Uuid v7();
  // 36 characters, any case; nothing else is accepted.
  static std::optional<Uuid> parse(std::string_view text);

  std::string to_string() const;  // lower case, with hyphens
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  bool is_nil() const { return *this == Uuid{}; }

  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace souk

template <>
struct std::hash<souk::Uuid> {
  std::size_t operator()(const souk::Uuid& id) const noexcept;
};
