#include "basket.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "errors.hpp"

namespace souk::order {
namespace {

Result<std::vector<catalog::SellableItem>> sellable(const cart::CheckoutLines& cart, catalog::PricedItems priced) {
  if (priced.items.size() != cart.lines.size()) throw std::logic_error("the catalog must answer each item");
  std::vector<catalog::SellableItem> items;
  std::vector<FieldError> gone;
  for (std::size_t i = 0; i < priced.items.size(); ++i) {
    auto& one = priced.items[i];
    if (one.item && one.item->sellable) {
      items.push_back(*std::move(one.item));
      continue;
    }
    const auto name = one.item ? one.item->name : cart.lines[i].product_id;
    gone.push_back({fmt::format("items[{}]", i), one.refusal.value_or("unavailable"),
                    fmt::format("{} ({}) is not sold now", name, cart.lines[i].product_id)});
  }
  if (!gone.empty()) return errors::product_unavailable(std::move(gone));
  return items;
}

std::vector<pricing::Line> to_lines(const Basket& basket) {
  std::vector<pricing::Line> lines;
  lines.reserve(basket.items.size());
  for (std::size_t i = 0; i < basket.items.size(); ++i) {
    lines.push_back({.unit_price = basket.items[i].unit_price,
                     .quantity = basket.cart.lines[i].quantity,
                     .weight_g = basket.items[i].weight_g.value_or(0)});
  }
  return lines;
}

std::vector<discounts::Piece> to_pieces(const Basket& basket) {
  const auto text = [](const std::optional<std::string>& given) { return given ? *given : std::string_view(); };
  std::vector<discounts::Piece> pieces;
  pieces.reserve(basket.items.size());
  for (std::size_t i = 0; i < basket.items.size(); ++i) {
    const auto& item = basket.items[i];
    pieces.push_back({.unit_price = item.unit_price,
                      .quantity = basket.cart.lines[i].quantity,
                      .product_id = item.product_id,
                      .category_id = text(item.category_id)});
  }
  return pieces;
}

pricing::TaxRate tax_of(const Rates& rates, const std::optional<Address>& address) {
  if (!address) return {};
  return rates.tax_for(address->country, address->state ? std::string_view(*address->state) : std::string_view());
}

const Rates::Method* choose_method(const Rates& rates, const std::optional<std::string>& wanted,
                                   const std::string& currency) {
  if (wanted) return rates.find_method(*wanted, currency);
  for (const auto& method : rates.methods) {
    if (method.currency == currency) return &method;
  }
  return nullptr;
}

// What can be said of it before any discount.
Result<const Rates::Method*> check_lines(Basket& basket, const std::optional<std::string>& wanted_method) {
  basket.currency = basket.items.front().currency;
  for (const auto& item : basket.items) {
    if (item.currency != basket.currency) return errors::currency_mismatch();
  }
  const auto* method = choose_method(*basket.rates, wanted_method, basket.currency);
  if (method == nullptr) return errors::unknown_shipping_method();
  basket.shipping_method = method->id;
  SOUK_CHECK(pricing::value_of(to_lines(basket)));
  return method;
}

}  // namespace

Task<Result<discounts::Choice>> Baskets::choose(Context context, Basket& basket, Destination destination,
                                                const discounts::Shipping& shipping) {
  std::optional<Coupon> coupon;
  if (basket.cart.coupon_code) {
    coupon = co_await coupons_.find(context, *basket.cart.coupon_code);
    if (!coupon) co_return errors::coupon_unknown();
  }
  const auto pieces = to_pieces(basket);
  auto promotions = basket.rates->promotions;
  SOUK_CO_TRY(auto choice, discounts::choose(coupon, promotions, pieces, basket.currency, now(), shipping));
  const bool is_limited = std::ranges::any_of(choice.applied, [](const discounts::Applied& one) {
    return !one.coupon.code && one.coupon.max_uses_per_customer;
  });
  if (!is_limited || (!destination.user_id && !destination.email)) co_return choice;
  std::vector<Uuid> limited;
  for (const auto& promotion : promotions) {
    if (promotion.max_uses_per_customer) limited.push_back(promotion.id);
  }
  const auto used_up = co_await coupons_.used_up(std::move(context), std::move(limited), destination.user_id,
                                                 std::move(destination.email));
  if (used_up.empty()) co_return choice;
  std::erase_if(promotions, [&](const Coupon& one) { return std::ranges::find(used_up, one.id) != used_up.end(); });
  co_return discounts::choose(coupon, promotions, pieces, basket.currency, now(), shipping);
}

Task<Result<Basket>> Baskets::price(Context context, std::string cart_id, Destination destination) {
  Basket basket;
  SOUK_CO_TRY(basket.cart, co_await carts_.checkout_lines(context, {.id = std::move(cart_id)}));
  catalog::PriceItems wanted;
  for (const auto& line : basket.cart.lines) wanted.items.push_back({line.product_id, line.variant_id});
  SOUK_CO_TRY(auto answers, co_await catalog_.price_items(context, std::move(wanted)));
  SOUK_CO_TRY(basket.items, sellable(basket.cart, std::move(answers)));
  basket.rates = co_await rates_.get(context);
  SOUK_CO_TRY(const auto* method, check_lines(basket, destination.shipping_method));
  auto lines = to_lines(basket);
  const auto tax = tax_of(*basket.rates, destination.address);
  const discounts::Shipping shipping = [&](Amount discount) {
    return pricing::shipping_cost(method->rate, lines, discount).value_or(Amount());
  };
  SOUK_CO_TRY(basket.discounts, co_await choose(std::move(context), basket, std::move(destination), shipping));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].discount = basket.discounts.lines[i];
    lines[i].tax = tax;
  }
  const auto cost = pricing::shipping_cost(method->rate, lines, basket.discounts.discount);
  if (!cost) co_return errors::unknown_shipping_method();
  SOUK_CO_TRY(basket.totals, pricing::price(lines, basket.discounts.free_shipping ? Amount() : *cost));
  co_return basket;
}

namespace {

std::vector<LineDiscount> discounts_of_line(const discounts::Choice& choice, std::size_t line) {
  std::vector<LineDiscount> parts;
  for (const auto& [coupon, worth] : choice.applied) {
    if (worth.lines[line] > Amount()) parts.push_back({.id = coupon.id, .amount = worth.lines[line]});
  }
  return parts;
}

}  // namespace

QuoteResult to_quote(const Basket& basket) {
  const auto& totals = basket.totals;
  QuoteResult quote{.subtotal = totals.subtotal,
                    .discount = totals.discount,
                    .shipping_cost = totals.shipping,
                    .tax = totals.tax,
                    .total = totals.total,
                    .currency = basket.currency,
                    .shipping_method = basket.shipping_method};
  for (const auto& [coupon, worth] : basket.discounts.applied) {
    if (coupon.code) quote.coupon_code = coupon.code;
    quote.discounts.push_back({.id = coupon.id,
                               .code = coupon.code,
                               .name = coupon.name,
                               .amount = worth.discount,
                               .free_shipping = worth.free_shipping});
  }
  for (std::size_t i = 0; i < basket.items.size(); ++i) {
    const auto& line = basket.cart.lines[i];
    quote.items.push_back({.item_id = line.item_id,
                           .product_id = line.product_id,
                           .variant_id = line.variant_id,
                           .name = basket.items[i].name,
                           .quantity = line.quantity,
                           .unit_price = basket.items[i].unit_price,
                           .total_price = totals.lines[i].total,
                           .discount = totals.lines[i].discount,
                           .discounts = discounts_of_line(basket.discounts, i)});
  }
  const auto lines = to_lines(basket);
  for (const auto& method : basket.rates->methods) {
    if (method.currency != basket.currency) continue;
    const auto cost = pricing::shipping_cost(method.rate, lines, totals.discount);
    if (!cost) continue;
    quote.shipping_options.push_back(
        {.id = method.id, .name = method.name, .cost = basket.discounts.free_shipping ? Amount() : *cost});
  }
  return quote;
}

std::string describe(const pricing::Totals& totals) {
  return fmt::format("goods {}, discount {}, shipping {}, tax {}", totals.subtotal.to_string(),
                     totals.discount.to_string(), totals.shipping.to_string(), totals.tax.to_string());
}

}  // namespace souk::order
