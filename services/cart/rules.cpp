#include "rules.hpp"

#include <algorithm>
#include <span>

#include "core/crypto.hpp"
#include "core/random.hpp"
#include "errors.hpp"

namespace souk::cart::rules {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_id_character(char c) { return is_alphanumeric(c) || c == '-' || c == '_'; }

auto find(StoredCart& cart, std::string_view item_id) {
  return std::ranges::find(cart.items, item_id, &StoredItem::item_id);
}

Result<void> check_total(const StoredCart& cart) {
  if (subtotal(cart).minor() > Amount::max_minor) return errors::total_limit();
  return {};
}

Result<void> check_currency(const StoredCart& cart, std::string_view currency) {
  if (!cart.items.empty() && cart.currency != currency) return errors::currency_mismatch(cart.currency);
  return {};
}

StoredItem line_of(const catalog::SellableItem& item, std::int64_t quantity) {
  return {.product_id = item.product_id,
          .quantity = quantity,
          .price = item.unit_price,
          .item_id = item_id_of(item.product_id, item.variant_id),
          .variant_id = item.variant_id,
          .sku = item.sku,
          .name = item.name,
          .image_url = item.image_url};
}

// The change is made on a copy, so that a refusal leaves nothing half done.
template <class Change>
Result<void> on_copy(StoredCart& cart, Change change) {
  StoredCart copy = cart;
  SOUK_CHECK(change(copy));
  SOUK_CHECK(check_total(copy));
  cart = std::move(copy);
  return {};
}

}  // namespace

std::string new_cart_id() { return random_token(24); }

bool well_formed_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, is_id_character);
}

std::string item_id_of(std::string_view product_id, const std::optional<std::string>& variant_id) {
  std::string text(product_id);
  // Ids have no line feeds, so that two pairs never give one text.
  if (variant_id) text.append("\n").append(*variant_id);
  const auto digest = sha256(text);
  return base64url(std::span(digest).first(12));
}

Result<std::string> normal_coupon_code(std::string_view code) {
  if (code.empty() || code.size() > 50 || !std::ranges::all_of(code, is_id_character)) {
    return errors::invalid_coupon_code();
  }
  std::string normal(code);
  for (char& c : normal) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return normal;
}

StoredCart new_cart(Timestamp now) {
  const auto version = now.time_since_epoch().count();
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  return {.version = version, .settled_version = version - 1, .created_at = second, .updated_at = second};
}

void mark_changed(StoredCart& cart, bool existed, Timestamp now) {
  if (existed) cart.version = std::max<std::int64_t>(cart.version + 1, now.time_since_epoch().count());
  cart.updated_at = std::chrono::floor<std::chrono::seconds>(now);
}

Amount subtotal(const StoredCart& cart) {
  Amount sum;
  for (const auto& item : cart.items) sum += item.price * item.quantity;
  return sum;
}

Result<void> check_quantity(std::int64_t quantity) {
  if (quantity < 1 || quantity > max_quantity) return errors::quantity_limit(max_quantity);
  return {};
}

Result<void> put(StoredCart& cart, const catalog::SellableItem& item, std::int64_t quantity) {
  SOUK_CHECK(check_quantity(quantity));
  SOUK_CHECK(check_currency(cart, item.currency));
  return on_copy(cart, [&](StoredCart& copy) -> Result<void> {
    copy.currency = item.currency;
    const auto line = find(copy, item_id_of(item.product_id, item.variant_id));
    if (line != copy.items.end()) {
      SOUK_CHECK(check_quantity(line->quantity + quantity));
      *line = line_of(item, line->quantity + quantity);
      return {};
    }
    if (copy.items.size() >= max_items) return errors::too_many_items(max_items);
    copy.items.push_back(line_of(item, quantity));
    return {};
  });
}

Result<void> set_quantity(StoredCart& cart, std::string_view item_id, std::int64_t quantity) {
  SOUK_CHECK(check_quantity(quantity));
  return on_copy(cart, [&](StoredCart& copy) -> Result<void> {
    const auto line = find(copy, item_id);
    if (line == copy.items.end()) return errors::item_not_found();
    line->quantity = quantity;
    return {};
  });
}

Result<void> remove(StoredCart& cart, std::string_view item_id) {
  const auto line = find(cart, item_id);
  if (line == cart.items.end()) return errors::item_not_found();
  cart.items.erase(line);
  return {};
}

Result<void> merge(StoredCart& into, const StoredCart& from) {
  if (!from.items.empty()) SOUK_CHECK(check_currency(into, from.currency));
  return on_copy(into, [&](StoredCart& copy) -> Result<void> {
    if (!from.items.empty()) copy.currency = from.currency;
    for (const auto& item : from.items) {
      const auto line = find(copy, item.item_id);
      if (line == copy.items.end()) {
        copy.items.push_back(item);
      } else {
        // A login must not fail over a large quantity that nobody types twice.
        line->quantity = std::min(line->quantity + item.quantity, max_quantity);
      }
    }
    if (copy.items.size() > max_items) return errors::too_many_items(max_items);
    if (!copy.coupon_code) copy.coupon_code = from.coupon_code;
    return {};
  });
}

void take_out(StoredCart& cart, std::int64_t version, const std::vector<CheckoutLine>& bought) {
  if (version <= cart.settled_version) return;
  if (version == cart.version) {
    cart.items.clear();
  } else {
    for (const auto& line : bought) {
      const auto item = find(cart, line.item_id);
      if (item != cart.items.end()) item->quantity -= line.quantity;
    }
    std::erase_if(cart.items, [](const StoredItem& item) { return item.quantity <= 0; });
  }
  if (cart.items.empty()) cart.coupon_code.reset();
  cart.settled_version = version;
}

Cart to_api(std::string id, const StoredCart& cart, const std::vector<catalog::PricedItem>& now,
            std::chrono::seconds time_to_live) {
  Cart shown{.id = std::move(id),
             .version = cart.version,
             .currency = cart.currency,
             .coupon_code = cart.coupon_code,
             .created_at = cart.created_at,
             .updated_at = cart.updated_at,
             .expires_at = cart.updated_at + time_to_live};
  for (std::size_t i = 0; i < cart.items.size(); ++i) {
    const auto& line = cart.items[i];
    const auto* item = now.at(i).item ? &*now[i].item : nullptr;
    CartItem out{.item_id = line.item_id,
                 .product_id = line.product_id,
                 .variant_id = line.variant_id,
                 .sku = item ? item->sku : line.sku,
                 .name = item ? item->name : line.name,
                 .image_url = item ? item->image_url : line.image_url,
                 .quantity = line.quantity,
                 .price = item ? item->unit_price : line.price,
                 .available = item && item->sellable && item->currency == cart.currency};
    out.total = out.price * out.quantity;
    if (out.price != line.price) out.old_price = line.price;
    if (out.available) shown.subtotal += out.total;
    shown.items.push_back(std::move(out));
  }
  return shown;
}

}  // namespace souk::cart::rules
