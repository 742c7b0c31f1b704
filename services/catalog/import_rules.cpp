#include "import_rules.hpp"

#include <algorithm>
#include <set>

namespace souk::catalog::rules {
namespace {

constexpr std::size_t most_variants = 1000;
constexpr std::size_t most_elements = 1000;  // images, tags

void add(Error& error, std::string field, std::string detail) {
  error.errors.push_back({.field = std::move(field), .code = "value", .detail = std::move(detail)});
}

// Ids stand in paths and keys.
bool is_id(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return c > 0x20 && c != 0x7f && c != '/' && c != '?' && c != '#' && c != '%' && c != '\\';
  });
}

bool is_slug(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

void check_category(Error& error, const std::optional<CategoryRef>& category, const std::string& field) {
  if (!category) return;
  if (!is_id(category->id)) add(error, field + ".id", "has a character that an id may not have");
  if (!is_slug(category->slug)) add(error, field + ".slug", "may have lower-case letters, digits and hyphens only");
}

void check_variants(Error& error, const ProductLine& line, Amount price) {
  const auto& variants = *line.variants;
  if (variants.size() > most_variants) add(error, "variants", "has more than 1000 elements");
  // A 0 says nothing: exports write it where the variants have the stock.
  if (!variants.empty() && line.quantity && line.quantity->value != 0) {
    add(error, "quantity", "belongs to the variants of a product that has some");
  }
  std::set<std::string_view> ids{line.product_id};
  std::set<std::string_view> skus{line.sku};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto field = "variants[" + std::to_string(i) + "].";
    if (!is_id(variants[i].variant_id)) add(error, field + "variant_id", "has a character that an id may not have");
    if (!ids.insert(variants[i].variant_id).second) add(error, field + "variant_id", "is used twice in this product");
    if (!skus.insert(variants[i].sku).second) add(error, field + "sku", "is used twice in this product");
    const auto own = price.minor() + variants[i].price_adjustment.value_or(Amount()).minor();
    if (own < 0 || own > Amount::max_minor) add(error, field + "price_adjustment", "makes the price impossible");
  }
}

void check_price(Error& error, const PriceLine& price) {
  if (price.regular < Amount()) add(error, "price.regular", "must not be negative");
  if (price.sale && *price.sale < Amount()) add(error, "price.sale", "must not be negative");
  if (price.sale && *price.sale > price.regular) add(error, "price.sale", "must not be above the regular price");
  const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (price.currency && !std::ranges::all_of(*price.currency, is_letter)) {
    add(error, "price.currency", "must be three capital letters (ISO 4217)");
  }
}

Result<void> check(const ProductLine& line) {
  Error error{.kind = ErrorKind::invalid, .code = "request.invalid", .detail = "The line is not a product."};
  if (!is_id(line.product_id)) add(error, "product_id", "has a character that an id may not have");
  if (line.slug && !is_slug(*line.slug)) add(error, "slug", "may have lower-case letters, digits and hyphens only");
  check_price(error, line.price);
  check_category(error, line.category, "category");
  check_category(error, line.subcategory, "subcategory");
  if (line.subcategory && !line.category) add(error, "subcategory", "needs a category");
  if (line.rating && (line.rating->average < 0 || line.rating->average > 5 || line.rating->count < 0)) {
    add(error, "rating", "must have an average from 0 to 5 and a count that is not negative");
  }
  if (line.images && line.images->size() > most_elements) add(error, "images", "has more than 1000 elements");
  if (line.tags && line.tags->size() > most_elements) add(error, "tags", "has more than 1000 elements");
  if (line.variants) check_variants(error, line, line.price.sale.value_or(line.price.regular));
  if (!error.errors.empty()) return std::unexpected(std::move(error));
  return {};
}

bool default_availability(const VariantLine& line, const Variant* existing) {
  if (existing && existing->available) return *existing->available;
  if (line.available) return *line.available;
  return !line.quantity || *line.quantity > 0;
}

std::vector<Variant> merge_variants(const std::vector<VariantLine>& lines, const Product* existing) {
  std::vector<Variant> variants;
  variants.reserve(lines.size());
  for (const auto& line : lines) {
    const Variant* old = nullptr;
    if (existing) {
      const auto found = std::ranges::find(existing->variants, line.variant_id, &Variant::variant_id);
      if (found != existing->variants.end()) old = &*found;
    }
    variants.push_back(line);
    variants.back().available = default_availability(line, old);
  }
  return variants;
}

// Whether a product that is offered can be bought now is the inventory's to say, so between active and out_of_stock
// the known one stays.
ProductStatus merge_status(const ProductLine& line, const Product* existing) {
  if (!line.status) {
    if (existing) return existing->status;
    return line.price.regular == Amount() ? ProductStatus::inactive : ProductStatus::active;
  }
  if (*line.status == ProductStatus::inactive || !existing || existing->status == ProductStatus::inactive) {
    return *line.status;
  }
  return existing->status;
}

void merge_times(Product& product, const ProductLine& line, const Product* existing, Timestamp now) {
  product.created_at = line.created_at.value_or(existing ? existing->created_at : now);
  product.updated_at = existing ? existing->updated_at : std::min(line.updated_at.value_or(now), now);
  if (line.published_at) {
    product.published_at = line.published_at;
  } else if (existing && existing->published_at) {
    product.published_at = existing->published_at;
  } else if (product.status != ProductStatus::inactive) {
    product.published_at = product.created_at;
  }
}

}  // namespace

Result<ProductLine> read_line(std::string_view text) {
  SOUK_TRY(auto line, json::read<ProductLine>(text));
  SOUK_CHECK(check(line));
  return line;
}

std::string in_words(const Error& error) {
  if (error.errors.empty()) return error.detail;
  std::string words;
  for (const auto& field : error.errors) {
    if (!words.empty()) words += "; ";
    words += field.field + ": " + field.detail;
  }
  return words;
}

Product merge(const ProductLine& line, const Product* existing, const Availability& availability, Timestamp now) {
  const auto flag = [existing](const std::optional<bool>& given, bool Product::* member) {
    return given.value_or(existing ? existing->*member : false);
  };
  Product product{.product_id = line.product_id,
                  .sku = line.sku,
                  .name = line.name,
                  .description = line.description,
                  .short_description = line.short_description,
                  .category = line.category,
                  .subcategory = line.subcategory,
                  .brand = line.brand,
                  .price = {.regular = line.price.regular,
                            .sale = line.price.sale,
                            .currency = line.price.currency.value_or("USD")},
                  .images = line.images.value_or(std::vector<Image>()),
                  .variants = merge_variants(line.variants.value_or(std::vector<VariantLine>()), existing),
                  .specifications = line.specifications,
                  .tags = line.tags.value_or(std::vector<json::Text<0, 200>>()),
                  .is_featured = flag(line.is_featured, &Product::is_featured),
                  .is_new_arrival = flag(line.is_new_arrival, &Product::is_new_arrival),
                  .is_bestseller = flag(line.is_bestseller, &Product::is_bestseller),
                  .is_on_sale = line.is_on_sale.value_or(line.price.sale && *line.price.sale < line.price.regular),
                  .status = merge_status(line, existing),
                  .rating = existing ? existing->rating : line.rating.value_or(Rating{}),
                  .seo = line.seo};
  product.slug = line.slug  ? std::string(*line.slug)
                 : existing ? std::string(existing->slug)
                            : make_slug(line.name, line.product_id);
  apply_availability(product, availability);
  merge_times(product, line, existing, now);
  return product;
}

std::vector<OpeningStock> opening_stock(const ProductLine& line) {
  const auto number = [](const std::optional<Quantity>& quantity) {
    return quantity ? std::optional<std::int64_t>(quantity->value) : std::nullopt;
  };
  if (!line.variants || line.variants->empty()) {
    return {{.sellable_id = line.product_id, .sku = line.sku, .quantity = number(line.quantity)}};
  }
  std::vector<OpeningStock> stock;
  stock.reserve(line.variants->size());
  for (const auto& variant : *line.variants) {
    stock.push_back({.sellable_id = variant.variant_id, .sku = variant.sku, .quantity = number(variant.quantity)});
  }
  return stock;
}

Category make_category(const CategoryRef& ref, const std::optional<std::string>& parent_id, Timestamp now) {
  Category category{.category_id = ref.id, .name = ref.name, .slug = ref.slug, .created_at = now, .updated_at = now};
  if (parent_id) category.parent_id = *parent_id;
  return category;
}

}  // namespace souk::catalog::rules
