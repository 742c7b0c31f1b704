#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/api.hpp"

// What the catalog decides, without any I/O.
namespace souk::catalog::rules {

// Sellable id -> whether the inventory has any of it.
using Availability = std::map<std::string, bool>;

// What a customer pays for the product itself now: the sale price where there is one.
Amount price_now(const Product& product);

// "3460.0 g", "2 kg", "1.5 lb", "8 oz", rounded to whole grams; empty for what is not a weight.
std::optional<std::int64_t> weight_in_grams(std::string_view text);

// What can be sold of a product: itself, or its variants where it has some.
struct Sellables {
  std::vector<SellableItem> items;
  bool are_variants = false;
};
Sellables sellables(const Product& product);
// The answer to "what does this cost": the item, or why it cannot be sold so.
PricedItem price_item(const Sellables& sellables, const ItemRef& wanted);

// Lower-case ASCII words joined by hyphens: the name's, then the id's; at most 300 characters.
std::string make_slug(std::string_view name, std::string_view id);

// Ids of what the inventory counts: the variants', or the product's own.
std::vector<std::string> sellable_ids(const Product& product);

// Sets `available` of the variants, and the status: active while anything can be bought, else out_of_stock; an
// inactive product stays so. What the inventory has not told of is left as it is. True when something changed.
bool apply_availability(Product& product, const Availability& availability);

// The time of a change to a document of `previous`: later than it by at least a microsecond, because `updated_at` is
// the document's version.
Timestamp next_version(Timestamp previous, Timestamp now);

// Where a page of a list ended.
struct Position {
  ProductSort sort = ProductSort::newest;
  json::Text<1, 1000> key;  // what the last product was sorted by, as text
  json::Text<1, 50> id;
};
BOOST_DESCRIBE_STRUCT(Position, (), (sort, key, id))

std::string encode_cursor(const Position& position);
// request.invalid_cursor for anything that encode_cursor did not make for this order.
Result<Position> decode_cursor(std::string_view cursor, ProductSort sort);

}  // namespace souk::catalog::rules
