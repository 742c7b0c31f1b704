#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/money.hpp"
#include "core/result.hpp"
#include "core/uuid.hpp"
#include "order/api.hpp"

// What may come back and what is given back for it. Pure functions, no I/O.
namespace souk::order::return_rules {

// An item of an order with what is known of its returns.
struct BoughtItem {
  Uuid id;
  std::string sellable_id;
  std::int64_t quantity = 1;
  Amount total;  // goods, before the discount
  Amount discount;
  std::optional<Amount> tax;  // absent in orders of an older version
  std::int64_t asked = 0;     // in returns that were not rejected
  std::int64_t received = 0;  // in returns that were received
};
BOOST_DESCRIBE_STRUCT(BoughtItem, (), (id, sellable_id, quantity, total, discount, tax, asked, received))

// Which items and how many, as they are asked for. order.unknown_item, return.too_many
Result<std::vector<ShippedItem>> check(const std::vector<BoughtItem>& bought, const std::vector<ParcelItem>& wanted);

// The part of `whole` that the units after `before` and up to `upto` of `of` have: parts that follow each other add up
// to the whole, to the last cent. 0 <= before <= upto <= of, of > 0.
Amount share(Amount whole, std::int64_t before, std::int64_t upto, std::int64_t of);

// Each item's tax. Where items have none told, the order's is divided in proportion to what they cost.
std::vector<Amount> taxes(const std::vector<BoughtItem>& bought, Amount order_tax);

// What comes back of `returned` with its part of discount, tax and money. Items of `bought` only, each once.
std::vector<ReturnedItem> values(const std::vector<BoughtItem>& bought, Amount order_tax,
                                 std::vector<ReturnedItem> returned);

// return.illegal_status
Result<void> check_change(ReturnStatus from, ReturnStatus to);

}  // namespace souk::order::return_rules
