#include "routes.hpp"

#include "rules.hpp"

namespace souk::cart {

using http::Method, http::NoBody, http::NoQuery, http::Request;

struct NewItem {
  json::Text<1, 50> product_id;
  std::optional<json::Text<1, 50>> variant_id;
  json::Int<1, rules::max_quantity> quantity;
};
BOOST_DESCRIBE_STRUCT(NewItem, (), (product_id, variant_id, quantity))

struct ItemChange {
  json::Int<1, rules::max_quantity> quantity;
};
BOOST_DESCRIBE_STRUCT(ItemChange, (), (quantity))

struct Coupon {
  json::Text<1, 50> code;
};
BOOST_DESCRIBE_STRUCT(Coupon, (), (code))

struct Merge {
  json::Text<1, 128> from_cart_id;
};
BOOST_DESCRIBE_STRUCT(Merge, (), (from_cart_id))

namespace {

Task<Result<Cart>> create(Api& carts, Request request) { co_return co_await carts.create_cart(request.context, {}); }

Task<Result<Cart>> get(Api& carts, Request request) {
  co_return co_await carts.get_cart(request.context, {.id = request.parameter("id")});
}

Task<Result<void>> remove_cart(Api& carts, Request request) {
  SOUK_CO_CHECK(co_await carts.delete_cart(request.context, {.id = request.parameter("id")}));
  co_return Result<void>{};
}

Task<Result<Cart>> add_item(Api& carts, Request request, NewItem item) {
  co_return co_await carts.add_item(request.context, {.cart_id = request.parameter("id"),
                                                      .product_id = std::move(item.product_id),
                                                      .variant_id = std::move(item.variant_id),
                                                      .quantity = item.quantity});
}

Task<Result<Cart>> change_item(Api& carts, Request request, ItemChange change) {
  co_return co_await carts.set_quantity(
      request.context,
      {.cart_id = request.parameter("id"), .item_id = request.parameter("item_id"), .quantity = change.quantity});
}

Task<Result<Cart>> remove_item(Api& carts, Request request) {
  co_return co_await carts.remove_item(request.context,
                                       {.cart_id = request.parameter("id"), .item_id = request.parameter("item_id")});
}

Task<Result<Cart>> set_coupon(Api& carts, Request request, std::optional<std::string> code) {
  co_return co_await carts.set_coupon(request.context,
                                      {.cart_id = request.parameter("id"), .coupon_code = std::move(code)});
}

Task<Result<Cart>> merge(Api& carts, Request request, Merge body) {
  co_return co_await carts.merge_cart(request.context, {.from_cart_id = std::move(body.from_cart_id)});
}

void add_cart_routes(http::Router& router, Api& carts) {
  router.add<NoBody, NoQuery, Cart>(
      Method::POST, "/v1/carts",
      {.operation_id = "create_cart",
       .summary =
           "Makes an empty cart for a guest. Whoever knows its id may use it; it lives 7 days after its last change.",
       .tag = "Carts",
       .success_status = 201},
      [&carts](Request request, NoBody, NoQuery) { return create(carts, std::move(request)); });
  router.add<NoBody, NoQuery, Cart>(
      Method::GET, "/v1/carts/{id}",
      {.operation_id = "get_cart",
       .summary = "The cart with the prices of now; a line says when its price has changed or it is no longer sold. "
                  "The id `me` is the customer's own cart.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required"},
       .conditional = true},
      [&carts](Request request, NoBody, NoQuery) { return get(carts, std::move(request)); });
  router.add<NoBody, NoQuery, void>(
      Method::DELETE, "/v1/carts/{id}",
      {.operation_id = "delete_cart",
       .summary = "Throws the cart away.",
       .tag = "Carts",
       .success_status = 204,
       .errors = {"cart.not_found", "auth.required"}},
      [&carts](Request request, NoBody, NoQuery) { return remove_cart(carts, std::move(request)); });
  router.add<Merge, NoQuery, Cart>(
      Method::POST, "/v1/carts/me/merge",
      {.operation_id = "merge_cart",
       .summary = "Moves a guest's cart into the customer's own, once: the guest's cart is gone after it.",
       .tag = "Carts",
       .access = http::Access::customer,
       .errors = {"cart.not_found", "cart.too_many_items", "cart.total_limit", "cart.currency_mismatch", "cart.busy"}},
      [&carts](Request request, Merge body, NoQuery) { return merge(carts, std::move(request), std::move(body)); });
}

void add_item_routes(http::Router& router, Api& carts) {
  router.add<NewItem, NoQuery, Cart>(
      Method::POST, "/v1/carts/{id}/items",
      {.operation_id = "add_cart_item",
       .summary = "Puts a product into the cart; the same product and variant raise the quantity of their line.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required", "catalog.product_not_found", "catalog.variant_not_found",
                  "catalog.variant_required", "cart.product_unavailable", "cart.too_many_items", "cart.quantity_limit",
                  "cart.total_limit", "cart.currency_mismatch", "cart.busy"}},
      [&carts](Request request, NewItem body, NoQuery) {
        return add_item(carts, std::move(request), std::move(body));
      });
  router.add<ItemChange, NoQuery, Cart>(
      Method::PATCH, "/v1/carts/{id}/items/{item_id}",
      {.operation_id = "change_cart_item",
       .summary = "Sets the quantity of a line.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required", "cart.item_not_found", "cart.total_limit", "cart.busy"}},
      [&carts](Request request, ItemChange body, NoQuery) { return change_item(carts, std::move(request), body); });
  router.add<NoBody, NoQuery, Cart>(
      Method::DELETE, "/v1/carts/{id}/items/{item_id}",
      {.operation_id = "remove_cart_item",
       .summary = "Takes a line out of the cart.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required", "cart.item_not_found", "cart.busy"}},
      [&carts](Request request, NoBody, NoQuery) { return remove_item(carts, std::move(request)); });
}

void add_coupon_routes(http::Router& router, Api& carts) {
  router.add<Coupon, NoQuery, Cart>(
      Method::PUT, "/v1/carts/{id}/coupon",
      {.operation_id = "set_cart_coupon",
       .summary = "Notes a coupon code on the cart. Whether it is worth anything is said by the quote.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required", "cart.invalid_coupon_code", "cart.busy"}},
      [&carts](Request request, Coupon body, NoQuery) {
        return set_coupon(carts, std::move(request), std::move(body.code));
      });
  router.add<NoBody, NoQuery, Cart>(
      Method::DELETE, "/v1/carts/{id}/coupon",
      {.operation_id = "remove_cart_coupon",
       .summary = "Takes the coupon code off the cart.",
       .tag = "Carts",
       .errors = {"cart.not_found", "auth.required", "cart.busy"}},
      [&carts](Request request, NoBody, NoQuery) { return set_coupon(carts, std::move(request), std::nullopt); });
}

}  // namespace

void add_routes(http::Router& router, Api& carts) {
  add_cart_routes(router, carts);
  add_item_routes(router, carts);
  add_coupon_routes(router, carts);
}

}  // namespace souk::cart
