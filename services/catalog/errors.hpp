#pragma once

#include "core/result.hpp"

// The refusals of the catalog service.
namespace souk::catalog::errors {

inline Refusal product_not_found() {
  return refuse(ErrorKind::not_found, "catalog.product_not_found", "There is no such product.");
}

inline Refusal category_not_found() {
  return refuse(ErrorKind::not_found, "catalog.category_not_found", "There is no such category.");
}

inline Refusal invalid_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor",
                "This cursor was not made by this list. Start again without one.");
}

inline Refusal too_many(std::string what, int limit) {
  return refuse(ErrorKind::invalid, "request.too_many",
                "At most " + std::to_string(limit) + " " + what + " can be asked for at once.");
}

inline Refusal category_slug_taken(std::string slug) {
  return refuse(ErrorKind::conflict, "catalog.slug_taken", "Another category has the slug " + std::move(slug) + ".");
}

}  // namespace souk::catalog::errors
