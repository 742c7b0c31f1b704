#include "stripe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "../errors.hpp"
#include "core/failure.hpp"
#include "core/uuid.hpp"
#include "http/url.hpp"
#include "stripe_currency.hpp"
#include "stripe_message.hpp"
#include "telemetry/log.hpp"

namespace souk::payment {

using stripe::from_stripe, stripe::lower, stripe::to_stripe, stripe::upper;

namespace {

// Replies and events have the shapes of this version, whatever the account's own default is.
constexpr std::string_view api_version = "2024-06-20";

struct Metadata {
  std::optional<std::string> order_id;
  std::optional<std::string> refund_key;
};
BOOST_DESCRIBE_STRUCT(Metadata, (), (order_id, refund_key))

struct Redirect {
  std::optional<std::string> url;
};
BOOST_DESCRIBE_STRUCT(Redirect, (), (url))

struct NextStep {
  std::string type;
  std::optional<Redirect> redirect_to_url;
};
BOOST_DESCRIBE_STRUCT(NextStep, (), (type, redirect_to_url))

struct Failure {
  std::string type;
  std::optional<std::string> code;
  std::optional<std::string> decline_code;
  std::optional<std::string> param;
  std::optional<std::string> message;
};
BOOST_DESCRIBE_STRUCT(Failure, (), (type, code, decline_code, param, message))

struct FailureReply {
  Failure error;
};
BOOST_DESCRIBE_STRUCT(FailureReply, (), (error))

struct RefundObject {
  std::string id;
  std::string status;
  std::int64_t amount = 0;
  std::string currency;
  std::optional<std::string> failure_reason;
  std::optional<Metadata> metadata;
};
BOOST_DESCRIBE_STRUCT(RefundObject, (), (id, status, amount, currency, failure_reason, metadata))

struct RefundList {
  std::vector<RefundObject> data;
  bool has_more = false;
};
BOOST_DESCRIBE_STRUCT(RefundList, (), (data, has_more))

bool is_success(const http::ClientResponse& response) { return response.status / 100 == 2; }

// An answer that is no JSON of Stripe's tells nothing.
template <class T>
T read(const http::ClientResponse& response) {
  auto value = json::read<T>(response.body, json::Mode::lenient);
  if (!value) throw UnknownOutcome(fmt::format("stripe answers HTTP {} with what cannot be read", response.status));
  return *std::move(value);
}

// Stripe's words for a decline, as far as a customer can do something about it. That a card is reported as lost, or
// looks like fraud, is none of the shop's to tell.
std::string reason_of(const Failure& failure) {
  constexpr auto told = std::to_array<std::string_view>(
      {"insufficient_funds", "expired_card", "incorrect_cvc", "incorrect_number", "incorrect_zip", "card_not_supported",
       "currency_not_supported", "card_velocity_exceeded", "authentication_required", "processing_error"});
  if (failure.code == "payment_intent_authentication_failure") return "authentication_failed";
  for (const auto& word : {failure.decline_code, failure.code}) {
    if (word && std::ranges::find(told, *word) != told.end()) return *word;
  }
  return "card_declined";
}

GatewayRefund to_gateway(const RefundObject& refund) {
  GatewayRefund told{.id = refund.id, .failure_reason = refund.failure_reason};
  told.state = GatewayRefundState::pending;  // and requires_action
  if (refund.status == "succeeded") told.state = GatewayRefundState::succeeded;
  if (refund.status == "failed" || refund.status == "canceled") told.state = GatewayRefundState::failed;
  told.response = {json::write(refund)};
  return told;
}

// Refused for good: the same request would be refused again.
GatewayRefund refused_refund(const Failure& failure) {
  return {.state = GatewayRefundState::failed,
          .failure_reason = failure.code.value_or(failure.type),
          .response = {json::write(failure)}};
}

void log_refusal(const Context& context, const Failure& failure) {
  log::error(context, "stripe refuses a request", log::kv("type", failure.type),
             log::kv("code", failure.code.value_or("")), log::kv("param", failure.param.value_or("")),
             log::kv("message", failure.message.value_or("")));
}

std::string path_of(std::string_view id, std::string_view action = "") {
  return fmt::format("/v1/payment_intents/{}{}", http::percent_encode(id), action);
}

// Part of a key at Stripe: our own keys, apart from what else the account is used for.
std::string key_of(std::string_view call, std::string_view key) { return fmt::format("souk/{}/{}", call, key); }

}  // namespace

// Without the client's secret, which Stripe sends along: it is of no use here and a key for others.
struct Stripe::Intent {
  std::string id;
  std::string status;
  std::int64_t amount = 0;
  std::int64_t amount_received = 0;
  std::int64_t amount_capturable = 0;
  std::string currency;
  std::optional<Failure> last_payment_error;
  std::optional<NextStep> next_action;
  std::optional<std::string> latest_charge;
  std::optional<Metadata> metadata;

  bool was_declined() const { return status == "requires_payment_method" && last_payment_error; }
  bool is_uncharged() const {
    return status == "requires_confirmation" || (status == "requires_payment_method" && !last_payment_error);
  }
  GatewayState state() const;
  GatewayPayment told() const;

  BOOST_DESCRIBE_CLASS(Intent, (),
                       (id, status, amount, amount_received, amount_capturable, currency, last_payment_error,
                        next_action, latest_charge, metadata),
                       (), ())
};

GatewayState Stripe::Intent::state() const {
  if (status == "succeeded") return GatewayState::succeeded;
  if (status == "requires_capture") return GatewayState::authorized;
  if (status == "requires_action") return GatewayState::requires_action;
  if (status == "canceled") return last_payment_error ? GatewayState::failed : GatewayState::cancelled;
  if (status == "processing") return GatewayState::processing;
  throw UnknownOutcome("stripe tells a status of a payment that is not known here: " + status);
}

GatewayPayment Stripe::Intent::told() const {
  GatewayPayment payment{.id = id, .state = state(), .currency = upper(currency)};
  auto units = amount;
  if (payment.state == GatewayState::succeeded) units = amount_received;
  if (payment.state == GatewayState::authorized) units = amount_capturable;
  payment.amount = from_stripe(units, payment.currency);
  if (payment.state == GatewayState::failed) payment.failure_reason = reason_of(*last_payment_error);
  if (payment.state == GatewayState::requires_action) {
    const auto redirect = next_action ? next_action->redirect_to_url : std::nullopt;
    payment.next_action =
        NextAction{.type = NextActionType::three_d_secure, .url = redirect ? redirect->url : std::nullopt};
  }
  payment.response = {json::write(*this)};
  return payment;
}

Stripe::Stripe(http::Client& client, StripeOptions options)
    : transport_(client,
                 {.name = "stripe", .url = options.url, .timeout = options.timeout, .breaker = options.breaker}),
      authorization_("Bearer " + options.secret_key),
      webhook_secrets_(std::move(options.webhook_secrets)) {
  const auto& key = options.secret_key;
  if (!key.starts_with("sk_") && !key.starts_with("rk_")) {
    throw std::invalid_argument("a secret key of Stripe begins with sk_ or rk_");
  }
}

Task<http::ClientResponse> Stripe::post(Context context, std::string path, Fields fields, std::string idempotency_key) {
  http::Headers headers{{"Authorization", authorization_},
                        {"Stripe-Version", std::string(api_version)},
                        {"Content-Type", "application/x-www-form-urlencoded"},
                        {"Idempotency-Key", std::move(idempotency_key)}};
  return transport_.send(std::move(context), http::Method::POST, std::move(path), std::move(headers), form(fields));
}

Task<http::ClientResponse> Stripe::get(Context context, std::string path) {
  http::Headers headers{{"Authorization", authorization_}, {"Stripe-Version", std::string(api_version)}};
  return transport_.send(std::move(context), http::Method::GET, std::move(path), std::move(headers));
}

// The way of capture is part of the key: after a change of that setting the same key with another body is an error.
Task<GatewayPayment> Stripe::open(Context context, GatewayCharge request) {
  const auto units = to_stripe(request.amount, request.currency);
  if (!units) co_return GatewayPayment{.state = GatewayState::failed, .failure_reason = "amount_unsupported"};
  const std::string capture = request.capture_later ? "manual" : "automatic";
  Fields fields{{"amount", std::to_string(*units)},
                {"currency", lower(request.currency)},
                {"capture_method", capture},
                {"payment_method_types[]", "card"},
                {"metadata[order_id]", request.key}};
  const auto response =
      co_await post(context, "/v1/payment_intents", std::move(fields), key_of("open-" + capture, request.key));
  if (is_success(response)) {
    const auto intent = read<Intent>(response);
    co_return GatewayPayment{.id = intent.id, .state = GatewayState::processing, .currency = upper(intent.currency)};
  }
  // Such as an amount below the least that Stripe takes.
  const auto failure = read<FailureReply>(response).error;
  log_refusal(context, failure);
  co_return GatewayPayment{.state = GatewayState::failed,
                           .failure_reason = failure.code.value_or("refused_by_gateway"),
                           .response = {json::write(failure)}};
}

// Each attempt has a key of its own: under the same one Stripe would repeat an HTTP 500 for a day. What makes the
// charge one is the intent, which can succeed once.
Task<GatewayPayment> Stripe::charge(Context context, GatewayCharge request) {
  const auto& id = request.id.value();
  Fields fields{{"payment_method", request.token}};
  if (request.return_url) {
    fields.emplace_back("return_url", *request.return_url);
  } else {
    // Nowhere to send the customer back to: a card that wants the customer is declined (authentication_required).
    fields.emplace_back("error_on_requires_action", "true");
  }
  auto response = co_await post(context, path_of(id, "/confirm"), std::move(fields),
                                key_of("confirm", request.key + "/" + Uuid::v7().to_string()));
  if (!is_success(response)) co_return co_await after_refusal(std::move(context), id, std::move(response));
  auto told = co_await settled(std::move(context), read<Intent>(response));
  if (!told) throw UnknownOutcome("stripe has not begun with the payment");
  co_return *std::move(told);
}

// 402 is a decline; 400 may be a token that Stripe does not know, or an intent that somebody else has confirmed or
// cancelled a moment ago. The intent tells which.
Task<GatewayPayment> Stripe::after_refusal(Context context, std::string id, http::ClientResponse response) {
  const auto failure = read<FailureReply>(response).error;
  auto told = co_await settled(context, co_await retrieve(context, id));
  if (told) co_return *std::move(told);
  log_refusal(context, failure);
  const bool declined = failure.type == "card_error";
  const bool bad_token = failure.param == "payment_method" || failure.code == "resource_missing";
  const auto closed = co_await cancelled(context, id);
  auto payment = closed.told();
  if (payment.state != GatewayState::cancelled) co_return payment;
  payment.state = GatewayState::failed;
  payment.failure_reason = declined ? reason_of(failure) : bad_token ? "invalid_token" : "refused_by_gateway";
  co_return payment;
}

Task<Stripe::Intent> Stripe::retrieve(Context context, std::string id) {
  const auto response = co_await get(std::move(context), path_of(id));
  if (!is_success(response)) throw UnknownOutcome(fmt::format("stripe answers HTTP {} for {}", response.status, id));
  co_return read<Intent>(response);
}

Task<std::optional<GatewayPayment>> Stripe::settled(Context context, Intent intent) {
  if (intent.is_uncharged()) co_return std::nullopt;
  if (!intent.was_declined()) co_return intent.told();
  const auto closed = co_await cancelled(std::move(context), intent.id);
  auto payment = closed.told();
  if (payment.state == GatewayState::cancelled) payment.state = GatewayState::failed;
  if (payment.state == GatewayState::failed) payment.failure_reason = reason_of(*intent.last_payment_error);
  co_return payment;
}

// Cancelled, or what it is where that came too late.
Task<Stripe::Intent> Stripe::cancelled(Context context, std::string id) {
  const auto response = co_await post(context, path_of(id, "/cancel"), {}, key_of("cancel", Uuid::v7().to_string()));
  if (is_success(response)) co_return read<Intent>(response);
  auto intent = co_await retrieve(std::move(context), std::move(id));
  if (intent.is_uncharged() || intent.was_declined()) throw UnknownOutcome("stripe does not cancel the payment");
  co_return intent;
}

Task<std::optional<GatewayPayment>> Stripe::find(Context context, GatewayRef payment) {
  co_return co_await settled(context, co_await retrieve(context, payment.id.value()));
}

Task<GatewayPayment> Stripe::capture(Context context, GatewayRef payment) {
  const auto& id = payment.id.value();
  const auto response = co_await post(context, path_of(id, "/capture"), {}, key_of("capture", Uuid::v7().to_string()));
  // Refused where it is captured already, or given up: the intent tells.
  const auto intent = is_success(response) ? read<Intent>(response) : co_await retrieve(context, id);
  if (!is_success(response) && intent.status == "requires_capture") {
    log_refusal(context, read<FailureReply>(response).error);
    throw UnknownOutcome("stripe does not capture the payment");
  }
  co_return intent.told();
}

Task<std::optional<GatewayPayment>> Stripe::cancel(Context context, GatewayRef payment) {
  auto intent = co_await retrieve(context, payment.id.value());
  const bool open = intent.status != "succeeded" && intent.status != "canceled";
  if (open) intent = co_await cancelled(std::move(context), intent.id);
  co_return intent.told();
}

Task<GatewayRefund> Stripe::refund(Context context, GatewayRefundRequest request) {
  Fields fields{{"payment_intent", request.payment_id},
                {"amount", std::to_string(to_stripe(request.amount, request.currency).value())},
                {"metadata[refund_key]", request.key}};
  const auto response = co_await post(context, "/v1/refunds", std::move(fields), key_of("refund", request.key));
  if (is_success(response)) co_return to_gateway(read<RefundObject>(response));
  const auto failure = read<FailureReply>(response).error;
  log_refusal(context, failure);
  co_return refused_refund(failure);
}

// A payment has few refunds; still, a list of them has pages.
Task<std::optional<GatewayRefund>> Stripe::find_refund(Context context, GatewayRefundRequest request) {
  std::string after;
  for (;;) {
    auto path = "/v1/refunds?limit=100&payment_intent=" + http::percent_encode(request.payment_id) + after;
    const auto response = co_await get(context, std::move(path));
    if (!is_success(response)) throw UnknownOutcome(fmt::format("stripe answers HTTP {}", response.status));
    const auto page = read<RefundList>(response);
    for (const auto& refund : page.data) {
      if (refund.metadata && refund.metadata->refund_key == request.key) co_return to_gateway(refund);
    }
    if (!page.has_more || page.data.empty()) co_return std::nullopt;
    after = "&starting_after=" + http::percent_encode(page.data.back().id);
  }
}

Task<Result<GatewayEvent>> Stripe::read_message(Context context, GatewayMessage message) {
  if (webhook_secrets_.empty()) co_return errors::no_such_gateway();
  const auto header = std::ranges::find_if(
      message.headers, [](const auto& one) { return http::equal_ignoring_case(one.name, "Stripe-Signature"); });
  const bool is_ours =
      header != message.headers.end() && stripe::is_signed(header->value, message.body, webhook_secrets_, now());
  if (!is_ours) {
    log::warning(context, "a webhook without Stripe's signature was refused", log::kv("bytes", message.body.size()));
    co_return errors::message_refused();
  }
  co_return stripe::read_event(message.body);
}

}  // namespace souk::payment
