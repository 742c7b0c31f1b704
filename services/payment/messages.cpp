#include <chrono>
#include <stdexcept>

#include "core/failure.hpp"
#include "errors.hpp"
#include "rules.hpp"
#include "service.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

// The part of the service that hears gateways: their messages (webhooks).
namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;
constexpr Duration result_limit = 5s;

bool takes_money(const GatewayPayment& told) {
  return told.state == GatewayState::succeeded || told.state == GatewayState::authorized;
}

bool has_ended_without_money(const Payment& payment) {
  return payment.status == PaymentStatus::failed || payment.status == PaymentStatus::cancelled;
}

bool is_about(const GatewayEvent& event, const Payment& payment) {
  return (!event.amount || *event.amount == payment.amount) && (!event.currency || *event.currency == payment.currency);
}

void count_message(MessageOutcome outcome) {
  metrics::counter("souk_gateway_messages_total", "Messages of payment gateways by what became of them.",
                   {{"outcome", std::string(json::enum_name(outcome))}})
      .add();
}

// Somebody must look: the money at the gateway and our books are not the same.
void log_trouble(const Context& context, const TakenMessage& message, const char* what) {
  log::error(context, "a payment gateway's message does not fit our books", log::kv("what", what),
             log::kv("gateway", message.gateway), log::kv("message", message.id), log::kv("type", message.type),
             log::kv("gateway_payment_id", message.gateway_payment_id.value_or("")));
}

}  // namespace

Task<Result<MessageReceipt>> Service::receive_message(Context context, GatewayMessage message) {
  const auto name = message.gateway;
  const auto gateway = gateways_.by_name.find(name);
  if (gateway == gateways_.by_name.end()) co_return errors::no_such_gateway();
  SOUK_CO_TRY(auto event, co_await gateway->second->read_message(context, std::move(message)));
  if (co_await repository_.has_message(context, name, event.id)) {
    count_message(MessageOutcome::duplicate);
    co_return MessageReceipt{MessageOutcome::duplicate};
  }
  auto heard = co_await heard_of(context, name, std::move(event));
  if (heard.before) heard = co_await ask_about(context, std::move(heard));
  const auto outcome = co_await take(std::move(context), std::move(heard));
  count_message(outcome);
  co_return MessageReceipt{outcome};
}

// The message may come before our own call has returned: then the gateway's id is not in our row yet.
Task<Service::Heard> Service::heard_of(Context context, std::string gateway, GatewayEvent event) {
  Heard heard{.message = {.gateway = gateway,
                          .id = event.id,
                          .type = event.type,
                          .gateway_payment_id = event.payment_id,
                          .outcome = MessageOutcome::ignored}};
  if (!event.payment_id) co_return heard;
  auto known = co_await repository_.find_by_gateway_id(context, gateway, *event.payment_id);
  const auto order_id = event.key ? Uuid::parse(*event.key) : std::nullopt;
  if (!known && order_id) {
    known = co_await repository_.find(context, *order_id);
    // Opened twice at once, and the other one's id was stored: nobody will ever charge this one.
    if (known && known->payment.gateway_payment_id) co_return heard;
    if (known && known->payment.payment_gateway != gateway) known.reset();
  }
  if (!known) {
    heard.message.outcome = MessageOutcome::unknown_payment;
    if (order_id) log_trouble(context, heard.message, "the payment is not known here");
    co_return heard;
  }
  heard.message.payment_id = known->payment.id;
  heard.message.outcome = is_about(event, known->payment) ? MessageOutcome::unchanged : MessageOutcome::mismatch;
  if (heard.message.outcome == MessageOutcome::mismatch) {
    log_trouble(context, heard.message, "it names another amount or currency");
    co_return heard;
  }
  heard.before = std::move(known->payment);
  co_return heard;
}

Task<Service::Heard> Service::ask_about(Context context, Heard heard) {
  const auto& payment = *heard.before;
  const auto limited = context.limited(gateway_limit);
  const bool ended = has_ended_without_money(payment);
  if (payment.status == PaymentStatus::processing || ended) heard.told = co_await find_at_gateway(limited, payment);
  if (ended && heard.told && takes_money(*heard.told)) {
    log_trouble(context, heard.message, "money for a payment that has ended; it is given back");
    co_await give_back_late(limited, payment, *heard.told);
    heard.message.outcome = MessageOutcome::late_capture;
  }
  for (auto& refund : co_await repository_.list_open_refunds(limited, payment.id)) {
    auto told = co_await find_refund_at_gateway(limited, refund, payment);
    if (told && told->state != GatewayRefundState::pending)
      heard.refunds.emplace_back(std::move(refund), *std::move(told));
  }
  co_return heard;
}

// Our row stays failed or cancelled, as the order is; at the gateway nothing is left.
Task<> Service::give_back_late(Context context, Payment payment, GatewayPayment told) {
  auto& gateway = gateway_of(payment);
  if (told.state == GatewayState::authorized) {
    co_await gateway.cancel(context, {.key = payment.order_id.to_string(), .id = told.id});
    co_return;
  }
  const GatewayRefundRequest request{
      .key = payment.id.to_string() + "/late", .payment_id = told.id, .amount = told.amount, .currency = told.currency};
  if (co_await gateway.find_refund(context, request)) co_return;
  const auto refund = co_await gateway.refund(context, request);
  if (refund.state == GatewayRefundState::failed) {
    log::error(context, "a late capture could not be given back", log::kv("payment", payment.payment_number));
  }
}

// The message's row, the payment's change and its event commit together, or the message was somebody else's to take.
Task<MessageOutcome> Service::take(Context context, Heard heard) {
  auto& message = heard.message;
  auto tx = co_await pool_.begin(context.extended(result_limit));
  std::optional<Payment> next;
  try {
    if (heard.told) next = rules::after(*heard.before, *heard.told, now());
  } catch (const std::runtime_error& error) {
    log_trouble(context, message, error.what());
    message.outcome = MessageOutcome::mismatch;
  }
  if (next && json::write(*next) != json::write(*heard.before)) {
    const bool changed = co_await repository_.change(
        tx, {.from = heard.before->status, .payment = *next, .response = std::move(heard.told->response)});
    if (changed) message.outcome = MessageOutcome::applied;
    if (changed) count(*next);
  }
  for (auto& [known, told] : heard.refunds) {
    co_await finish_refund(tx, std::move(known.refund), std::move(told));
    message.outcome = MessageOutcome::applied;
  }
  const auto outcome = message.outcome;
  if (!co_await repository_.take_message(tx, std::move(message))) co_return MessageOutcome::duplicate;
  co_await tx.commit();
  outbox_.committed();
  co_return outcome;
}

}  // namespace souk::payment
