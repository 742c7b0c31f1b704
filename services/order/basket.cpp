#include "basket.hpp"

#include <fmt/format.h>

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

pricing::TaxRate tax_of(const Rates& rates, const std::optional<Address>& address) {
  if (!address) return {};
  return rates.tax_for(address->country, address->state ? std::string_view(*address->state) : std::string_view());
}

const Rates::Method* choose(const Rates& rates, const std::optional<std::string>& wanted, const std::string& currency) {
  if (wanted) return rates.find_method(*wanted, currency);
  for (const auto& method : rates.methods) {
    if (method.currency == currency) return &method;
  }
  return nullptr;
}

pricing::ShippingRate rate_for(const Basket& basket, const Rates::Method& method) {
  return basket.free_shipping ? pricing::ShippingRate{} : method.rate;
}

Result<Basket> priced(Basket basket, const Destination& destination) {
  basket.currency = basket.items.front().currency;
  for (const auto& item : basket.items) {
    if (item.currency != basket.currency) return errors::currency_mismatch();
  }
  const auto* method = choose(*basket.rates, destination.shipping_method, basket.currency);
  if (method == nullptr) return errors::unknown_shipping_method();
  basket.shipping_method = method->id;
  const auto lines = to_lines(basket);
  SOUK_TRY(const auto goods, pricing::value_of(lines));
  coupons::Worth worth;
  if (basket.coupon) {
    SOUK_TRY(worth, coupons::worth(*basket.coupon, goods, basket.currency, now()));
  }
  basket.free_shipping = worth.free_shipping;
  SOUK_TRY(basket.totals, pricing::price(lines, worth.discount, rate_for(basket, *method),
                                         tax_of(*basket.rates, destination.address)));
  return basket;
}

}  // namespace

Task<Result<Basket>> Baskets::price(Context context, std::string cart_id, Destination destination) {
  Basket basket;
  SOUK_CO_TRY(basket.cart, co_await carts_.checkout_lines(context, {.id = std::move(cart_id)}));
  catalog::PriceItems wanted;
  for (const auto& line : basket.cart.lines) wanted.items.push_back({line.product_id, line.variant_id});
  SOUK_CO_TRY(auto answers, co_await catalog_.price_items(context, std::move(wanted)));
  SOUK_CO_TRY(basket.items, sellable(basket.cart, std::move(answers)));
  if (basket.cart.coupon_code) {
    basket.coupon = co_await coupons_.find(context, *basket.cart.coupon_code);
    if (!basket.coupon) co_return errors::coupon_unknown();
  }
  basket.rates = co_await rates_.get(std::move(context));
  co_return priced(std::move(basket), destination);
}

QuoteResult to_quote(const Basket& basket) {
  const auto& totals = basket.totals;
  QuoteResult quote{.subtotal = totals.subtotal,
                    .discount = totals.discount,
                    .shipping_cost = totals.shipping,
                    .tax = totals.tax,
                    .total = totals.total,
                    .currency = basket.currency,
                    .shipping_method = basket.shipping_method};
  if (basket.coupon) quote.coupon_code = basket.coupon->code;
  for (std::size_t i = 0; i < basket.items.size(); ++i) {
    const auto& line = basket.cart.lines[i];
    quote.items.push_back({.item_id = line.item_id,
                           .product_id = line.product_id,
                           .variant_id = line.variant_id,
                           .name = basket.items[i].name,
                           .quantity = line.quantity,
                           .unit_price = basket.items[i].unit_price,
                           .total_price = totals.lines[i].total});
  }
  const auto lines = to_lines(basket);
  for (const auto& method : basket.rates->methods) {
    if (method.currency != basket.currency) continue;
    const auto cost = pricing::shipping_cost(rate_for(basket, method), lines, totals.discount);
    quote.shipping_options.push_back({.id = method.id, .name = method.name, .cost = cost});
  }
  return quote;
}

std::string describe(const pricing::Totals& totals) {
  return fmt::format("goods {}, discount {}, shipping {}, tax {}", totals.subtotal.to_string(),
                     totals.discount.to_string(), totals.shipping.to_string(), totals.tax.to_string());
}

}  // namespace souk::order
