#include "rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>

#include "core/countries.hpp"
#include "core/crypto.hpp"
#include "core/random.hpp"
#include "errors.hpp"

namespace souk::order::rules {
namespace {

constexpr std::size_t longest_name = 255;  // characters

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <class String>
void trim(String& text) {
  const std::string_view all = text;
  std::size_t begin = 0;
  std::size_t end = all.size();
  while (begin < end && is_blank(all[begin])) ++begin;
  while (end > begin && is_blank(all[end - 1])) --end;
  if (begin != 0 || end != all.size()) text = String(all.substr(begin, end - begin));
}

}  // namespace

bool may_follow(OrderStatus from, OrderStatus to) {
  using enum OrderStatus;
  switch (from) {
    case pending: return to == confirmed || to == cancelled;
    case confirmed: return to == processing || to == shipped || to == cancelled;
    case processing: return to == shipped || to == cancelled;
    case shipped: return to == delivered || to == refunded;
    case delivered: return to == refunded;
    case cancelled:
    case refunded: return false;
  }
  std::unreachable();
}

bool may_follow(PaymentStatus from, PaymentStatus to) {
  using enum PaymentStatus;
  if (from == pending) return to == paid || to == failed;
  return from == paid && to == refunded;
}

Result<OrderStatus> after_cancel(OrderStatus status) {
  switch (status) {
    case OrderStatus::pending:
    case OrderStatus::confirmed:
    case OrderStatus::processing:
    case OrderStatus::cancelled: return OrderStatus::cancelled;
    case OrderStatus::shipped:
    case OrderStatus::delivered: return errors::already_shipped();
    case OrderStatus::refunded: return errors::already_refunded();
  }
  std::unreachable();
}

std::string new_order_number(Timestamp now) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  auto number = fmt::format("{:02}{:02}{:02}", static_cast<int>(day.year()) % 100, static_cast<unsigned>(day.month()),
                            static_cast<unsigned>(day.day()));
  std::array<std::uint8_t, 12> random{};
  random_bytes(random);
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i % 6 == 0) number.push_back('-');
    number.push_back(alphabet[random[i] % alphabet.size()]);
  }
  return number;
}

Result<Packed> pack(const std::vector<Remaining>& remaining, const std::optional<std::vector<ParcelItem>>& wanted) {
  std::vector<FieldError> unknown;
  std::vector<FieldError> missing;
  Packed packed;
  auto left = remaining;
  for (std::size_t i = 0; wanted && i < wanted->size(); ++i) {
    const auto& item = (*wanted)[i];
    const auto field = fmt::format("items[{}]", i);
    const auto known = std::ranges::find(left, item.order_item_id, &Remaining::order_item_id);
    const bool twice =
        std::ranges::find(packed.items, item.order_item_id, &ShippedItem::order_item_id) != packed.items.end();
    if (known == left.end() || twice) {
      unknown.push_back({field + ".order_item_id", twice ? "duplicate" : "unknown",
                         twice ? "is named twice" : "is not an item of this order"});
    } else if (item.quantity > known->quantity) {
      missing.push_back({field + ".quantity", "too_many", fmt::format("{} left to ship", known->quantity)});
    } else {
      packed.items.push_back({item.order_item_id, item.quantity});
      known->quantity -= item.quantity;
    }
  }
  for (auto& item : left) {
    if (wanted || item.quantity == 0) continue;
    packed.items.push_back({item.order_item_id, item.quantity});
    item.quantity = 0;
  }
  if (!unknown.empty()) return errors::unknown_item(std::move(unknown));
  if (!missing.empty() || packed.items.empty()) return errors::nothing_left_to_ship(std::move(missing));
  packed.is_last = std::ranges::all_of(left, [](const Remaining& item) { return item.quantity == 0; });
  return packed;
}

std::string access_token(const std::string& secret, const Uuid& order_id) {
  const auto digest = hmac_sha256(secret, "order:" + order_id.to_string());
  return base64url(digest);
}

bool opens(const std::string& secret, const Uuid& order_id, const std::optional<std::string>& given) {
  return given && equal_constant_time(*given, access_token(secret, order_id));
}

Uuid part_id(const Uuid& order_id, std::uint16_t n) {
  auto bytes = order_id.bytes();
  // The parts of one order differ in the last 16 bits, those of different orders in the 58 random bits before.
  bytes[14] = static_cast<std::uint8_t>(n >> 8);
  bytes[15] = static_cast<std::uint8_t>(n & 0xff);
  return Uuid(bytes);
}

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.find('@', at + 1) != std::string_view::npos) {
    return false;
  }
  const auto domain = text.substr(at + 1);
  const auto dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || domain.size() - dot < 3 || domain.find("..") != domain.npos) {
    return false;
  }
  return std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == ',' || c == ';' || c == '<' || c == '>';
  });
}

std::string normal_email(std::string_view email) {
  std::string normal(email);
  for (auto& c : normal) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return normal;
}

std::optional<std::string> country_code(std::string_view text) {
  std::string code(text);
  if (code.size() != 2) return std::nullopt;
  for (char& c : code) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (!is_country(code)) return std::nullopt;
  return code;
}

Result<Address> checked_address(Address address, std::string path) {
  std::vector<FieldError> wrong;
  const auto require = [&](auto& text, std::string_view name, std::size_t min) {
    trim(text);
    if (text.size() < min) wrong.push_back({path + "." + std::string(name), "length", "must not be blank"});
  };
  require(address.full_name, "full_name", 1);
  require(address.phone, "phone", 4);
  require(address.address_line1, "address_line1", 1);
  require(address.city, "city", 1);
  if (address.address_line2) trim(*address.address_line2);
  if (address.state) trim(*address.state);
  if (address.postal_code) trim(*address.postal_code);
  if (const auto code = country_code(address.country)) {
    address.country = *code;
  } else {
    wrong.push_back({path + ".country", "format", "must be a country's code of two letters (ISO 3166-1 alpha-2)"});
  }
  if (!wrong.empty()) return errors::invalid_fields(std::move(wrong));
  return address;
}

std::string short_name(std::string name) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(name[i]) & 0xc0) != 0x80;
    if (begins && ++characters > longest_name) {
      name.resize(i);
      break;
    }
  }
  return name;
}

}  // namespace souk::order::rules
