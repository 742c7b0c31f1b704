#include "routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "errors.hpp"

namespace souk::payment {

using http::Request, http::Response;

namespace {

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

}  // namespace

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
