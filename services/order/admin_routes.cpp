#include <chrono>

#include "errors.hpp"
#include "routes.hpp"

namespace souk::order {

using http::Method, http::NoBody, http::NoQuery, http::Request;

// SearchOrders as a query: who names no limit gets its default.
struct SearchQuery {
  std::optional<OrderStatus> status;
  std::optional<PaymentStatus> payment_status;
  std::optional<json::Text<1, 255>> email;
  std::optional<json::Text<1, 50>> order_number;
  std::optional<Timestamp> created_from;
  std::optional<Timestamp> created_to;
  std::optional<Amount> min_total;
  std::optional<Amount> max_total;
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(SearchQuery, (),
                      (status, payment_status, email, order_number, created_from, created_to, min_total, max_total,
                       limit, cursor))

namespace {

// An id that is none names nothing.
std::optional<OrderRef> ref_of(const Request& request) {
  const auto id = Uuid::parse(request.parameter("id"));
  return id ? std::optional<OrderRef>({.order_id = *id}) : std::nullopt;
}

Task<Result<OrderPage>> search(Api& orders, Request request, SearchQuery query) {
  SearchOrders wanted{.status = query.status,
                      .payment_status = query.payment_status,
                      .email = std::move(query.email),
                      .order_number = std::move(query.order_number),
                      .created_from = query.created_from,
                      .created_to = query.created_to,
                      .min_total = query.min_total,
                      .max_total = query.max_total,
                      .cursor = std::move(query.cursor)};
  if (query.limit) wanted.limit = *query.limit;
  co_return co_await orders.search_orders(request.context, std::move(wanted));
}

using Change = Task<Result<Order>> (Api::*)(Context, OrderRef);

Task<Result<Order>> change(Api& orders, Change method, Request request) {
  auto ref = ref_of(request);
  if (!ref) co_return errors::order_not_found();
  co_return co_await (orders.*method)(request.context, *std::move(ref));
}

Task<Result<Order>> ship(Api& orders, Request request, Parcel parcel) {
  const auto ref = ref_of(request);
  if (!ref) co_return errors::order_not_found();
  co_return co_await orders.ship_order(request.context,
                                       {.order_id = ref->order_id,
                                        .idempotency_key = std::string(request.header("Idempotency-Key")),
                                        .parcel = std::move(parcel)});
}

void add_reads(http::Router& router, Api& orders) {
  router.add<NoBody, SearchQuery, OrderPage>(
      Method::GET, "/v1/admin/orders",
      {.operation_id = "search_orders",
       .summary = "All orders, newest first, narrowed by status, payment, e-mail, number, time and total.",
       .tag = "Orders",
       .access = http::Access::admin,
       .errors = {"400 request.invalid_cursor"}},
      [&orders](Request request, NoBody, SearchQuery query) {
        return search(orders, std::move(request), std::move(query));
      });
  router.add<NoBody, NoQuery, Order>(
      Method::GET, "/v1/admin/orders/{id}",
      {.operation_id = "get_any_order",
       .summary = "An order with its history and parcels.",
       .tag = "Orders",
       .access = http::Access::admin,
       .errors = {"order.not_found"},
       .conditional = true},
      [&orders](Request request, NoBody, NoQuery) { return change(orders, &Api::get_order, std::move(request)); });
}

void add_changes(http::Router& router, Api& orders) {
  router.add<NoBody, NoQuery, Order>(Method::POST, "/v1/admin/orders/{id}/process",
                                     {.operation_id = "start_processing_order",
                                      .summary = "Packing begins: confirmed becomes processing. Twice is once.",
                                      .tag = "Orders",
                                      .access = http::Access::admin,
                                      .errors = {"order.not_found", "409 order.illegal_status"}},
                                     [&orders](Request request, NoBody, NoQuery) {
                                       return change(orders, &Api::start_processing, std::move(request));
                                     });
  router.add<NoBody, NoQuery, Order>(
      Method::POST, "/v1/admin/orders/{id}/deliver",
      {.operation_id = "deliver_order",
       .summary = "The customer has it: shipped becomes delivered, and cash on delivery is paid. Twice is once.",
       .tag = "Orders",
       .access = http::Access::admin,
       .errors = {"order.not_found", "409 order.illegal_status", "409 order.not_paid", "409 order.capture_failed",
                  "503 order.capture_unanswered"},
       .time_limit = std::chrono::seconds(20)},
      [&orders](Request request, NoBody, NoQuery) { return change(orders, &Api::deliver_order, std::move(request)); });
  router.add<NoBody, NoQuery, Order>(
      Method::POST, "/v1/admin/orders/{id}/cancel",
      {.operation_id = "cancel_any_order",
       .summary = "Cancels an order of which nothing has been shipped; what was paid is given back.",
       .tag = "Orders",
       .access = http::Access::admin,
       .errors = {"order.not_found", "409 order.already_shipped", "409 order.already_refunded"}},
      [&orders](Request request, NoBody, NoQuery) { return change(orders, &Api::cancel_order, std::move(request)); });
}

void add_shipping(http::Router& router, Api& orders) {
  router.add<Parcel, NoQuery, Order>(
      Method::POST, "/v1/admin/orders/{id}/shipments",
      {.operation_id = "ship_order",
       .summary = "Ships a parcel with some of the items, or with all that are left. The last part makes the order "
                  "shipped. Money that is only held is captured first. A repeated Idempotency-Key ships once.",
       .tag = "Orders",
       .access = http::Access::admin,
       .success_status = 201,
       .errors = {"order.not_found", "409 order.illegal_status", "409 order.nothing_left_to_ship",
                  "409 order.checkout_unfinished", "409 order.capture_failed", "503 order.capture_unanswered",
                  "422 order.unknown_item", "422 idempotency.body_mismatch", "409 idempotency.in_progress"},
       .idempotency_key = true,
       .time_limit = std::chrono::seconds(20)},
      [&orders](Request request, Parcel parcel, NoQuery) {
        return ship(orders, std::move(request), std::move(parcel));
      });
}

}  // namespace

void add_admin_routes(http::Router& router, Api& orders) {
  add_reads(router, orders);
  add_changes(router, orders);
  add_shipping(router, orders);
}

}  // namespace souk::order
