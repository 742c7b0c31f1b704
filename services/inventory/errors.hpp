#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

// The refusals of the inventory service.
namespace souk::inventory::errors {

inline Refusal item_not_found(std::vector<FieldError> lines = {}) {
  return Refusal(Error{.kind = ErrorKind::not_found,
                       .code = "inventory.item_not_found",
                       .detail = "There is no stock of this product or variant. Check its id.",
                       .errors = std::move(lines)});
}

inline Refusal insufficient_stock(std::vector<FieldError> lines) {
  return Refusal(Error{.kind = ErrorKind::conflict,
                       .code = "inventory.insufficient_stock",
                       .detail = "Some items are not available in the wanted quantity.",
                       .errors = std::move(lines)});
}

inline Refusal reservation_not_found() {
  return refuse(ErrorKind::not_found, "inventory.reservation_not_found", "The order has not reserved anything.");
}

inline Refusal reservation_closed() {
  return refuse(ErrorKind::conflict, "inventory.reservation_closed",
                "The order's reservation was given back. Start a new order.");
}

inline Refusal reservation_differs() {
  return refuse(ErrorKind::conflict, "inventory.reservation_differs",
                "The order has reserved other items or quantities before.");
}

inline Refusal would_be_negative() {
  return refuse(ErrorKind::conflict, "inventory.would_be_negative",
                "Less stock than is reserved, or none at all, would be left.");
}

inline Refusal quantity_out_of_range() {
  return refuse(ErrorKind::unprocessable, "inventory.quantity_out_of_range",
                "The quantity is zero, of the wrong sign, or leads past 2,147,483,647.");
}

inline Refusal reference_reused() {
  return refuse(ErrorKind::unprocessable, "inventory.reference_reused",
                "This reference has moved another quantity of the item before.");
}

inline Refusal sku_taken() {
  return refuse(ErrorKind::conflict, "inventory.sku_taken", "Another product has this SKU.");
}

inline Refusal invalid_request(std::string field, std::string detail) {
  return Refusal(Error{.kind = ErrorKind::invalid,
                       .code = "request.invalid",
                       .detail = "The request has a wrong field.",
                       .errors = {{.field = std::move(field), .code = "value", .detail = std::move(detail)}}});
}

}  // namespace souk::inventory::errors
