#pragma once

#include <fmt/format.h>

#include <string_view>

#include "core/result.hpp"

// The refusals of the cart service.
namespace souk::cart::errors {

inline Refusal not_found() {
  return refuse(ErrorKind::not_found, "cart.not_found", "There is no such cart, or it has expired.");
}
inline Refusal item_not_found() {
  return refuse(ErrorKind::not_found, "cart.item_not_found", "The cart has no such item.");
}
inline Refusal need_customer() {
  return refuse(ErrorKind::unauthenticated, "auth.required", "Log in to use your own cart.");
}
inline Refusal product_unavailable() {
  return refuse(ErrorKind::unprocessable, "cart.product_unavailable", "This product is not sold now.");
}
inline Refusal too_many_items(std::size_t limit) {
  return refuse(ErrorKind::unprocessable, "cart.too_many_items",
                fmt::format("A cart holds at most {} different items.", limit));
}
inline Refusal quantity_limit(std::int64_t limit) {
  return refuse(ErrorKind::unprocessable, "cart.quantity_limit",
                fmt::format("The quantity of an item is 1 to {}.", limit));
}
inline Refusal total_limit() {
  return refuse(ErrorKind::unprocessable, "cart.total_limit", "A cart is worth at most 99999999.99.");
}
inline Refusal currency_mismatch(std::string_view currency) {
  return refuse(ErrorKind::unprocessable, "cart.currency_mismatch",
                fmt::format("This cart is in {}; buy what is sold in another currency separately.", currency));
}
inline Refusal invalid_coupon_code() {
  return refuse(ErrorKind::unprocessable, "cart.invalid_coupon_code",
                "A coupon code is 1 to 50 letters, digits, hyphens and underscores.");
}
inline Refusal busy() {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "cart.busy",
                       .detail = "The cart is being changed by too many requests. Try again.",
                       .retry_after_s = 1});
}
inline Refusal empty() { return refuse(ErrorKind::conflict, "cart.empty", "The cart is empty."); }

// The catalog's own words for what it does not sell. They are its codes, so that a client knows one set of them.
inline Refusal not_in_catalog(std::string_view code) {
  if (code == "catalog.variant_required") {
    return refuse(ErrorKind::unprocessable, std::string(code), "This product has variants: say which one.");
  }
  if (code == "catalog.variant_not_found") {
    return refuse(ErrorKind::unprocessable, std::string(code), "This product has no such variant.");
  }
  return refuse(ErrorKind::not_found, std::string(code), "There is no such product.");
}

}  // namespace souk::cart::errors
