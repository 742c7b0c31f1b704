#include <chrono>

#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "errors.hpp"
#include "service.hpp"
#include "telemetry/log.hpp"

// The part of the service that takes what is held, and shows administrators what there is.
namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;

bool is_captured(const Payment& payment) {
  return payment.status == PaymentStatus::succeeded || payment.status == PaymentStatus::refunded;
}

}  // namespace

Task<Result<Payment>> Service::capture(Context context, PaymentRef request) {
  const auto known = co_await repository_.find_by_id(context, request.payment_id);
  if (!known) co_return errors::no_such_payment();
  if (is_captured(known->payment)) co_return known->payment;
  if (!known->payment.authorized) co_return errors::not_authorized();
  SOUK_FAILPOINT("payment.before_capture_commit");
  const bool asked = co_await repository_.ask_capture(context, request.payment_id);
  SOUK_FAILPOINT("payment.after_capture_commit");
  // Somebody else was faster, to capture it or to give it up: the row tells.
  auto payment = asked ? co_await capture_at_gateway(context, known->payment)
                       : (co_await repository_.find_by_id(context, request.payment_id)).value().payment;
  if (!is_captured(payment) && !payment.authorized) co_return errors::not_authorized();
  co_return payment;
}

// Capturing twice is harmless: the gateway answers with the payment as it is. No answer leaves it to the resolver.
Task<Payment> Service::capture_at_gateway(Context context, Payment payment) {
  SOUK_FAILPOINT("payment.before_gateway_capture");
  GatewayPayment told;
  try {
    told = co_await gateway_of(payment).capture(
        context.limited(gateway_limit), {.key = payment.order_id.to_string(), .id = payment.gateway_payment_id});
  } catch (const Unavailable& error) {
    const std::string what = error.what();
    log::warning(context, "a capture was not answered; asked again", log::kv("order_id", payment.order_id),
                 log::kv("error", what));
    co_return payment;
  } catch (const UnknownOutcome& error) {
    const std::string what = error.what();
    log::warning(context, "a capture was not answered; asked again", log::kv("order_id", payment.order_id),
                 log::kv("error", what));
    co_return payment;
  }
  SOUK_FAILPOINT("payment.after_gateway_capture");
  co_return co_await store(std::move(context), std::move(payment), std::move(told));
}

Task<Result<PaymentDetails>> Service::get_payment_details(Context context, PaymentRef request) {
  auto known = co_await repository_.find_by_id(context, request.payment_id);
  if (!known) co_return errors::no_such_payment();
  auto refunds = co_await repository_.list_refunds(std::move(context), request.payment_id);
  co_return PaymentDetails{.payment = std::move(known->payment), .refunds = std::move(refunds)};
}

Task<Result<PaymentPage>> Service::list_payments(Context context, ListPayments request) {
  std::optional<PaymentCursor> after;
  if (request.cursor) {
    after = PaymentCursor::parse(*request.cursor);
    if (!after) co_return errors::invalid_request("cursor", "is not one that this list has given");
  }
  const auto limit = static_cast<std::size_t>(request.limit.value_or(20).value);
  PaymentPage page{.data = co_await repository_.list(std::move(context), std::move(request), after,
                                                     static_cast<std::int64_t>(limit) + 1)};
  page.has_more = page.data.size() > limit;
  if (page.has_more) {
    page.data.resize(limit);
    page.next_cursor = PaymentCursor{page.data.back().created_at, page.data.back().id}.to_string();
  }
  co_return page;
}

}  // namespace souk::payment
