#include "catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "json/json.hpp"

#include "catalog/api.hpp"

namespace souk::demo {
namespace {

// What an import line of a product has; the catalog fills the rest.
struct DemoVariant {
  std::string variant_id;
  std::string sku;
  std::optional<std::string> size;
  std::string color;
  Amount price_adjustment;
  std::string image_url;
  bool available = true;
  std::int64_t quantity = 0;
};
BOOST_DESCRIBE_STRUCT(DemoVariant, (), (variant_id, sku, size, color, price_adjustment, image_url, available, quantity))

struct DemoProduct {
  std::string product_id;
  std::string sku;
  std::string name;
  std::string slug;
  std::string description;
  std::string short_description;
  catalog::CategoryRef category;
  catalog::CategoryRef subcategory;
  catalog::Brand brand;
  catalog::Price price;
  std::vector<catalog::Image> images;
  std::vector<DemoVariant> variants;
  catalog::Specifications specifications;
  std::vector<std::string> tags;
  bool is_featured = false;
  bool is_new_arrival = false;
  bool is_bestseller = false;
  bool is_on_sale = false;
  Timestamp created_at;
  Timestamp published_at;
  std::optional<std::int64_t> quantity;
};
BOOST_DESCRIBE_STRUCT(DemoProduct, (),
                      (product_id, sku, name, slug, description, short_description, category, subcategory, brand, price,
                       images, variants, specifications, tags, is_featured, is_new_arrival, is_bestseller, is_on_sale,
                       created_at, published_at, quantity))

struct DemoReview {
  std::string product_id;
  std::int64_t rating = 5;
  std::string title;
  std::string content;
  std::map<std::string, std::string> user_details;
};
BOOST_DESCRIBE_STRUCT(DemoReview, (), (product_id, rating, title, content, user_details))

constexpr std::array<std::string_view, 36> series = {
    "Arlo",  "Birk",  "Cove",  "Dune",  "Elm",   "Fjord", "Glen",  "Haven", "Iris",  "Juno",  "Koto", "Lark",
    "Moor",  "Nest",  "Orla",  "Pike",  "Quill", "Reed",  "Sol",   "Tarn",  "Ume",   "Vale",  "Wren", "Yarrow",
    "Alder", "Brook", "Cedar", "Drift", "Ember", "Fern",  "Grove", "Heath", "Inlet", "Jetty", "Kelp", "Loft"};
constexpr std::array<std::string_view, 8> brands = {"Norrland",       "Casa Lume",   "Fieldwork", "Atelier Nine",
                                                    "Harbour & Sons", "Plain Goods", "Mistral",   "Oak Street"};
constexpr std::array<std::string_view, 5> clothing_sizes = {"XS", "S", "M", "L", "XL"};
constexpr std::array<std::string_view, 5> shoe_sizes = {"38", "40", "42", "44", "46"};

// The same numbers on every machine, unlike the distributions of <random>.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}
  std::int64_t below(std::int64_t bound) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<std::int64_t>((z ^ (z >> 31)) % static_cast<std::uint64_t>(bound));
  }

 private:
  std::uint64_t state_;
};

std::string slug_of(std::string_view text) {
  std::string slug;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      slug.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    } else if (c != '\'' && !slug.empty() && slug.back() != '-') {
      slug.push_back('-');
    }
  }
  return slug;
}

std::string uncapitalised(std::string_view text) {
  std::string result(text);
  result[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(result[0])));
  return result;
}

catalog::CategoryRef category(std::string_view name, std::string_view parent = {}) {
  const auto slug = parent.empty() ? slug_of(name) : slug_of(parent) + "-" + slug_of(name);
  return {.id = "demo_" + slug, .name = std::string(name), .slug = slug};
}

std::string picture(std::string_view product_id, const Color& color) {
  return fmt::format("/media/demo/{}-{}.svg", product_id, slug_of(color.name));
}

// Shops end their prices in 90 or 00.
Amount pretty_price(const Kind& kind, Dice& dice) {
  const auto raw = kind.min_price + dice.below(kind.max_price - kind.min_price + 1);
  return Amount(std::max<std::int64_t>(raw / 100 * 100 + 90, kind.min_price));
}

void add_variants(DemoProduct& product, const Kind& kind, Dice& dice) {
  const auto palette = colors();
  const auto first = dice.below(static_cast<std::int64_t>(palette.size()));
  std::vector<std::string_view> sizes{""};
  if (kind.options == Kind::Options::sizes_and_colors) sizes.assign(clothing_sizes.begin(), clothing_sizes.end());
  if (kind.options == Kind::Options::shoe_sizes) sizes.assign(shoe_sizes.begin(), shoe_sizes.end());
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto& color = palette[static_cast<std::size_t>((first + i) % static_cast<std::int64_t>(palette.size()))];
    product.images.push_back({.url = picture(product.product_id, color),
                              .alt = fmt::format("{} in {}", product.name, color.name),
                              .is_primary = i == 0,
                              .order = i});
    for (const auto size : sizes) {
      const auto suffix = size.empty() ? slug_of(color.name) : slug_of(color.name) + "-" + slug_of(size);
      DemoVariant variant{.variant_id = product.product_id + "-" + suffix,
                          .sku = product.sku + "-" + suffix,
                          .color = std::string(color.name),
                          .price_adjustment = Amount(size == "XL" ? 200 : 0),
                          .image_url = picture(product.product_id, color),
                          .quantity = 20 + dice.below(180)};
      if (!size.empty()) variant.size = std::string(size);
      product.variants.push_back(std::move(variant));
    }
  }
}

DemoProduct make_product(const Kind& kind, std::size_t kind_index, std::size_t number, std::size_t index) {
  Dice dice(index + 1);
  DemoProduct product;
  product.product_id = fmt::format("demo-{}-{}", kind_index, number);
  product.sku = fmt::format("DEMO-{:02}{:02}", kind_index, number);
  product.name = fmt::format("{} {}", series[index % series.size()], kind.noun);
  product.slug = fmt::format("{}-{}", slug_of(product.name), index);
  product.short_description = fmt::format("{} in {} that {}.", kind.noun, uncapitalised(kind.material), kind.sentence);
  product.brand.name = std::string(brands[static_cast<std::size_t>(dice.below(brands.size()))]);
  product.description = fmt::format(
      "The {} {}. It is made of {} by {}, in small runs, and comes with a two-year guarantee. Spare parts are kept for "
      "ten years.",
      product.name, kind.sentence, uncapitalised(kind.material), static_cast<const std::string&>(product.brand.name));
  product.category = category(kind.department);
  product.subcategory = category(kind.subcategory, kind.department);
  product.price.regular = pretty_price(kind, dice);
  if (dice.below(5) == 0) product.price.sale = multiply_rounded(product.price.regular, 80, 100);
  product.is_on_sale = product.price.sale.has_value();
  product.is_featured = dice.below(12) == 0;
  product.is_new_arrival = dice.below(8) == 0;
  product.is_bestseller = dice.below(10) == 0;
  product.specifications.material = std::string(kind.material);
  product.specifications.origin = std::string("Portugal");
  product.specifications.weight = fmt::format("{} g", kind.weight_g);
  product.tags = {slug_of(kind.department), slug_of(kind.noun), slug_of(kind.material)};
  product.created_at = *parse_timestamp("2026-01-05T09:00:00Z") - std::chrono::hours(7 * index);
  product.published_at = product.created_at;
  if (kind.options == Kind::Options::none) {
    const auto palette = colors();
    product.images.push_back({.url = picture(product.product_id, palette[index % palette.size()]),
                              .alt = product.name,
                              .is_primary = true,
                              .order = 0});
    product.quantity = 20 + dice.below(280);
  } else {
    add_variants(product, kind, dice);
  }
  return product;
}

std::vector<DemoProduct> products() {
  std::vector<DemoProduct> made;
  const auto all = kinds();
  for (std::size_t number = 0; made.size() < 200; ++number) {
    for (std::size_t kind = 0; kind < all.size() && made.size() < 200; ++kind) {
      made.push_back(make_product(all[kind], kind, number, made.size()));
    }
  }
  return made;
}

}  // namespace

std::optional<PictureSubject> subject_of(std::string_view file) {
  if (!file.starts_with("demo-") || !file.ends_with(".svg")) return std::nullopt;
  file.remove_prefix(5);
  file.remove_suffix(4);
  const auto first = file.find('-');
  const auto second = file.find('-', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto number_in = [](std::string_view text) -> std::optional<std::size_t> {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const auto kind = number_in(file.substr(0, first));
  const auto number = number_in(file.substr(first + 1, second - first - 1));
  const auto all = kinds();
  if (!kind || !number || *kind >= all.size() || *number > 1000) return std::nullopt;
  for (const auto& color : colors()) {
    if (slug_of(color.name) == file.substr(second + 1)) {
      return PictureSubject{all[*kind], static_cast<std::int64_t>(*number), color};
    }
  }
  return std::nullopt;
}

std::vector<std::string> product_lines() {
  std::vector<std::string> lines;
  for (const auto& product : products()) lines.push_back(json::write(product));
  return lines;
}

std::vector<std::string> review_lines() {
  static constexpr std::array<std::string_view, 6> titles = {
      "Just right", "Better than I hoped", "Good, not perfect", "Would buy again", "A fine present", "Does its job"};
  static constexpr std::array<std::string_view, 6> texts = {
      "Arrived quickly and looks like the picture. I use it every day.",
      "The quality shows in the details. A little dear, but worth it.",
      "Does what it should. The colour is a touch darker than I expected.",
      "My second one; the first went to my sister, who will not give it back.",
      "Wrapped with care and much liked by the birthday girl.",
      "Solid and simple. Nothing to complain about."};
  static constexpr std::array<std::string_view, 6> names = {"Ana", "Bilal", "Chiara", "Dmitri", "Esi", "Finn"};
  std::vector<std::string> lines;
  const auto all = products();
  for (std::size_t i = 0; i < all.size(); i += 3) {
    Dice dice(1000 + i);
    const auto count = 1 + dice.below(4);
    for (std::int64_t n = 0; n < count; ++n) {
      const auto pick = static_cast<std::size_t>(dice.below(6));
      const auto name = static_cast<std::size_t>((static_cast<std::int64_t>(i) + n) % 6);
      lines.push_back(json::write(DemoReview{.product_id = all[i].product_id,
                                             .rating = 3 + dice.below(3),
                                             .title = std::string(titles[pick]),
                                             .content = std::string(texts[pick]),
                                             .user_details = {{"name", std::string(names[name])}}}));
    }
  }
  return lines;
}

}  // namespace souk::demo
