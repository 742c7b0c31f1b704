#include "details.hpp"

#include <array>
#include <stdexcept>

#include "http/message.hpp"
#include "rules.hpp"

namespace souk::order {
namespace {

OrderAddress to_order_address(const Address& address, Uuid id) {
  return OrderAddress{.id = id,
                      .full_name = address.full_name,
                      .phone = address.phone,
                      .address_line1 = address.address_line1,
                      .address_line2 = address.address_line2,
                      .city = address.city,
                      .state = address.state.value_or(""),
                      .postal_code = address.postal_code.value_or(""),
                      .country = address.country};
}

OrderItem to_item(const BoughtLine& line, Uuid id) {
  return OrderItem{.id = id,
                   .product_id = line.product_id,
                   .product_name = line.name,
                   .product_sku = line.sku,
                   .variant_id = line.variant_id,
                   .size = line.size,
                   .color = line.color,
                   .quantity = line.quantity,
                   .unit_price = line.unit_price,
                   .total_price = line.total,
                   .discount = line.discount};
}

ErrorKind kind_of(int status) {
  constexpr std::array kinds{ErrorKind::invalid,       ErrorKind::unauthenticated, ErrorKind::payment_required,
                             ErrorKind::forbidden,     ErrorKind::not_found,       ErrorKind::conflict,
                             ErrorKind::unprocessable, ErrorKind::unavailable};
  for (const auto kind : kinds) {
    if (http::status_of(kind) == status) return kind;
  }
  return ErrorKind::conflict;
}

CheckoutStatus status_of(const Checkpoint& checkpoint) {
  switch (checkpoint.phase) {
    case saga::Phase::running: return CheckoutStatus::processing;
    case saga::Phase::waiting: return CheckoutStatus::requires_action;
    case saga::Phase::completing:
    case saga::Phase::completed: return CheckoutStatus::completed;
    case saga::Phase::compensated: break;
  }
  if (!checkpoint.refusal) return CheckoutStatus::failed;
  const auto& code = checkpoint.refusal->code;
  if (code.starts_with("checkout.")) return CheckoutStatus::cancelled;
  return code == "payment.declined" ? CheckoutStatus::declined : CheckoutStatus::failed;
}

}  // namespace

StoredRefusal to_stored(const Error& error) {
  return {http::status_of(error.kind), error.code, error.detail, error.errors};
}

Error to_error(StoredRefusal refusal) {
  return Error{.kind = kind_of(refusal.status),
               .code = std::move(refusal.code),
               .detail = std::move(refusal.detail),
               .errors = std::move(refusal.errors)};
}

Order confirmed_order(const Checkpoint& checkpoint) {
  const auto& details = checkpoint.details;
  const auto at = checkpoint.confirmed_at.value();
  Order order{
      .id = checkpoint.id,
      .order_number = details.order_number,
      .user_id = details.user_id,
      .email = details.email,
      .status = OrderStatus::confirmed,
      .subtotal = details.subtotal,
      .tax = details.tax,
      .shipping_cost = details.shipping_cost,
      .discount = details.discount,
      .total = details.total,
      .currency = details.currency,
      .payment_method = details.payment_method,
      .payment_status = checkpoint.payment_status.value(),
      .shipping_method = details.shipping_method,
      .shipping_address =
          to_order_address(details.shipping_address, rules::part_id(checkpoint.id, rules::shipping_address_part)),
      .billing_address =
          to_order_address(details.billing_address, rules::part_id(checkpoint.id, rules::billing_address_part)),
      .status_history = {{.status = OrderStatus::confirmed, .created_by = details.created_by, .created_at = at}},
      .notes = details.notes,
      .created_at = at,
      .updated_at = at,
      .confirmed_at = at};
  order.items.reserve(details.lines.size());
  std::uint16_t n = 0;
  for (const auto& line : details.lines) order.items.push_back(to_item(line, rules::part_id(checkpoint.id, n++)));
  return order;
}

OrderEvent event_of(const Order& order) {
  return {.order_id = order.id,
          .order_number = order.order_number,
          .user_id = order.user_id,
          .email = order.email,
          .status = order.status,
          .total = order.total,
          .currency = order.currency,
          .tracking_number = order.tracking_number};
}

Checkout to_checkout(const Checkpoint& checkpoint) {
  Checkout checkout{.id = checkpoint.id, .status = status_of(checkpoint)};
  if (checkout.status == CheckoutStatus::requires_action) checkout.next_action = checkpoint.next_action;
  if (checkpoint.phase == saga::Phase::compensated && checkpoint.refusal) {
    checkout.failure_code = checkpoint.refusal->code;
    checkout.failure_detail = checkpoint.refusal->detail;
  }
  return checkout;
}

}  // namespace souk::order
