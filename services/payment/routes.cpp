#include "routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/crypto.hpp"
#include "errors.hpp"

namespace souk::payment {

using http::NoBody, http::NoQuery, http::Request, http::Response;

struct PatchedPaymentMethod {
  bool is_default = false;
};
BOOST_DESCRIBE_STRUCT(PatchedPaymentMethod, (), (is_default))

struct RefundBody {
  std::optional<Amount> amount;  // absent: all that is left
  std::optional<json::Text<1, 500>> reason;
};
BOOST_DESCRIBE_STRUCT(RefundBody, (), (amount, reason))

namespace {

// A gateway has 10 s, and what it says is written after that.
constexpr auto gateway_time = std::chrono::seconds(15);

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

std::optional<PaymentRef> payment_of(const Request& request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) return std::nullopt;
  return PaymentRef{.payment_id = *id};
}

Task<Result<PaymentDetails>> get_payment(Api& payments, Request request) {
  const auto ref = payment_of(request);
  if (!ref) co_return errors::no_such_payment();
  co_return co_await payments.get_payment_details(request.context, *ref);
}

Task<Response> capture(Api& payments, Request request) {
  const auto ref = payment_of(request);
  if (!ref) co_return http::problem(errors::no_such_payment().error(), request.context.request_id());
  const auto captured = co_await payments.capture(request.context, *ref);
  const bool open = captured && captured->status == PaymentStatus::processing;
  co_return http::reply(captured, request, open ? 202 : 200);
}

// One refund for each key of each administrator.
std::string cause_of(const Request& request) {
  const auto text = request.context.caller().to_string() + "\n" + std::string(request.header("Idempotency-Key"));
  return "admin:" + hex(sha256(text)).substr(0, 40);
}

Task<Response> refund(Api& payments, Request request, RefundBody body) {
  const auto ref = payment_of(request);
  if (!ref) co_return http::problem(errors::no_such_payment().error(), request.context.request_id());
  const auto paid = co_await payments.get_payment_details(request.context, *ref);
  if (!paid) co_return http::problem(paid.error(), request.context.request_id());
  RefundPayment wanted{.order_id = paid->payment.order_id, .amount = body.amount, .cause = cause_of(request)};
  if (body.reason) wanted.reason = *std::move(body.reason);
  wanted.idempotency_key = std::string(request.header("Idempotency-Key"));
  const auto refund = co_await payments.refund(request.context, std::move(wanted));
  const bool open = refund && refund->status == RefundStatus::processing;
  co_return http::reply(refund, request, open ? 202 : 200);
}

void add_admin_reads(http::Router& router, Api& payments) {
  router.add<NoBody, ListPayments, PaymentPage>(
      http::Method::GET, "/v1/admin/payments",
      {.operation_id = "list_payments",
       .summary = "Payments, newest first. authorized=true gives those whose money is held and to be captured.",
       .tag = "Payments",
       .access = http::Access::admin},
      [&payments](Request request, NoBody, ListPayments query) {
        return payments.list_payments(request.context, std::move(query));
      });
  router.add<NoBody, NoQuery, PaymentDetails>(
      http::Method::GET, "/v1/admin/payments/{id}",
      {.operation_id = "get_payment",
       .summary = "A payment with its refunds.",
       .tag = "Payments",
       .access = http::Access::admin,
       .errors = {"404 payment.not_found"},
       .conditional = true},
      [&payments](Request request, NoBody, NoQuery) { return get_payment(payments, std::move(request)); });
}

void add_admin_writes(http::Router& router, Api& payments) {
  router.add<NoBody, NoQuery, Payment>(
      http::Method::POST, "/v1/admin/payments/{id}/capture",
      {.operation_id = "capture_payment",
       .summary = "Takes the money that is held for an authorized payment. Capturing twice is not an error. 202 while "
                  "the gateway has not answered: it is asked on.",
       .tag = "Payments",
       .access = http::Access::admin,
       .other_statuses = {202},
       .errors = {"404 payment.not_found", "409 payment.not_authorized"},
       .time_limit = gateway_time},
      [&payments](Request request, NoBody, NoQuery) { return capture(payments, std::move(request)); });
  router.add<RefundBody, NoQuery, Refund>(
      http::Method::POST, "/v1/admin/payments/{id}/refund",
      {.operation_id = "refund_payment",
       .summary =
           "Gives back an amount, or all that is left. The order stays as it is. The same Idempotency-Key is the "
           "same refund, as it is by then; one that failed is tried again. 202 while the gateway has not "
           "answered: it is asked on.",
       .tag = "Payments",
       .access = http::Access::admin,
       .other_statuses = {202},
       .errors = {"404 payment.not_found", "409 payment.not_captured", "422 payment.refund_exceeds_capture",
                  "422 idempotency.body_mismatch", "409 idempotency.in_progress"},
       .idempotency_key = true,
       .time_limit = gateway_time},
      [&payments](Request request, RefundBody body, NoQuery) {
        return refund(payments, std::move(request), std::move(body));
      });
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

void add_routes(http::Router& router, Api& payments) {
  add_method_routes(router, payments);
  add_admin_reads(router, payments);
  add_admin_writes(router, payments);
  add_webhook_routes(router, payments);
}

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
