#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/money.hpp"
#include "core/result.hpp"

// The refusals of the order service.
namespace souk::order::errors {

inline Refusal order_not_found() { return refuse(ErrorKind::not_found, "order.not_found", "There is no such order."); }
inline Refusal checkout_not_found() {
  return refuse(ErrorKind::not_found, "checkout.not_found", "There is no such checkout.");
}
inline Refusal already_shipped() {
  return refuse(ErrorKind::conflict, "order.already_shipped",
                "The order has been shipped and can no longer be cancelled; it can be returned.");
}
inline Refusal already_refunded() {
  return refuse(ErrorKind::conflict, "order.already_refunded", "The order has been refunded already.");
}
inline Refusal illegal_status(std::string_view from, std::string_view to) {
  return refuse(ErrorKind::conflict, "order.illegal_status",
                fmt::format("An order that is {} cannot be {}.", from, to));
}
inline Refusal nothing_left_to_ship(std::vector<FieldError> items) {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "order.nothing_left_to_ship",
                       .detail = "Not so much of these items is left to ship; another parcel has them.",
                       .errors = std::move(items)});
}
inline Refusal unknown_item(std::vector<FieldError> items) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "order.unknown_item",
                       .detail = "Give items of this order, each once.",
                       .errors = std::move(items)});
}
inline Refusal checkout_unfinished() {
  return refuse(ErrorKind::conflict, "order.checkout_unfinished",
                "The order's stock is being booked; try again in a moment.");
}
inline Refusal not_paid() {
  return refuse(ErrorKind::conflict, "order.not_paid", "The order's payment has not been captured.");
}
inline Refusal capture_failed() {
  return refuse(
      ErrorKind::conflict, "order.capture_failed",
      "The money that was held for the order cannot be captured; nothing was shipped. Ask the customer to pay "
      "anew, or cancel the order.");
}
inline Refusal capture_unanswered() {
  return Refusal(Error{.kind = ErrorKind::unavailable,
                       .code = "order.capture_unanswered",
                       .detail =
                           "The gateway has not said yet that the order's money is captured; nothing was shipped. "
                           "Repeat the request.",
                       .retry_after_s = 2});
}
inline Refusal return_not_found() {
  return refuse(ErrorKind::not_found, "return.not_found", "There is no such return.");
}
inline Refusal return_not_shipped(std::string_view status) {
  return refuse(
      ErrorKind::conflict, "return.not_shipped",
      fmt::format("An order that is {} cannot be returned; it can once it has been shipped in full.", status));
}
inline Refusal too_many_returned(std::vector<FieldError> items) {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "return.too_many",
                       .detail = "Not so much of these items is left to return; other returns have them.",
                       .errors = std::move(items)});
}
inline Refusal illegal_return_status(std::string_view from, std::string_view to) {
  return refuse(ErrorKind::conflict, "return.illegal_status",
                fmt::format("A return that is {} cannot be {}.", from, to));
}
inline Refusal shipping_refunded() {
  return refuse(ErrorKind::conflict, "return.shipping_refunded",
                "Another return of the order has given its shipping back already.");
}
inline Refusal bad_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor", "The cursor is not one that this list gave.");
}

// Checkout: what is wrong with what was asked.

inline Refusal invalid_fields(std::vector<FieldError> fields) {
  return Refusal(Error{.kind = ErrorKind::invalid,
                       .code = "request.invalid",
                       .detail = "Some fields are not valid.",
                       .errors = std::move(fields)});
}
inline Refusal key_required() {
  return refuse(ErrorKind::invalid, "idempotency.key_required", "Send an Idempotency-Key of 1 to 255 characters.");
}
inline Refusal email_required() {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "checkout.email_required",
                       .detail = "Guests give an e-mail address.",
                       .errors = {{"email", "missing", "is required of guests"}}});
}
inline Refusal address_required() {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "checkout.address_required",
                       .detail = "Give either shipping_address or shipping_address_id.",
                       .errors = {{"shipping_address", "missing", "or shipping_address_id is required, not both"}}});
}
inline Refusal address_not_found() {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "checkout.address_not_found",
                       .detail = "There is no saved address with this id.",
                       .errors = {{"shipping_address_id", "unknown", "is not one of your addresses"}}});
}
inline Refusal unknown_shipping_method() {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "checkout.unknown_shipping_method",
                       .detail = "There is no such shipping method for this cart.",
                       .errors = {{"shipping_method", "unknown", "is not offered; a quote lists what is"}}});
}
inline Refusal total_limit() {
  return refuse(ErrorKind::unprocessable, "cart.total_limit", "An order is worth at most 99999999.99.");
}
inline Refusal currency_mismatch() {
  return refuse(ErrorKind::unprocessable, "cart.currency_mismatch", "The cart has prices in more than one currency.");
}
inline Refusal product_unavailable(std::vector<FieldError> items) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "cart.product_unavailable",
                       .detail = "Some products are not sold now; take them out of the cart.",
                       .errors = std::move(items)});
}
inline Refusal price_changed(Amount expected, Amount total, std::string_view currency, std::string_view totals) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "cart.price_changed",
                       .detail = fmt::format("The total is {} {} now, not {} ({}).", total.to_string(), currency,
                                             expected.to_string(), totals),
                       .errors = {{"expected_total", "changed", "is " + total.to_string() + " now"}}});
}
inline Refusal insufficient_stock(std::vector<FieldError> items) {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "inventory.insufficient_stock",
                       .detail = "There is not enough of some items.",
                       .errors = std::move(items)});
}

// Coupons. An unknown code and one that is switched off or not valid yet are told alike: neither helps a guesser.

inline Refusal coupon_refused(ErrorKind kind, std::string code, std::string why) {
  return Refusal(
      Error{.kind = kind,
            .code = std::move(code),
            .detail = std::move(why) + " Take it off the cart (DELETE /v1/carts/{id}/coupon) to go on without it.",
            .errors = {}});
}
inline Refusal coupon_unknown() {
  return coupon_refused(ErrorKind::unprocessable, "coupon.unknown", "The coupon on the cart is not valid.");
}
inline Refusal coupon_expired() {
  return coupon_refused(ErrorKind::unprocessable, "coupon.expired", "The coupon has expired.");
}
inline Refusal coupon_used_up() {
  return coupon_refused(ErrorKind::conflict, "coupon.used_up", "The coupon has been used as often as it can be.");
}
inline Refusal coupon_not_applicable(std::string_view currency) {
  return coupon_refused(ErrorKind::unprocessable, "coupon.not_applicable",
                        fmt::format("The coupon is for orders in {}.", currency));
}
inline Refusal coupon_minimum(Amount minimum, std::string_view currency) {
  return coupon_refused(ErrorKind::unprocessable, "coupon.minimum_not_reached",
                        fmt::format("The coupon is for goods of {} {} or more.", minimum.to_string(), currency));
}
inline Refusal coupon_for_other_goods() {
  return coupon_refused(ErrorKind::unprocessable, "coupon.not_applicable",
                        "The coupon is for other goods than those in the cart.");
}
inline Refusal coupon_pieces(std::int64_t least) {
  return coupon_refused(ErrorKind::unprocessable, "coupon.minimum_not_reached",
                        fmt::format("The coupon is for {} pieces or more.", least));
}
inline Refusal coupon_not_found(bool is_promotion = false) {
  if (is_promotion) return refuse(ErrorKind::not_found, "promotion.not_found", "There is no such promotion.");
  return refuse(ErrorKind::not_found, "coupon.not_found", "There is no such coupon.");
}
inline Refusal promotion_used_up() {
  return refuse(ErrorKind::conflict, "promotion.used_up",
                "A promotion on the cart has just been used up. Ask for the total again: it is without it now.");
}
inline Refusal too_many_promotions() {
  return refuse(ErrorKind::conflict, "promotion.too_many", "100 promotions are active; archive one first.");
}
inline Refusal coupon_code_taken() {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "coupon.code_taken",
                       .detail = "There is a coupon with this code already.",
                       .errors = {{"code", "taken", "is another coupon's"}}});
}
inline Refusal coupon_limit_below_uses(std::int64_t uses) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "coupon.limit_below_uses",
                       .detail = fmt::format("The coupon has been used {} times already.", uses),
                       .errors = {{"max_uses", "too_small", fmt::format("is less than {}", uses)}}});
}

// Checkout: what happened to it.

inline Refusal cart_empty() { return refuse(ErrorKind::conflict, "cart.empty", "The cart is empty."); }
inline Refusal in_progress() {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "checkout.in_progress",
                       .detail = "A checkout with this Idempotency-Key is under way; repeat the request later.",
                       .retry_after_s = 1});
}
inline Refusal cart_in_checkout() {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "checkout.cart_in_checkout",
                       .detail = "This cart is being bought by another checkout.",
                       .retry_after_s = 2});
}
inline Refusal card_number_refused() {
  return refuse(ErrorKind::unprocessable, "payment.card_number_refused",
                "This looks like a card's number. Send the token that the payment gateway made of it.");
}
inline Error declined(std::string_view reason) {
  return Error{.kind = ErrorKind::payment_required,
               .code = "payment.declined",
               .detail = reason.empty()
                             ? "The payment was declined; try another way to pay."
                             : fmt::format("The payment was declined ({}); try another way to pay.", reason)};
}
inline Error cancelled() {
  return Error{.kind = ErrorKind::payment_required,
               .code = "checkout.cancelled",
               .detail = "The checkout was cancelled; nothing was charged."};
}
inline Error expired() {
  return Error{.kind = ErrorKind::conflict,
               .code = "checkout.expired",
               .detail = "The checkout was not finished in time and was cancelled; nothing was charged."};
}
inline Error hold_lost() {
  return Error{.kind = ErrorKind::conflict,
               .code = "checkout.hold_lost",
               .detail = "The items were held no longer when the payment came; what was paid is given back."};
}

}  // namespace souk::order::errors
