#pragma once

#include <chrono>
#include <exception>
#include <string>

#include "core/context.hpp"
#include "core/result.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "saga.hpp"

// What the answers of other services mean to a saga, and how long it waits for them.
namespace souk::order::answers {

inline constexpr Duration call_limit = std::chrono::seconds(2);
inline constexpr Duration charge_limit = std::chrono::seconds(12);  // the gateway has 10

// A refusal that tells nothing of what happened.
bool is_no_answer(const Error& error);
// The text of an exception that tells nothing of what happened; any other exception is thrown again.
std::string reason_of_no_answer(const std::exception_ptr& exception);
// What the payment's row means.
saga::Event heard(const payment::Payment& payment);
// What it makes of its order's payment_status.
PaymentStatus payment_status_after(payment::PaymentStatus status);

// Recovery looks again the later the longer it has been going on: 1 to 60 seconds.
std::chrono::milliseconds check_after(std::chrono::seconds age);
// Waits a short random time, longer after each unanswered try.
Task<> pause(Context context, int unanswered);

}  // namespace souk::order::answers
