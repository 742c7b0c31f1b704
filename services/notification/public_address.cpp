#include "public_address.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <string>

namespace souk::notification {
namespace {

namespace ip = boost::asio::ip;

struct Network {
  std::uint32_t first;
  int bits;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// RFC 6890 and what followed it.
constexpr std::array special_v4{
    Network{v4(0, 0, 0, 0), 8},      Network{v4(10, 0, 0, 0), 8},     Network{v4(100, 64, 0, 0), 10},
    Network{v4(127, 0, 0, 0), 8},    Network{v4(169, 254, 0, 0), 16}, Network{v4(172, 16, 0, 0), 12},
    Network{v4(192, 0, 0, 0), 24},   Network{v4(192, 0, 2, 0), 24},   Network{v4(192, 88, 99, 0), 24},
    Network{v4(192, 168, 0, 0), 16}, Network{v4(198, 18, 0, 0), 15},  Network{v4(198, 51, 100, 0), 24},
    Network{v4(203, 0, 113, 0), 24}, Network{v4(224, 0, 0, 0), 4},    Network{v4(240, 0, 0, 0), 4}};

bool is_public(ip::address_v4 address) {
  const auto number = address.to_uint();
  return std::ranges::none_of(
      special_v4, [number](const Network& network) { return (number ^ network.first) >> (32 - network.bits) == 0; });
}

bool is_public(const ip::address_v6& address) {
  if (address.is_v4_mapped()) return is_public(ip::make_address_v4(ip::v4_mapped, address));
  const auto bytes = address.to_bytes();
  const auto first = static_cast<unsigned>(bytes[0]) << 8 | bytes[1];
  const auto second = static_cast<unsigned>(bytes[2]) << 8 | bytes[3];
  if (first >> 13 != 1) return false;                     // only 2000::/3 is given out
  if (first == 0x2001 && second < 0x0200) return false;   // Teredo, ORCHID and other protocols
  if (first == 0x2001 && second == 0x0db8) return false;  // documentation
  if (first == 0x3fff && second < 0x1000) return false;   // documentation
  return first != 0x2002;                                 // 6to4: stands for an address of version 4
}

}  // namespace

bool is_public_address(std::string_view text) {
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text), error);
  if (error) return false;
  return address.is_v4() ? is_public(address.to_v4()) : is_public(address.to_v6());
}

}  // namespace souk::notification
