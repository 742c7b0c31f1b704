#include "errors.hpp"
#include "routes.hpp"

namespace souk::order {

using http::Method, http::NoBody, http::NoQuery, http::Request;

struct ReturnTokenQuery {
  std::optional<json::Text<1, 100>> access_token;
};
BOOST_DESCRIBE_STRUCT(ReturnTokenQuery, (), (access_token))

struct ReturnsQuery {
  std::optional<ReturnStatus> status;
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(ReturnsQuery, (), (status, limit, cursor))

// What the customer is told of a decision, kept with the return.
struct ReturnDecision {
  std::optional<json::Text<0, 2000>> notes;
};
BOOST_DESCRIBE_STRUCT(ReturnDecision, (), (notes))

namespace {

std::optional<OrderRef> order_of(const Request& request, const ReturnTokenQuery& query) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) return std::nullopt;
  OrderRef ref{.order_id = *id};
  if (const auto header = request.header("X-Order-Token"); !header.empty()) {
    ref.access_token = std::string(header);
  } else if (query.access_token) {
    ref.access_token = *query.access_token;
  }
  return ref;
}

Task<Result<Return>> ask(Api& orders, Request request, ReturnBody body, ReturnTokenQuery query) {
  auto ref = order_of(request, query);
  if (!ref) co_return errors::order_not_found();
  co_return co_await orders.request_return(request.context,
                                           {.order = *std::move(ref),
                                            .idempotency_key = std::string(request.header("Idempotency-Key")),
                                            .body = std::move(body)});
}

Task<Result<OrderReturns>> list_of_order(Api& orders, Request request, ReturnTokenQuery query) {
  auto ref = order_of(request, query);
  if (!ref) co_return errors::order_not_found();
  co_return co_await orders.list_order_returns(request.context, *std::move(ref));
}

Task<Result<ReturnPage>> list(Api& orders, Request request, ReturnsQuery query) {
  ListReturns wanted{.status = query.status, .cursor = std::move(query.cursor)};
  if (query.limit) wanted.limit = *query.limit;
  co_return co_await orders.list_returns(request.context, std::move(wanted));
}

Task<Result<Return>> get(Api& orders, Request request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::return_not_found();
  co_return co_await orders.get_return(request.context, {.return_id = *id});
}

Task<Result<Return>> decide(Api& orders, Request request, ReturnDecision body, bool approve) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::return_not_found();
  co_return co_await orders.decide_return(request.context,
                                          {.return_id = *id, .approve = approve, .notes = std::move(body.notes)});
}

Task<Result<Return>> receive(Api& orders, Request request, Receipt body) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::return_not_found();
  co_return co_await orders.receive_return(request.context, {.return_id = *id, .receipt = std::move(body)});
}

void add_customers(http::Router& router, Api& orders) {
  router.add<ReturnBody, ReturnTokenQuery, Return>(
      Method::POST, "/v1/orders/{id}/returns",
      {.operation_id = "request_return",
       .summary = "Asks to send items of a shipped order back. Guests show the order's token. A repeated "
                  "Idempotency-Key asks once.",
       .tag = "Returns",
       .success_status = 201,
       .errors = {"order.not_found", "409 return.not_shipped", "409 return.too_many", "409 order.not_paid",
                  "422 order.unknown_item", "422 idempotency.body_mismatch", "409 idempotency.in_progress"},
       .idempotency_key = true},
      [&orders](Request request, ReturnBody body, ReturnTokenQuery query) {
        return ask(orders, std::move(request), std::move(body), std::move(query));
      });
  router.add<NoBody, ReturnTokenQuery, OrderReturns>(
      Method::GET, "/v1/orders/{id}/returns",
      {.operation_id = "list_order_returns",
       .summary = "An order's returns, oldest first, for who may see the order.",
       .tag = "Returns",
       .errors = {"order.not_found"}},
      [&orders](Request request, NoBody, ReturnTokenQuery query) {
        return list_of_order(orders, std::move(request), std::move(query));
      });
}

void add_reads(http::Router& router, Api& orders) {
  router.add<NoBody, ReturnsQuery, ReturnPage>(Method::GET, "/v1/admin/returns",
                                               {.operation_id = "list_returns",
                                                .summary = "Returns of all orders, newest first.",
                                                .tag = "Returns",
                                                .access = http::Access::admin,
                                                .errors = {"400 request.invalid_cursor"}},
                                               [&orders](Request request, NoBody, ReturnsQuery query) {
                                                 return list(orders, std::move(request), std::move(query));
                                               });
  router.add<NoBody, NoQuery, Return>(
      Method::GET, "/v1/admin/returns/{id}",
      {.operation_id = "get_return",
       .summary = "A return, and what it gives back.",
       .tag = "Returns",
       .access = http::Access::admin,
       .errors = {"return.not_found"}},
      [&orders](Request request, NoBody, NoQuery) { return get(orders, std::move(request)); });
}

void add_changes(http::Router& router, Api& orders) {
  router.add<ReturnDecision, NoQuery, Return>(Method::POST, "/v1/admin/returns/{id}/approve",
                                              {.operation_id = "approve_return",
                                               .summary = "The customer may send the items. Twice is once.",
                                               .tag = "Returns",
                                               .access = http::Access::admin,
                                               .errors = {"return.not_found", "409 return.illegal_status"}},
                                              [&orders](Request request, ReturnDecision body, NoQuery) {
                                                return decide(orders, std::move(request), std::move(body), true);
                                              });
  router.add<ReturnDecision, NoQuery, Return>(
      Method::POST, "/v1/admin/returns/{id}/reject",
      {.operation_id = "reject_return",
       .summary = "The items are not taken back, and may be asked for anew. Twice is once.",
       .tag = "Returns",
       .access = http::Access::admin,
       .errors = {"return.not_found", "409 return.illegal_status"}},
      [&orders](Request request, ReturnDecision body, NoQuery) {
        return decide(orders, std::move(request), std::move(body), false);
      });
  router.add<Receipt, NoQuery, Return>(
      Method::POST, "/v1/admin/returns/{id}/receive",
      {.operation_id = "receive_return",
       .summary = "The items have arrived: they go back into the stock unless restock is false, and their share of "
                  "what was paid is given back, with refund_shipping that too. Twice is once.",
       .tag = "Returns",
       .access = http::Access::admin,
       .errors = {"return.not_found", "409 return.illegal_status", "409 return.shipping_refunded",
                  "422 order.unknown_item"}},
      [&orders](Request request, Receipt body, NoQuery) {
        return receive(orders, std::move(request), std::move(body));
      });
}

}  // namespace

void add_return_routes(http::Router& router, Api& orders) {
  add_customers(router, orders);
  add_reads(router, orders);
  add_changes(router, orders);
}

}  // namespace souk::order
