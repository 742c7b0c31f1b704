#include <chrono>

#include "core/crypto.hpp"
#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "errors.hpp"
#include "events/idempotency.hpp"
#include "rules.hpp"
#include "service.hpp"
#include "telemetry/log.hpp"

// The part of the service that gives money back.
namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;
constexpr Duration result_limit = 5s;

// A refund that failed is tried again under another key: under the same one the gateway would repeat its refusal.
std::string gateway_key(const KnownRefund& known) {
  return known.refund.id.to_string() + "/" + std::to_string(known.attempts);
}

GatewayRefundRequest request_of(const KnownRefund& known, const Payment& payment) {
  return {.key = gateway_key(known),
          .payment_id = payment.gateway_payment_id.value(),
          .amount = known.refund.amount,
          .currency = known.refund.currency};
}

KnownRefund new_refund(const Payment& payment, const RefundPayment& request, Amount amount) {
  KnownRefund known{.cause = request.cause};
  known.refund = {.id = Uuid::v7(),
                  .refund_number = rules::new_number("REF", now()),
                  .payment_id = payment.id,
                  .order_id = payment.order_id,
                  .amount = amount,
                  .currency = payment.currency,
                  .status = RefundStatus::processing,
                  .reason = request.reason,
                  .created_at = now()};
  return known;
}

idempotency::Key key_of(const Context& context, const RefundPayment& request) {
  return {.scope = context.caller().to_string(),
          .operation = "refund",
          .key = *request.idempotency_key,
          .body_hash = hex(sha256(json::write(request)))};
}

Result<void> check(const RefundPayment& request) {
  if (request.cause.empty() || request.cause.size() > rules::max_cause) {
    return errors::invalid_request("cause", "must have 1 to 100 characters");
  }
  if (request.amount && *request.amount <= Amount()) {
    return errors::invalid_request("amount", "must be greater than 0");
  }
  return {};
}

}  // namespace

// Refunds that are under way count as made, so thirty at once cannot give back more than was paid.
Task<Result<Service::BegunRefund>> Service::begin_refund(Context context, RefundPayment request) {
  const auto key = request.idempotency_key ? std::optional(key_of(context, request)) : std::nullopt;
  auto tx = co_await pool_.begin(std::move(context));
  const auto paid = co_await repository_.lock(tx, request.order_id);
  if (!paid) co_return errors::not_found();
  // The key is only bound to what was asked; the reply is the refund as it is by then.
  if (key) SOUK_CO_CHECK(co_await idempotency::claim(tx, *key, paid->payment.id));
  auto known = co_await repository_.find_refund(tx, request.order_id, request.cause);
  if (known && request.amount && *request.amount != known->refund.amount) co_return errors::refund_differs();
  if (known && known->refund.status != RefundStatus::failed) co_return BegunRefund{*std::move(known), paid->payment};
  const auto wanted = known ? known->refund.amount : request.amount;
  SOUK_CO_TRY(const auto amount, rules::refundable(paid->payment, paid->refunding, wanted));
  if (known) {
    known->refund.status = RefundStatus::processing;
    ++known->attempts;
  } else {
    known = new_refund(paid->payment, request, amount);
  }
  co_await repository_.begin_refund(tx, *known);
  SOUK_FAILPOINT("payment.before_refund_begin_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("payment.after_refund_begin_commit");
  co_return BegunRefund{.known = *std::move(known), .payment = paid->payment, .fresh = true};
}

Task<Result<Refund>> Service::refund(Context context, RefundPayment request) {
  SOUK_CO_CHECK(check(request));
  SOUK_CO_TRY(auto begun, co_await begin_refund(context, std::move(request)));
  if (begun.fresh) co_return co_await refund_at_gateway(std::move(context), std::move(begun));
  co_return co_await resolve_refund(std::move(context), std::move(begun.known), std::move(begun.payment));
}

Task<Refund> Service::refund_at_gateway(Context context, BegunRefund begun) {
  auto& [known, payment, fresh] = begun;
  // Cash is given back by hand.
  if (!payment.payment_gateway) {
    co_return co_await finish_refund(std::move(context), std::move(known), {.state = GatewayRefundState::succeeded});
  }
  SOUK_FAILPOINT("payment.before_refund_gateway");
  GatewayRefund told;
  try {
    told = co_await gateway_of(payment).refund(context.limited(gateway_limit), request_of(known, payment));
  } catch (const Unavailable&) {
    co_return known.refund;
  } catch (const UnknownOutcome&) {
    co_return known.refund;
  }
  SOUK_FAILPOINT("payment.after_refund_gateway_before_result");
  co_return co_await finish_refund(std::move(context), std::move(known), std::move(told));
}

Task<std::optional<GatewayRefund>> Service::find_refund_at_gateway(Context context, const KnownRefund& known,
                                                                   const Payment& payment) {
  if (!payment.payment_gateway) co_return std::nullopt;
  co_return co_await gateway_of(payment).find_refund(context.limited(gateway_limit), request_of(known, payment));
}

// Asks before it is tried again. Trying again is harmless, as the gateway knows the key.
Task<Refund> Service::resolve_refund(Context context, KnownRefund known, Payment payment) {
  if (known.refund.status != RefundStatus::processing) co_return known.refund;
  std::optional<GatewayRefund> told;
  try {
    told = co_await find_refund_at_gateway(context, known, payment);
  } catch (const Unavailable&) {
    co_return known.refund;
  } catch (const UnknownOutcome&) {
    co_return known.refund;
  }
  if (told) co_return co_await finish_refund(std::move(context), std::move(known), *std::move(told));
  co_return co_await refund_at_gateway(std::move(context), {.known = std::move(known), .payment = std::move(payment)});
}

Task<Refund> Service::finish_refund(Context context, KnownRefund known, GatewayRefund told) {
  if (told.state == GatewayRefundState::pending) co_return std::move(known.refund);
  auto tx = co_await pool_.begin(context.extended(result_limit));
  auto refund = co_await finish_refund(tx, std::move(known.refund), std::move(told));
  SOUK_FAILPOINT("payment.before_refund_result_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("payment.after_refund_result_commit");
  outbox_.committed();
  if (refund.status == RefundStatus::failed) {
    log::error(context, "a refund failed at the gateway", log::kv("refund", refund.refund_number),
               log::kv("order_id", refund.order_id));
  }
  co_return refund;
}

Task<Refund> Service::finish_refund(pg::Transaction& tx, Refund refund, GatewayRefund told) {
  const bool succeeded = told.state == GatewayRefundState::succeeded;
  refund.status = succeeded ? RefundStatus::succeeded : RefundStatus::failed;
  if (succeeded) refund.succeeded_at = now();
  co_await repository_.lock(tx, refund.order_id);
  const auto gateway_refund_id = told.id.empty() ? std::nullopt : std::optional(std::move(told.id));
  co_await repository_.finish_refund(tx, refund, gateway_refund_id, std::move(told.failure_reason));
  const auto paid = co_await repository_.lock(tx, refund.order_id);
  co_await outbox_.append(tx, "payment.changed", refund.order_id.to_string(), paid.value().payment);
  co_return refund;
}

}  // namespace souk::payment
