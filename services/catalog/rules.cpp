#include "rules.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/crypto.hpp"
#include "errors.hpp"

namespace souk::catalog::rules {
namespace {

constexpr std::size_t longest_slug = 300;

struct Unit {
  std::string_view name;
  double grams;
};
constexpr Unit units[] = {{"g", 1},          {"kg", 1000},       {"mg", 0.001},
                          {"lb", 453.59237}, {"lbs", 453.59237}, {"oz", 28.349523125}};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

void append_words(std::string& out, std::string_view text) {
  bool gap = !out.empty();
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
      gap = !out.empty();
      continue;
    }
    if (gap) out.push_back('-');
    gap = false;
    out.push_back(c);
  }
}

const Image* primary_image(const Product& product) {
  const auto primary =
      std::ranges::find_if(product.images, [](const Image& i) { return i.is_primary.value_or(false); });
  if (primary != product.images.end()) return &*primary;
  return product.images.empty() ? nullptr : &product.images.front();
}

SellableItem sellable_item(const Product& product, const Variant* variant) {
  SellableItem item{.product_id = product.product_id,
                    .sellable_id = product.product_id,
                    .sku = product.sku,
                    .name = product.name,
                    .slug = product.slug,
                    .unit_price = price_now(product),
                    .currency = product.price.currency,
                    .sellable = product.status != ProductStatus::inactive};
  if (const auto* image = primary_image(product)) item.image_url = image->url;
  if (product.category) item.category_id = product.category->id;
  if (product.specifications && product.specifications->weight) {
    item.weight_g = weight_in_grams(*product.specifications->weight);
  }
  if (!variant) return item;
  item.variant_id = variant->variant_id;
  item.sellable_id = variant->variant_id;
  item.sku = variant->sku;
  item.size = variant->size;
  item.color = variant->color;
  if (variant->image_url && !variant->image_url->empty()) item.image_url = *variant->image_url;
  item.unit_price += variant->price_adjustment.value_or(Amount());
  return item;
}

bool fits(ProductSort sort, const std::string& key) {
  switch (sort) {
    case ProductSort::newest: return parse_timestamp(key).has_value();
    case ProductSort::price_asc:
    case ProductSort::price_desc: return Amount::parse(key).has_value();
    case ProductSort::rating: {
      double number = 0;
      const auto end = key.data() + key.size();
      const auto [stop, failure] = std::from_chars(key.data(), end, number, std::chars_format::fixed);
      return failure == std::errc() && stop == end && std::isfinite(number);
    }
    case ProductSort::name: return true;
  }
  return false;
}

}  // namespace

Amount price_now(const Product& product) { return product.price.sale.value_or(product.price.regular); }

std::optional<std::int64_t> weight_in_grams(std::string_view text) {
  text = trimmed(text);
  double number = 0;
  const auto end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (failure != std::errc() || !(number >= 0) || number > 1e9) return std::nullopt;
  const auto name = trimmed({stop, static_cast<std::size_t>(end - stop)});
  for (const auto& unit : units) {
    if (name == unit.name) return std::llround(number * unit.grams);
  }
  return std::nullopt;
}

Sellables sellables(const Product& product) {
  if (product.variants.empty()) return {.items = {sellable_item(product, nullptr)}};
  Sellables all{.are_variants = true};
  all.items.reserve(product.variants.size());
  for (const auto& variant : product.variants) all.items.push_back(sellable_item(product, &variant));
  return all;
}

PricedItem price_item(const Sellables& sellables, const ItemRef& wanted) {
  if (!wanted.variant_id && sellables.are_variants) return {.refusal = "catalog.variant_required"};
  if (!wanted.variant_id) return {.item = sellables.items.front()};
  // What has no variants is an item without variant_id, and equals none that is asked for.
  const auto found = std::ranges::find(sellables.items, wanted.variant_id, &SellableItem::variant_id);
  if (found == sellables.items.end()) return {.refusal = "catalog.variant_not_found"};
  return {.item = *found};
}

std::string make_slug(std::string_view name, std::string_view id) {
  std::string suffix;
  append_words(suffix, id);
  std::string slug;
  append_words(slug, name);
  if (!suffix.empty() && slug.size() + 1 + suffix.size() > longest_slug) slug.resize(longest_slug - 1 - suffix.size());
  while (slug.ends_with('-')) slug.pop_back();
  append_words(slug, suffix);
  return slug.empty() ? "product" : slug;
}

std::vector<std::string> sellable_ids(const Product& product) {
  if (product.variants.empty()) return {product.product_id};
  std::vector<std::string> ids;
  ids.reserve(product.variants.size());
  for (const auto& variant : product.variants) ids.push_back(variant.variant_id);
  return ids;
}

bool apply_availability(Product& product, const Availability& availability) {
  bool changed = false;
  std::optional<bool> any;
  if (product.variants.empty()) {
    if (const auto known = availability.find(product.product_id); known != availability.end()) any = known->second;
  }
  for (auto& variant : product.variants) {
    if (const auto known = availability.find(variant.variant_id); known != availability.end()) {
      changed |= variant.available != known->second;
      variant.available = known->second;
    }
    any = any.value_or(false) || variant.available.value_or(true);
  }
  if (!any || product.status == ProductStatus::inactive) return changed;
  const auto status = *any ? ProductStatus::active : ProductStatus::out_of_stock;
  changed |= product.status != status;
  product.status = status;
  return changed;
}

Timestamp next_version(Timestamp previous, Timestamp now) {
  return std::max(now, previous + std::chrono::microseconds(1));
}

std::string encode_cursor(const Position& position) {
  const auto text = json::write(position);
  return base64url({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<Position> decode_cursor(std::string_view cursor, ProductSort sort) {
  const auto text = from_base64url(cursor);
  if (!text) return errors::invalid_cursor();
  auto position = json::read<Position>(*text);
  if (!position || position->sort != sort || !fits(sort, position->key)) return errors::invalid_cursor();
  return *std::move(position);
}

}  // namespace souk::catalog::rules
