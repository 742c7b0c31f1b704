#include "answers.hpp"

#include <algorithm>

#include "core/batcher.hpp"
#include "core/failure.hpp"
#include "core/random.hpp"
#include "errors.hpp"

namespace souk::order::answers {

using namespace std::chrono_literals;
using saga::Event;
using saga::What;

bool is_no_answer(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout ||
         error.kind == ErrorKind::internal || error.kind == ErrorKind::too_many_requests;
}

std::string reason_of_no_answer(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Unavailable& e) {
    return e.what();
  } catch (const UnknownOutcome& e) {
    return e.what();
  } catch (const Overloaded& e) {
    return e.what();
  }
}

Event heard(const payment::Payment& payment) {
  using enum payment::PaymentStatus;
  switch (payment.status) {
    case succeeded: return {What::money_captured};
    case refunded: return {What::money_refunded};
    case failed: return {What::money_refused, errors::declined(payment.failure_reason.value_or(""))};
    case cancelled: return {What::money_cancelled};
    case pending:
    case processing: break;
  }
  if (payment.authorized) return {What::money_authorised};
  if (payment.outcome_unknown) return {What::money_uncertain};
  if (payment.next_action) return {What::money_needs_customer};
  return {payment.payment_method == payment::Method::cod ? What::money_on_delivery : What::money_uncertain};
}

PaymentStatus payment_status_after(payment::PaymentStatus status) {
  switch (status) {
    case payment::PaymentStatus::succeeded: return PaymentStatus::paid;
    case payment::PaymentStatus::refunded: return PaymentStatus::refunded;
    case payment::PaymentStatus::failed:
    case payment::PaymentStatus::cancelled: return PaymentStatus::failed;
    case payment::PaymentStatus::pending:
    case payment::PaymentStatus::processing: return PaymentStatus::pending;
  }
  std::unreachable();
}

std::chrono::milliseconds check_after(std::chrono::seconds age) {
  return std::clamp<std::chrono::milliseconds>(age / 4, 1s, 60s);
}

Task<> pause(Context context, int unanswered) {
  const auto limit = 60ms * (1 << (2 * std::min(unanswered, 3)));
  const auto time =
      std::min<Duration>(limit / 2 + std::chrono::milliseconds(random_below(limit.count() / 2)), context.time_left());
  Timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

}  // namespace souk::order::answers
