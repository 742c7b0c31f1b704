#include <simdjson.h>

#include <array>
#include <chrono>

#include "errors.hpp"
#include "routes.hpp"

// Where gateways send their messages.
namespace souk::payment {

using http::Request, http::Response;

namespace {

struct Source {
  const char* gateway;
  const char* path;
  const char* operation_id;
  const char* summary;
  std::array<const char*, 1> headers;  // those that sign the body
};

constexpr auto sources = std::to_array<Source>({
    {.gateway = "stripe",
     .path = "/v1/webhooks/stripe",
     .operation_id = "receive_stripe_webhook",
     .summary =
         "Stripe's webhooks, signed in Stripe-Signature. Each event is applied once; an answer other than 200 has "
         "Stripe send it again.",
     .headers = {"Stripe-Signature"}},
});

Task<Response> receive(Api& payments, const Source& source, Request request) {
  // Between processes a message travels as JSON, which holds no other text; none that is signed is different.
  if (!simdjson::validate_utf8(request.body)) {
    co_return http::problem(errors::message_refused().error(), request.context.request_id());
  }
  GatewayMessage message{.gateway = source.gateway, .body = std::move(request.body)};
  for (const auto* name : source.headers) {
    message.headers.push_back({.name = name, .value = std::string(request.header(name))});
  }
  const auto receipt = co_await payments.receive_message(request.context, std::move(message));
  co_return http::reply(receipt, request);
}

}  // namespace

void add_webhook_routes(http::Router& router, Api& payments) {
  for (const auto& source : sources) {
    router.add_raw(http::Method::POST, source.path,
                   {.operation_id = source.operation_id,
                    .summary = source.summary,
                    .tag = "Webhooks",
                    .errors = {"400 payment.message_refused", "404 payment.no_such_gateway"},
                    .body_limit = 256 * 1024,
                    .time_limit = std::chrono::seconds(15),
                    .priority = http::Priority::checkout,
                    .ignores_caller = true},
                   [&payments, &source](Request request) { return receive(payments, source, std::move(request)); });
  }
}

}  // namespace souk::payment
