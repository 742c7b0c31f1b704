#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/api.hpp"
#include "rules.hpp"

// How a line of an import file becomes a product.
namespace souk::catalog::rules {

struct PriceLine {
  Amount regular;
  std::optional<Amount> sale;
  std::optional<json::Text<3, 3>> currency;  // USD
};
BOOST_DESCRIBE_STRUCT(PriceLine, (), (regular, sale, currency))

using Quantity = json::Int<0, 1'000'000'000>;

struct VariantLine : Variant {
  std::optional<Quantity> quantity;
};
BOOST_DESCRIBE_STRUCT(VariantLine, (Variant), (quantity))

// A product as a line gives it: what it lacks is filled in.
struct ProductLine {
  json::Text<1, 50> product_id;
  json::Text<1, 100> sku;
  json::Text<1, 1000> name;
  std::optional<json::Text<1, 300>> slug;
  std::optional<json::Text<0, 100000>> description;
  std::optional<json::Text<0, 5000>> short_description;
  std::optional<CategoryRef> category;
  std::optional<CategoryRef> subcategory;
  std::optional<Brand> brand;
  PriceLine price;
  std::optional<std::vector<Image>> images;
  std::optional<std::vector<VariantLine>> variants;
  std::optional<Specifications> specifications;
  std::optional<std::vector<json::Text<0, 200>>> tags;
  std::optional<bool> is_featured;
  std::optional<bool> is_new_arrival;
  std::optional<bool> is_bestseller;
  std::optional<bool> is_on_sale;
  std::optional<ProductStatus> status;
  std::optional<Rating> rating;
  std::optional<Seo> seo;
  std::optional<Timestamp> created_at;
  std::optional<Timestamp> updated_at;
  std::optional<Timestamp> published_at;
  std::optional<Quantity> quantity;
};
BOOST_DESCRIBE_STRUCT(ProductLine, (),
                      (product_id, sku, name, slug, description, short_description, category, subcategory, brand, price,
                       images, variants, specifications, tags, is_featured, is_new_arrival, is_bestseller, is_on_sale,
                       status, rating, seo, created_at, updated_at, published_at, quantity))

// Reads and checks a line. The refusal's detail and fields say what is wrong.
Result<ProductLine> read_line(std::string_view text);

// A refusal in one sentence: "price.regular: is required; slug: …".
std::string in_words(const Error& error);

// The product that the line makes of `existing`, or a new one. Its rating, availability and times stay as they are
// known; equal documents mean that the line changes nothing.
Product merge(const ProductLine& line, const Product* existing, const Availability& availability, Timestamp now);

std::vector<OpeningStock> opening_stock(const ProductLine& line);

// A category as a product names it, for where the catalog has none of this id yet.
Category make_category(const CategoryRef& ref, const std::optional<std::string>& parent_id, Timestamp now);

}  // namespace souk::catalog::rules
