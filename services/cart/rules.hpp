#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cart/api.hpp"
#include "catalog/api.hpp"

namespace souk::cart {

// A line as Redis holds it: the spec's product_id, quantity and price, and what it takes to show the line.
struct StoredItem {
  std::string product_id;
  std::int64_t quantity = 1;
  Amount price;  // a unit, when it was put in
  std::string item_id;
  std::optional<std::string> variant_id;
  std::string sku;
  std::string name;
  std::optional<std::string> image_url;

  bool operator==(const StoredItem&) const = default;
};
BOOST_DESCRIBE_STRUCT(StoredItem, (), (product_id, quantity, price, item_id, variant_id, sku, name, image_url))

struct StoredCart {
  std::vector<StoredItem> items;
  std::string currency = "USD";
  std::optional<std::string> coupon_code;
  // The microsecond of the write, or one more than before: no two carts of a name ever have the same version, not even
  // where Redis lost its last second.
  std::int64_t version = 0;
  // Checkouts of versions up to this one have taken out what they bought.
  std::int64_t settled_version = -1;
  Timestamp created_at;
  Timestamp updated_at;

  bool operator==(const StoredCart&) const = default;
};

// What holds for carts, without I/O. A refusal leaves the cart as it was.
namespace rules {

inline constexpr std::size_t max_items = 100;
inline constexpr std::int64_t max_quantity = 999;
inline constexpr std::chrono::seconds guest_time_to_live = std::chrono::days(7);
inline constexpr std::chrono::seconds own_time_to_live = std::chrono::days(30);

// 192 random bits: the id is the permission.
std::string new_cart_id();
// Whether it can be a cart's id at all: anything else is no part of a key.
bool well_formed_id(std::string_view id);
// The same for the same product and variant, so that a line is found again whoever wrote it.
std::string item_id_of(std::string_view product_id, const std::optional<std::string>& variant_id);
// Upper case; refuses what no coupon can be called.
Result<std::string> normal_coupon_code(std::string_view code);

StoredCart new_cart(Timestamp now);
// After a change: the next version (a cart that is new has its first already), and the time to the second.
void mark_changed(StoredCart& cart, bool existed, Timestamp now);
Amount subtotal(const StoredCart& cart);  // at the prices when put in
Result<void> check_quantity(std::int64_t quantity);

Result<void> put(StoredCart& cart, const catalog::SellableItem& item, std::int64_t quantity);
Result<void> set_quantity(StoredCart& cart, std::string_view item_id, std::int64_t quantity);
Result<void> remove(StoredCart& cart, std::string_view item_id);
Result<void> merge(StoredCart& into, const StoredCart& from);
// A checkout of `version` bought these lines.
void take_out(StoredCart& cart, std::int64_t version, const std::vector<CheckoutLine>& bought);

// The cart as it is shown: `now` is what the catalog says of each line, in their order.
Cart to_api(std::string id, const StoredCart& cart, const std::vector<catalog::PricedItem>& now,
            std::chrono::seconds time_to_live);

}  // namespace rules
}  // namespace souk::cart
