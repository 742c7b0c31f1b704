#include "service.hpp"

#include <chrono>
#include <stdexcept>

#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "core/seeded_bug.hpp"
#include "errors.hpp"
#include "events/idempotency.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;
constexpr Duration result_limit = 5s;
constexpr Duration resolve_interval = 1s;
constexpr Duration resolve_limit = 10s;  // a gateway that hangs must not hold up the end of the process for long
constexpr Duration prune_interval = 1h;
constexpr std::int64_t due_at_once = 50;
constexpr int attempts = 3;
// A charge that the gateway has not heard of by then is not on its way any more: its own limit is over.
constexpr double late_s = 15;
// And here nobody will charge again: a checkout may begin to within 15 minutes of its intent.
constexpr double abandoned_s = 20 * 60;

// The order's id is our key at the gateway: whoever charges the order, and however often, means the same payment.
std::string gateway_key(const Payment& payment) {
  const bool forgets = SOUK_SEEDED_BUG("payment.a_new_key_for_each_attempt");
  return (forgets ? Uuid::v7() : payment.order_id).to_string();
}

Payment new_payment(const Charge& request, std::optional<std::string> gateway) {
  const bool cash = request.method == Method::cod;
  Payment payment{.id = Uuid::v7(), .order_id = request.order_id, .user_id = request.user_id, .amount = request.amount};
  payment.payment_number = rules::new_number("PAY", now());
  payment.currency = request.currency;
  payment.payment_method = request.method;
  payment.payment_gateway = std::move(gateway);
  payment.status = cash ? PaymentStatus::pending : PaymentStatus::processing;
  // True until the gateway's answer is stored: whoever finds the row after a crash must ask.
  payment.outcome_unknown = !cash;
  return payment;
}

GatewayRef ref_of(const Payment& payment) { return {.key = gateway_key(payment), .id = payment.gateway_payment_id}; }

// What cancel() answers for an order that was never charged.
Payment never_charged(Uuid order_id) {
  Payment payment{.order_id = order_id};
  payment.status = PaymentStatus::cancelled;
  return payment;
}

void log_silence(const Context& context, const Payment& payment, const std::exception& error) {
  const std::string what = error.what();
  log::warning(context, "the payment gateway did not answer", log::kv("order_id", payment.order_id),
               log::kv("gateway", payment.payment_gateway.value_or("")), log::kv("error", what));
}

}  // namespace

Service::Service(Runtime& runtime, pg::Pool& pool, Gateways gateways)
    : pool_(pool),
      gateways_(std::move(gateways)),
      repository_(pool),
      reconcile_repository_(pool),
      methods_(pool),
      outbox_(pool),
      writer_(runtime, repository_, outbox_) {
  if (!gateways_.by_name.contains(gateways_.standard)) {
    throw std::invalid_argument("SOUK_PAYMENT_GATEWAY: there is no payment gateway '" + gateways_.standard + "'");
  }
}

void Service::start(TaskGroup& group) {
  group.spawn("payment resolver", resolve_again_and_again(*this, group));
  group.spawn("payment pruning", prune_again_and_again(*this, group));
  group.spawn("payment reconciliation", reconcile_again_and_again(*this, group));
}

Task<> Service::resolve_again_and_again(Service& service, TaskGroup& group) {
  while (!group.stopping()) {
    try {
      co_await service.resolve_due(Context::background("payment", resolve_limit));
    } catch (const std::exception& error) {
      const std::string what = error.what();
      log::warning("open payments could not be asked for; tried again", log::kv("error", what));
    }
    if (!co_await group.sleep(resolve_interval)) co_return;
  }
}

Task<> Service::prune_again_and_again(Service& service, TaskGroup& group) {
  while (co_await group.sleep(prune_interval)) {
    try {
      const auto context = Context::background("payment", 1min);
      co_await service.outbox_.prune(context);
      co_await service.repository_.prune_messages(context);
      co_await idempotency::prune(service.pool_, context);
    } catch (const std::exception& error) {
      const std::string what = error.what();
      log::warning("old rows of payments could not be deleted; tried again in an hour", log::kv("error", what));
    }
  }
}

Task<std::int64_t> Service::resolve_due(Context context) {
  const auto orders = co_await repository_.take_due(context, due_at_once);
  for (const auto& order_id : orders) {
    if (context.expired()) break;
    const auto known = co_await repository_.find(context, order_id);
    if (!known) continue;
    if (known->payment.authorized && known->capture_asked) {
      co_await capture_at_gateway(context, known->payment);
    } else {
      co_await ask(context, *known);
    }
  }
  const auto refunds = co_await repository_.take_due_refunds(context, due_at_once);
  for (const auto& refund : refunds) {
    if (context.expired()) break;
    const auto known = co_await repository_.find(context, refund.refund.order_id);
    if (known) co_await resolve_refund(context, refund, known->payment);
  }
  co_return std::ssize(orders) + std::ssize(refunds);
}

Gateway& Service::gateway_of(const Payment& payment) const {
  const auto found = gateways_.by_name.find(payment.payment_gateway.value());
  if (found == gateways_.by_name.end()) {
    throw std::runtime_error("payment gateway '" + *payment.payment_gateway + "' is not configured any more");
  }
  return *found->second;
}

Task<Result<Service::Means>> Service::means_of(Context context, Charge request) {
  if (request.method == Method::cod) {
    if (request.gateway) co_return errors::method_unavailable();
    co_return Means{};
  }
  Means means{.gateway = request.gateway.value_or(gateways_.standard), .token = request.token.value_or("")};
  if (request.payment_method_id) {
    auto saved = co_await methods_.find_saved(context, {request.user_id, *request.payment_method_id});
    const bool fits = saved && json::enum_name(saved->type) == json::enum_name(request.method) &&
                      saved->gateway == request.gateway.value_or(saved->gateway);
    if (!fits) co_return errors::payment_method_not_found();
    means = {.gateway = std::move(saved->gateway), .token = std::move(saved->token)};
  }
  const auto gateway = gateways_.by_name.find(*means.gateway);
  if (gateway == gateways_.by_name.end() || !gateway->second->takes(request.method)) {
    co_return errors::method_unavailable();
  }
  if (means.token.empty()) co_return errors::token_required();
  co_return means;
}

Task<Result<Payment>> Service::charge(Context context, Charge request) {
  SOUK_CO_CHECK(rules::check(request));
  auto found = co_await means_of(context, request);
  if (!found) {
    // The saved method may have been deleted since the order was charged: what was begun is asked for all the same.
    auto known = co_await repository_.find(context, request.order_id);
    if (known) co_return co_await ask(std::move(context), *std::move(known));
    co_return std::unexpected(std::move(found).error());
  }
  auto means = *std::move(found);
  const auto begun = co_await writer_.begin(context, new_payment(request, means.gateway));
  if (!begun) co_return co_await charge_again(std::move(context), std::move(request), std::move(means.token));
  if (begun->payment_method == Method::cod) co_return *begun;
  auto at_gateway = charge_of(*begun, std::move(request), std::move(means.token));
  co_return co_await charge_at_gateway(std::move(context), *begun, std::move(at_gateway));
}

GatewayCharge Service::charge_of(const Payment& payment, Charge request, std::string token) const {
  return {.key = gateway_key(payment),
          .id = payment.gateway_payment_id,
          .amount = payment.amount,
          .currency = payment.currency,
          .method = payment.payment_method,
          .token = std::move(token),
          .return_url = std::move(request.return_url),
          .capture_later = gateways_.capture_later};
}

// The id is durable before anything is charged under it. Of two that open at once both go on with the first one's id:
// the other's is a payment at the gateway that nobody will ever charge.
Task<Payment> Service::opened(Context context, Payment payment) {
  auto& gateway = gateway_of(payment);
  if (!gateway.opens() || payment.gateway_payment_id) co_return payment;
  auto told = co_await gateway.open(context, charge_of(payment, {}, ""));
  if (told.state == GatewayState::failed) co_return co_await store(context, std::move(payment), std::move(told));
  auto id = co_await repository_.store_gateway_id(context.extended(result_limit), payment.id, std::move(told.id));
  if (!id) co_return (co_await repository_.find(context, payment.order_id)).value().payment;
  payment.gateway_payment_id = *std::move(id);
  co_return payment;
}

// Without an id at a gateway that wants one, nothing was charged.
Task<std::optional<GatewayPayment>> Service::find_at_gateway(Context context, const Payment& payment) {
  auto& gateway = gateway_of(payment);
  if (gateway.opens() && !payment.gateway_payment_id) co_return std::nullopt;
  co_return co_await gateway.find(context.limited(gateway_limit), ref_of(payment));
}

// No answer is no refusal: the payment stays unknown until the gateway tells, also when it could not be reached, as
// another attempt for the same order may have got through.
Task<Payment> Service::charge_at_gateway(Context context, Payment payment, GatewayCharge request) {
  static auto& seconds =
      metrics::histogram("souk_payment_gateway_seconds", "Time of a charge at the gateway.", {{"call", "charge"}});
  SOUK_FAILPOINT("payment.before_gateway");
  const auto started = Clock::now();
  GatewayPayment told;
  try {
    const auto limited = context.limited(gateway_limit);
    payment = co_await opened(limited, std::move(payment));
    if (payment.status != PaymentStatus::processing) co_return payment;
    request.id = payment.gateway_payment_id;
    told = co_await gateway_of(payment).charge(limited, std::move(request));
  } catch (const Unavailable& error) {
    log_silence(context, payment, error);
    co_return payment;
  } catch (const UnknownOutcome& error) {
    log_silence(context, payment, error);
    co_return payment;
  }
  seconds.observe(std::chrono::duration<double>(Clock::now() - started).count());
  SOUK_FAILPOINT("payment.after_gateway_before_result");
  co_return co_await store(std::move(context), std::move(payment), std::move(told));
}

Task<Result<Payment>> Service::charge_again(Context context, Charge request, std::string token) {
  const auto known = co_await repository_.find(context, request.order_id);
  if (!known) co_return errors::order_closed();
  auto payment = known->payment;
  rules::check_same(payment, request);
  if (!payment.outcome_unknown) co_return payment;
  std::optional<GatewayPayment> told;
  try {
    told = co_await find_at_gateway(context, payment);
  } catch (const Unavailable& error) {
    log_silence(context, payment, error);
    co_return payment;
  } catch (const UnknownOutcome& error) {
    log_silence(context, payment, error);
    co_return payment;
  }
  if (told) co_return co_await store(std::move(context), std::move(payment), *std::move(told));
  auto at_gateway = charge_of(payment, std::move(request), std::move(token));
  co_return co_await charge_at_gateway(std::move(context), std::move(payment), std::move(at_gateway));
}

void Service::count(const Payment& payment) {
  static auto& succeeded =
      metrics::counter("souk_payments_total", "Payments by what the gateway said.", {{"status", "succeeded"}});
  static auto& failed =
      metrics::counter("souk_payments_total", "Payments by what the gateway said.", {{"status", "failed"}});
  if (payment.status == PaymentStatus::succeeded) succeeded.add();
  if (payment.status == PaymentStatus::failed) failed.add();
}

Task<Payment> Service::store(Context context, Payment before, GatewayPayment told) {
  auto next = rules::after(before, told, now());
  if (json::write(next) == json::write(before)) co_return before;
  count(next);
  // The money has moved: its result is written even when the caller's time is over.
  co_return co_await writer_.change(
      context.extended(result_limit),
      {.from = before.status, .payment = std::move(next), .response = std::move(told.response)});
}

Task<Payment> Service::fail(Context context, Payment payment, std::string reason) {
  auto next = rules::after_failure(payment, std::move(reason), now());
  count(next);
  co_return co_await writer_.change(context.extended(result_limit),
                                    {.from = payment.status, .payment = std::move(next)});
}

Task<Result<Payment>> Service::get_payment(Context context, OrderRef request) {
  auto known = co_await repository_.find(std::move(context), request.order_id);
  if (!known) co_return errors::not_found();
  co_return std::move(known->payment);
}

Task<Result<Payment>> Service::resolve(Context context, OrderRef request) {
  auto known = co_await repository_.find(context, request.order_id);
  if (!known) co_return errors::not_found();
  co_return co_await ask(std::move(context), *std::move(known));
}

Task<Payment> Service::ask(Context context, KnownPayment known) {
  auto payment = std::move(known.payment);
  if (payment.status != PaymentStatus::processing || payment.authorized) co_return payment;
  std::optional<GatewayPayment> told;
  bool abandoned = false;
  try {
    told = co_await find_at_gateway(context, payment);
    abandoned = !told && known.age_s > abandoned_s;
    if (abandoned) {
      // It never arrived, and after this it never will.
      const auto limited = context.limited(gateway_limit);
      payment = co_await opened(limited, std::move(payment));
      if (payment.status != PaymentStatus::processing) co_return payment;
      told = co_await gateway_of(payment).cancel(limited, ref_of(payment));
    }
  } catch (const Unavailable& error) {
    log_silence(context, payment, error);
    co_return payment;
  } catch (const UnknownOutcome& error) {
    log_silence(context, payment, error);
    co_return payment;
  }
  if (told) co_return co_await store(std::move(context), std::move(payment), *std::move(told));
  if (abandoned) co_return co_await fail(std::move(context), std::move(payment), "never_reached_gateway");
  co_return payment;
}

// Between the look and the closing a charge may begin, so it is looked at again.
Task<Result<Payment>> Service::cancel(Context context, OrderRef request) {
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    auto known = co_await repository_.find(context, request.order_id);
    if (known) {
      const auto status = known->payment.status;
      if (status == PaymentStatus::processing) co_return co_await cancel_at_gateway(context, *std::move(known));
      if (status != PaymentStatus::pending) co_return std::move(known->payment);
      co_return co_await end_cash(context, std::move(known->payment), PaymentStatus::cancelled);
    }
    SOUK_FAILPOINT("payment.before_close_commit");
    const bool closed = co_await repository_.close_order(context, request.order_id);
    SOUK_FAILPOINT("payment.after_close_commit");
    if (closed) co_return never_charged(request.order_id);
  }
  throw Unavailable("the order is charged and closed at once");
}

Task<Payment> Service::cancel_at_gateway(Context context, KnownPayment known) {
  SOUK_FAILPOINT("payment.before_gateway_cancel");
  const auto limited = context.limited(gateway_limit);
  known.payment = co_await opened(limited, std::move(known.payment));
  if (known.payment.status != PaymentStatus::processing) co_return known.payment;
  auto told = co_await gateway_of(known.payment).cancel(limited, ref_of(known.payment));
  SOUK_FAILPOINT("payment.after_gateway_cancel");
  if (!told && known.age_s > late_s) co_return co_await fail(context, known.payment, "never_reached_gateway");
  if (!told) throw Unavailable("the charge may still be on its way to the gateway");
  auto payment = co_await store(std::move(context), std::move(known.payment), *std::move(told));
  if (!rules::is_final(payment.status)) throw Unavailable("the gateway is still working on the payment");
  co_return payment;
}

Task<Payment> Service::end_cash(Context context, Payment payment, PaymentStatus status) {
  auto next = payment;
  next.status = status;
  if (status == PaymentStatus::succeeded) next.succeeded_at = now();
  co_return co_await writer_.change(std::move(context), {.from = payment.status, .payment = std::move(next)});
}

Task<Result<Payment>> Service::settle_cash(Context context, OrderRef request) {
  auto known = co_await repository_.find(context, request.order_id);
  if (!known) co_return errors::not_found();
  auto payment = std::move(known->payment);
  if (payment.payment_method != Method::cod) co_return errors::not_cash();
  if (payment.status == PaymentStatus::pending) {
    payment = co_await end_cash(std::move(context), std::move(payment), PaymentStatus::succeeded);
  }
  if (payment.status == PaymentStatus::succeeded || payment.status == PaymentStatus::refunded) co_return payment;
  co_return errors::not_cash();
}

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await outbox_.read(std::move(context), std::move(request));
}

}  // namespace souk::payment
