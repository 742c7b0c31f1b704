#pragma once

#include <string>

#include "core/result.hpp"

// The refusals of the payment service.
namespace souk::payment::errors {

inline Refusal method_unavailable() {
  return refuse(ErrorKind::unprocessable, "payment.method_unavailable",
                "This payment method or gateway is not offered. Choose another one.");
}

inline Refusal token_required() {
  return refuse(ErrorKind::unprocessable, "payment.token_required",
                "This payment method needs a token of the gateway, or a saved payment method.");
}

inline Refusal payment_method_not_found() {
  return refuse(ErrorKind::unprocessable, "payment.payment_method_not_found", "You have no such saved payment method.");
}

// The same for what a path names.
inline Refusal no_such_payment_method() {
  return refuse(ErrorKind::not_found, "payment.payment_method_not_found", "You have no such saved payment method.");
}

inline Refusal card_number_refused() {
  return refuse(ErrorKind::unprocessable, "payment.card_number_refused",
                "This looks like a card's number. Send the token that the payment gateway made of it.");
}

inline Refusal card_expired() {
  return refuse(ErrorKind::unprocessable, "payment.card_expired", "The card has expired. Add another one.");
}

inline Refusal too_many_payment_methods() {
  return refuse(ErrorKind::conflict, "payment.too_many_payment_methods",
                "You have 20 saved payment methods. Delete one first.");
}

inline Refusal amount_unsupported() {
  return refuse(ErrorKind::unprocessable, "payment.amount_unsupported",
                "This amount or currency cannot be paid with this method.");
}

inline Refusal order_closed() {
  return refuse(ErrorKind::conflict, "payment.order_closed", "The order was cancelled before it was paid.");
}

inline Refusal not_found() { return refuse(ErrorKind::not_found, "payment.not_found", "The order has no payment."); }

// The same for what a path names.
inline Refusal no_such_payment() {
  return refuse(ErrorKind::not_found, "payment.not_found", "There is no such payment.");
}

inline Refusal not_authorized() {
  return refuse(ErrorKind::conflict, "payment.not_authorized",
                "No money is held for this payment that could be captured, or not any more.");
}

inline Refusal not_captured() {
  return refuse(ErrorKind::conflict, "payment.not_captured", "Nothing was paid that could be given back.");
}

inline Refusal no_such_gateway() {
  return refuse(ErrorKind::not_found, "payment.no_such_gateway", "No such payment gateway sends messages here.");
}

inline Refusal message_refused() {
  return refuse(ErrorKind::invalid, "payment.message_refused",
                "The message is not signed by the payment gateway, or is too old.");
}

inline Refusal refund_exceeds_capture() {
  return refuse(ErrorKind::unprocessable, "payment.refund_exceeds_capture",
                "The refunds of an order cannot exceed what was paid.");
}

inline Refusal refund_differs() {
  return refuse(ErrorKind::conflict, "payment.refund_differs",
                "This cause has refunded another amount of the order before.");
}

inline Refusal not_cash() {
  return refuse(ErrorKind::conflict, "payment.not_cash", "The order is not paid in cash on delivery, or not any more.");
}

inline Refusal invalid_request(std::string field, std::string detail) {
  return Refusal(Error{.kind = ErrorKind::invalid,
                       .code = "request.invalid",
                       .detail = "The request has a wrong field.",
                       .errors = {{.field = std::move(field), .code = "value", .detail = std::move(detail)}}});
}

}  // namespace souk::payment::errors
