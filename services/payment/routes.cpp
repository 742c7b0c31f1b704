#include "routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "errors.hpp"

namespace souk::payment {

using http::NoBody, http::NoQuery, http::Request, http::Response;

struct PatchedPaymentMethod {
  bool is_default = false;
};
BOOST_DESCRIBE_STRUCT(PatchedPaymentMethod, (), (is_default))

namespace {

Uuid caller_id(const Request& request) { return request.context.caller().user_id.value(); }

// The saved method that the path names, of the caller; nothing for what cannot be one.
std::optional<PaymentMethodRef> method_of(const Request& request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) return std::nullopt;
  return PaymentMethodRef{.user_id = caller_id(request), .payment_method_id = *id};
}

Task<Result<PaymentMethod>> add_method(Api& payments, Request request, NewPaymentMethod body) {
  co_return co_await payments.add_payment_method(request.context,
                                                 {.user_id = caller_id(request), .method = std::move(body)});
}

Task<Result<PaymentMethod>> patch_method(Api& payments, Request request, PatchedPaymentMethod body) {
  if (!body.is_default) co_return errors::invalid_request("is_default", "make another one the default instead");
  const auto ref = method_of(request);
  if (!ref) co_return errors::no_such_payment_method();
  co_return co_await payments.make_default_payment_method(request.context, *ref);
}

Task<Result<void>> delete_method(Api& payments, Request request) {
  const auto ref = method_of(request);
  if (!ref) co_return errors::no_such_payment_method();
  SOUK_CO_CHECK(co_await payments.delete_payment_method(request.context, *ref));
  co_return Result<void>{};
}

// What a customer sees at a gateway: the shop's page is left for it, and it leads back.
constexpr std::string_view page = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Payment simulator</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1.2rem;margin-right:.5rem}}</style>
<h1>Payment simulator</h1>
<p>Payment of <strong>{0} {1}</strong></p>{2}
</html>
)";

constexpr std::string_view buttons = R"(
<p>This page stands for your bank. No money moves.</p>
<form method="post" action="/simulator/payments/{0}?decision=approve"><button>Approve</button></form>
<form method="post" action="/simulator/payments/{0}?decision=reject"><button>Reject</button></form>)";

Response not_found(const Request& request) {
  return http::problem(errors::not_found().error(), request.context.request_id());
}

Response show(const Simulator::Hosted& hosted) {
  const auto& payment = hosted.payment;
  const auto rest = payment.state == GatewayState::requires_action
                        ? fmt::format(buttons, payment.id)
                        : fmt::format("\n<p>It is {}.</p>", json::enum_name(payment.state));
  return Response{.content_type = "text/html; charset=utf-8",
                  .body = fmt::format(page, payment.amount.to_string(), payment.currency, rest)};
}

Task<Response> get_page(Simulator& simulator, Request request) {
  const auto hosted = co_await simulator.find_hosted(request.context, request.parameter("id"));
  co_return hosted ? show(*hosted) : not_found(request);
}

Task<Response> decide(Simulator& simulator, Api& payments, Request request) {
  const auto decision = std::ranges::find(request.query, "decision", &std::pair<std::string, std::string>::first);
  const bool approve = decision != request.query.end() && decision->second == "approve";
  if (!approve && (decision == request.query.end() || decision->second != "reject")) {
    co_return http::problem(errors::invalid_request("decision", "must be approve or reject").error(),
                            request.context.request_id());
  }
  co_await simulator.decide(request.context, request.parameter("id"), approve);
  const auto hosted = co_await simulator.find_hosted(request.context, request.parameter("id"));
  if (!hosted) co_return not_found(request);
  // As a gateway's webhook would: the shop hears of it even if the customer never comes back.
  if (const auto order_id = Uuid::parse(hosted->key)) co_await payments.resolve(request.context, {*order_id});
  if (!hosted->return_url) co_return show(*hosted);
  co_return Response{.status = 303}.with_header("Location", *hosted->return_url);
}

void add_method_routes(http::Router& router, Api& payments) {
  router.add<NoBody, NoQuery, PaymentMethods>(http::Method::GET, "/v1/me/payment-methods",
                                              {.operation_id = "list_my_payment_methods",
                                               .summary = "Your saved payment methods, the default first; at most 20.",
                                               .tag = "Account",
                                               .access = http::Access::customer},
                                              [&payments](Request request, NoBody, NoQuery) {
                                                return payments.list_payment_methods(request.context,
                                                                                     {.user_id = caller_id(request)});
                                              });
  router.add<NewPaymentMethod, NoQuery, PaymentMethod>(
      http::Method::POST, "/v1/me/payment-methods",
      {.operation_id = "add_my_payment_method",
       .summary = "Saves the token that the payment gateway made of a card, UPI address or wallet; never a card's "
                  "number. The first one becomes the default. The same token again gives the same method. A checkout "
                  "names it as payment.payment_method_id.",
       .tag = "Account",
       .access = http::Access::customer,
       .success_status = 201,
       .errors = {"422 payment.method_unavailable", "422 payment.card_number_refused", "422 payment.card_expired",
                  "409 payment.too_many_payment_methods"}},
      [&payments](Request request, NewPaymentMethod body, NoQuery) {
        return add_method(payments, std::move(request), std::move(body));
      });
  router.add<PatchedPaymentMethod, NoQuery, PaymentMethod>(
      http::Method::PATCH, "/v1/me/payment-methods/{id}",
      {.operation_id = "change_my_payment_method",
       .summary = "Makes it the default; the one before is it no longer.",
       .tag = "Account",
       .access = http::Access::customer,
       .errors = {"404 payment.payment_method_not_found"}},
      [&payments](Request request, PatchedPaymentMethod body, NoQuery) {
        return patch_method(payments, std::move(request), body);
      });
  router.add<NoBody, NoQuery, void>(
      http::Method::DELETE, "/v1/me/payment-methods/{id}",
      {.operation_id = "delete_my_payment_method",
       .summary = "Deletes it; the newest of the others takes the place of a default. Orders that were paid with it "
                  "keep their payment.",
       .tag = "Account",
       .access = http::Access::customer,
       .success_status = 204,
       .errors = {"404 payment.payment_method_not_found"}},
      [&payments](Request request, NoBody, NoQuery) { return delete_method(payments, std::move(request)); });
}

}  // namespace

void add_routes(http::Router& router, Api& payments) { add_method_routes(router, payments); }

void add_simulator_routes(http::Router& router, Simulator& simulator, Api& payments) {
  router.add_raw(http::Method::GET, "/simulator/payments/{id}",
                 {.operation_id = "get_simulated_payment",
                  .summary = "The payment simulator's page, where a customer approves or rejects a payment.",
                  .tag = "Simulator",
                  .errors = {"payment.not_found"},
                  .media_type = "text/html"},
                 [&simulator](Request request) { return get_page(simulator, std::move(request)); });
  router.add_raw(http::Method::POST, "/simulator/payments/{id}",
                 {.operation_id = "decide_simulated_payment",
                  .summary = "Approves or rejects (?decision=approve, ?decision=reject) a payment at the simulator; "
                             "leads back to the shop where the checkout named a return_url.",
                  .tag = "Simulator",
                  .other_statuses = {303},
                  .errors = {"payment.not_found"},
                  .media_type = "text/html"},
                 [&simulator, &payments](Request request) { return decide(simulator, payments, std::move(request)); });
}

}  // namespace souk::payment
