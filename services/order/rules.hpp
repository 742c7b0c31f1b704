#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "order/api.hpp"

// What is allowed. Pure functions, no I/O.
namespace souk::order::rules {

// The state machine of orders (semantics.md, "Statuses").
bool may_follow(OrderStatus from, OrderStatus to);
bool may_follow(PaymentStatus from, PaymentStatus to);
// The status after a cancellation, or why there is none. Cancelling what is cancelled changes nothing.
Result<OrderStatus> after_cancel(OrderStatus status);

// "261123-7K3QX9-MA2BTW": the day and 60 random bits in Crockford's base 32. Not a permission, and not a count.
std::string new_order_number(Timestamp now);

// How much of an item has not been shipped.
struct Remaining {
  Uuid order_item_id;
  std::int64_t quantity = 0;
};
// What goes into a parcel, and whether nothing is left then. order.unknown_item, order.nothing_left_to_ship
struct Packed {
  std::vector<ShippedItem> items;
  bool is_last = false;
};
Result<Packed> pack(const std::vector<Remaining>& remaining, const std::optional<std::vector<ParcelItem>>& wanted);

// The key to an order of whoever bought it without an account: HMAC of the order's id, so it is never stored.
std::string access_token(const std::string& secret, const Uuid& order_id);
bool opens(const std::string& secret, const Uuid& order_id, const std::optional<std::string>& access_token);

// The id of a part of an order: its n-th item, an address. The same each time, so that writing an order twice is one
// order; items sort as they were bought.
Uuid part_id(const Uuid& order_id, std::uint16_t n);
inline constexpr std::uint16_t shipping_address_part = 0xfff0;
inline constexpr std::uint16_t billing_address_part = 0xfff1;

// Whether the e-mail address looks like one: one @, a dot in the domain, no spaces or control characters.
bool is_email(std::string_view text);
// As it is compared: in small letters (ASCII).
std::string normal_email(std::string_view email);
// "de" -> "DE"; refused where it is not two letters.
std::optional<std::string> country_code(std::string_view text);
// The address with its country in capitals and no blanks around; the refusals name fields below `path`.
Result<Address> checked_address(Address address, std::string path);

// The first 255 characters: order_items.product_name holds no more.
std::string short_name(std::string name);

}  // namespace souk::order::rules
