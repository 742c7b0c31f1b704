#pragma once

#include <optional>
#include <string>

#include "core/result.hpp"
#include "gateways/gateway.hpp"
#include "payment/api.hpp"

// What may become of payments and refunds: pure functions.
namespace souk::payment::rules {

inline constexpr std::size_t max_cause = 100;
inline constexpr std::int64_t max_payment_methods = 20;  // a user

// The status table: whether a payment, or a refund, may go from one status to another.
bool may_change(PaymentStatus from, PaymentStatus to);
bool may_change(RefundStatus from, RefundStatus to);
bool is_final(PaymentStatus status);

// Amount, currency and method fit together. payment.amount_unsupported, payment.card_number_refused
Result<void> check(const Charge& request);
// Whether the members fit the type, and nothing looks like a card's number. payment.card_number_refused,
// payment.card_expired, request.invalid
Result<void> check(const NewPaymentMethod& method, Timestamp now);
// Throws std::logic_error when the order was charged otherwise before: two amounts for one order are a bug.
void check_same(const Payment& payment, const Charge& request);

// The payment after the gateway told this of it; unchanged when its end is known already. Throws std::runtime_error
// when the gateway speaks of another amount.
Payment after(Payment payment, const GatewayPayment& told, Timestamp now);
Payment after_failure(Payment payment, std::string reason, Timestamp now);

// What is refunded: the wanted amount, or all that is left. `refunding` is under way already.
Result<Amount> refundable(const Payment& payment, Amount refunding, std::optional<Amount> wanted);

// When to ask the gateway, in seconds from now; empty: never. The more often in vain, the later again (repository).
std::optional<std::int64_t> next_check_s(const Payment& payment);

// "PAY-20260301-7K2M9QXB4T6D": readable over the telephone, and not to be guessed.
std::string new_number(std::string_view prefix, Timestamp now);

}  // namespace souk::payment::rules
