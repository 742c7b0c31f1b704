#include "routes.hpp"

#include "coupon_routes.hpp"
#include "errors.hpp"

namespace souk::order {

using http::Method, http::NoBody, http::NoQuery, http::Request, http::Response;

// The body of a quote: where the cart would go, and how.
struct QuoteBody {
  std::optional<Address> shipping_address;
  std::optional<json::Text<1, 50>> shipping_method;
  std::optional<json::Text<3, 255>> email;  // of a guest, for promotions that are limited a customer
};
BOOST_DESCRIBE_STRUCT(QuoteBody, (), (shipping_address, shipping_method, email))

struct TokenQuery {
  std::optional<json::Text<1, 100>> access_token;
};
BOOST_DESCRIBE_STRUCT(TokenQuery, (), (access_token))

// What gateways add to the URL that they send customers back to is nothing that we believe.
struct ReturnQuery {
  std::optional<json::Text<1, 100>> access_token;
  std::optional<json::Text<0, 1000>> payment_intent;
  std::optional<json::Text<0, 1000>> payment_intent_client_secret;
  std::optional<json::Text<0, 1000>> redirect_status;
  std::optional<json::Text<0, 1000>> token;
  std::optional<json::Text<0, 1000>> PayerID;
};
BOOST_DESCRIBE_STRUCT(ReturnQuery, (),
                      (access_token, payment_intent, payment_intent_client_secret, redirect_status, token, PayerID))

struct PageQuery {
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(PageQuery, (), (limit, cursor))

// 202 of a checkout: the customer must act, or the outcome is not known yet.
struct CheckoutUnderWay {
  Checkout checkout;
};
BOOST_DESCRIBE_STRUCT(CheckoutUnderWay, (), (checkout))

namespace {

// An id that is none names nothing.
std::optional<OrderRef> ref_of(const Request& request, const std::optional<json::Text<1, 100>>& token_in_query) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) return std::nullopt;
  OrderRef ref{.order_id = *id};
  if (const auto header = request.header("X-Order-Token"); !header.empty()) {
    ref.access_token = std::string(header);
  } else if (token_in_query) {
    ref.access_token = *token_in_query;
  }
  return ref;
}

Task<Result<QuoteResult>> quote(Api& orders, Request request, QuoteBody body) {
  co_return co_await orders.quote(request.context, {.cart_id = request.parameter("id"),
                                                    .shipping_address = std::move(body.shipping_address),
                                                    .shipping_method = std::move(body.shipping_method),
                                                    .email = std::move(body.email)});
}

Task<Response> checkout(Api& orders, Request request, CheckoutBody body) {
  StartCheckout start{.cart_id = request.parameter("id"),
                      .idempotency_key = std::string(request.header("Idempotency-Key")),
                      .body = std::move(body)};
  const auto result = co_await orders.checkout(request.context, std::move(start));
  if (!result) co_return http::problem(result.error(), request.context.request_id());
  if (result->checkout) {
    co_return http::reply(CheckoutUnderWay{*result->checkout}, 202)
        .with_header("Location", "/v1/checkouts/" + result->checkout->id.to_string());
  }
  co_return http::reply(result->order.value(), 201)
      .with_header("Location", "/v1/orders/" + result->order->id.to_string());
}

Task<Result<Checkout>> get_checkout(Api& orders, Request request, TokenQuery query) {
  auto ref = ref_of(request, query.access_token);
  if (!ref) co_return errors::checkout_not_found();
  co_return co_await orders.get_checkout(request.context, *std::move(ref));
}

// Refused checkouts too are told as what they have come to: it was not the return that was refused.
Task<Result<Checkout>> come_back(Api& orders, Request request, ReturnQuery query) {
  auto ref = ref_of(request, query.access_token);
  if (!ref) co_return errors::checkout_not_found();
  (void)co_await orders.resume_checkout(request.context, *ref);
  co_return co_await orders.get_checkout(request.context, *std::move(ref));
}

Task<Result<Order>> get_order(Api& orders, Request request, TokenQuery query) {
  auto ref = ref_of(request, query.access_token);
  if (!ref) co_return errors::order_not_found();
  co_return co_await orders.get_order(request.context, *std::move(ref));
}

Task<Result<Order>> cancel_order(Api& orders, Request request, TokenQuery query) {
  auto ref = ref_of(request, query.access_token);
  if (!ref) co_return errors::order_not_found();
  co_return co_await orders.cancel_order(request.context, *std::move(ref));
}

Task<Result<OrderPage>> list_orders(Api& orders, Request request, PageQuery query) {
  ListOrders list{.user_id = request.context.caller().user_id.value(), .cursor = std::move(query.cursor)};
  if (query.limit) list.limit = *query.limit;
  co_return co_await orders.list_orders(request.context, std::move(list));
}

void add_cart_routes(http::Router& router, Api& orders) {
  router.add<QuoteBody, NoQuery, QuoteResult>(
      Method::POST, "/v1/carts/{id}/quote",
      {.operation_id = "quote_cart",
       .summary =
           "What the cart costs at an address by a shipping method; nothing is kept. Without an address there is "
           "no tax, without a method it is the first that is offered.",
       .tag = "Checkout",
       .errors = {"cart.not_found", "409 cart.empty", "cart.product_unavailable", "cart.currency_mismatch",
                  "cart.total_limit", "checkout.unknown_shipping_method", "auth.required", "422 coupon.unknown",
                  "422 coupon.expired", "422 coupon.not_applicable", "422 coupon.minimum_not_reached",
                  "409 coupon.used_up"}},
      [&orders](Request request, QuoteBody body, NoQuery) {
        return quote(orders, std::move(request), std::move(body));
      });
  router.add<CheckoutBody, NoQuery, Order>(
      Method::POST, "/v1/carts/{id}/checkout",
      {.operation_id = "checkout_cart",
       .summary = "Buys the cart: 201 with the order. 202 with {\"checkout\": …} when the customer must act or the "
                  "outcome is not known yet: follow /v1/checkouts/{id}. A repeated Idempotency-Key gives the same "
                  "reply, refusals too. A guest gets an access_token for the order.",
       .tag = "Checkout",
       .success_status = 201,
       .other_statuses = {202},
       .errors = {"402 payment.declined",
                  "402 checkout.cancelled",
                  "cart.not_found",
                  "409 cart.empty",
                  "409 checkout.in_progress",
                  "409 checkout.cart_in_checkout",
                  "409 checkout.expired",
                  "409 checkout.hold_lost",
                  "409 promotion.used_up",
                  "409 inventory.insufficient_stock",
                  "422 cart.price_changed",
                  "422 cart.product_unavailable",
                  "422 cart.currency_mismatch",
                  "422 cart.total_limit",
                  "422 checkout.email_required",
                  "422 checkout.address_required",
                  "422 checkout.address_not_found",
                  "422 checkout.unknown_shipping_method",
                  "422 idempotency.body_mismatch",
                  "409 coupon.used_up",
                  "422 coupon.unknown",
                  "422 coupon.expired",
                  "422 coupon.not_applicable",
                  "422 coupon.minimum_not_reached",
                  "422 payment.method_unavailable",
                  "422 payment.token_required",
                  "422 payment.payment_method_not_found",
                  "422 payment.card_number_refused",
                  "422 payment.amount_unsupported",
                  "401 auth.required"},
       .idempotency_key = true,
       .time_limit = std::chrono::seconds(20),
       .priority = http::Priority::checkout},
      [&orders](Request request, CheckoutBody body, NoQuery) {
        return checkout(orders, std::move(request), std::move(body));
      });
}

void add_checkout_routes(http::Router& router, Api& orders) {
  router.add<NoBody, TokenQuery, Checkout>(
      Method::GET, "/v1/checkouts/{id}",
      {.operation_id = "get_checkout",
       .summary = "Where a checkout stands. Its id is that of the order it becomes. Guests show its access token as "
                  "X-Order-Token or access_token.",
       .tag = "Checkout",
       .errors = {"checkout.not_found"},
       .conditional = true},
      [&orders](Request request, NoBody, TokenQuery query) {
        return get_checkout(orders, std::move(request), std::move(query));
      });
  router.add<NoBody, ReturnQuery, Checkout>(
      Method::GET, "/v1/checkouts/{id}/return",
      {.operation_id = "return_to_checkout",
       .summary = "Where gateways send the customer back to: asks the gateway what became of the payment and goes on.",
       .tag = "Checkout",
       .errors = {"checkout.not_found"},
       .time_limit = std::chrono::seconds(20),
       .priority = http::Priority::checkout},
      [&orders](Request request, NoBody, ReturnQuery query) {
        return come_back(orders, std::move(request), std::move(query));
      });
}

void add_order_routes(http::Router& router, Api& orders) {
  router.add<NoBody, TokenQuery, Order>(
      Method::GET, "/v1/orders/{id}",
      {.operation_id = "get_order",
       .summary = "An order, for who bought it: the customer, or a guest with its access token as X-Order-Token or "
                  "access_token.",
       .tag = "Orders",
       .errors = {"order.not_found"},
       .conditional = true},
      [&orders](Request request, NoBody, TokenQuery query) {
        return get_order(orders, std::move(request), std::move(query));
      });
  router.add<NoBody, TokenQuery, Order>(
      Method::POST, "/v1/orders/{id}/cancel",
      {.operation_id = "cancel_order",
       .summary = "Cancels an order that has not been shipped; what was paid is given back. Cancelling twice is "
                  "cancelling once.",
       .tag = "Orders",
       .errors = {"order.not_found", "409 order.already_shipped", "409 order.already_refunded"},
       .idempotency_key = true,
       .priority = http::Priority::checkout},
      [&orders](Request request, NoBody, TokenQuery query) {
        return cancel_order(orders, std::move(request), std::move(query));
      });
  router.add<NoBody, PageQuery, OrderPage>(Method::GET, "/v1/me/orders",
                                           {.operation_id = "list_my_orders",
                                            .summary = "The customer's orders, newest first.",
                                            .tag = "Orders",
                                            .access = http::Access::customer,
                                            .errors = {"400 request.invalid_cursor"}},
                                           [&orders](Request request, NoBody, PageQuery query) {
                                             return list_orders(orders, std::move(request), std::move(query));
                                           });
}

}  // namespace

void add_routes(http::Router& router, Api& orders) {
  add_cart_routes(router, orders);
  add_checkout_routes(router, orders);
  add_order_routes(router, orders);
  add_admin_routes(router, orders);
  add_return_routes(router, orders);
  add_coupon_routes(router, orders);
}

}  // namespace souk::order
