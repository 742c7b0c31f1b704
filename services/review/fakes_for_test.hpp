#pragma once

#include <stdexcept>

#include "catalog/api.hpp"
#include "order/api.hpp"
#include "user/api.hpp"

namespace souk::review {

#define SOUK_NOT_CALLED(api, method, Request, Reply)                       \
  Task<Result<Reply>> method(Context, Request) override {                  \
    throw std::logic_error(#api "::" #method " is not called by reviews"); \
    co_return Refusal(Error{});                                            \
  }

// Knows the product "p1", also as "product-one".
struct FakeCatalog final : catalog::Api {
  Task<Result<catalog::ProductDocument>> get_product(Context, catalog::GetProduct request) override {
    if (request.id_or_slug != "p1" && request.id_or_slug != "product-one") {
      co_return refuse(ErrorKind::not_found, "catalog.product_not_found", "There is no such product.");
    }
    co_return catalog::ProductDocument{.product_id = "p1"};
  }
  SOUK_NOT_CALLED(catalog, get_products, catalog::GetProducts, catalog::ProductDocuments)
  SOUK_NOT_CALLED(catalog, list_products, catalog::ListProducts, catalog::ProductPage)
  SOUK_NOT_CALLED(catalog, price_items, catalog::PriceItems, catalog::PricedItems)
  SOUK_NOT_CALLED(catalog, list_categories, catalog::ListCategories, catalog::Categories)
  SOUK_NOT_CALLED(catalog, get_category, catalog::GetCategory, catalog::Category)
  SOUK_NOT_CALLED(catalog, import_products, catalog::ImportProducts, catalog::ImportedProducts)
  SOUK_NOT_CALLED(catalog, upsert_categories, catalog::UpsertCategories, catalog::Done)
  SOUK_NOT_CALLED(catalog, stats, catalog::Done, catalog::CatalogStats)
  SOUK_NOT_CALLED(catalog, events, events::ReadEvents, events::EventPage)
};

// Every customer is Ada Lovelace.
struct FakeUsers final : user::Api {
  Task<Result<user::User>> get_user(Context, user::UserRef request) override {
    user::User user;
    user.id = request.user_id;
    user.first_name = "Ada";
    user.last_name = "Lovelace";
    co_return user;
  }
  SOUK_NOT_CALLED(user, register_user, user::Register, user::Registered)
  SOUK_NOT_CALLED(user, login, user::Login, user::Tokens)
  SOUK_NOT_CALLED(user, refresh, user::Refresh, user::Tokens)
  SOUK_NOT_CALLED(user, logout, user::Logout, user::Done)
  SOUK_NOT_CALLED(user, patch_user, user::PatchUser, user::User)
  SOUK_NOT_CALLED(user, create_user, user::CreateUser, user::User)
  SOUK_NOT_CALLED(user, list_addresses, user::UserRef, user::Addresses)
  SOUK_NOT_CALLED(user, get_address, user::AddressRef, user::Address)
  SOUK_NOT_CALLED(user, add_address, user::AddAddress, user::Address)
  SOUK_NOT_CALLED(user, patch_address, user::PatchAddress, user::Address)
  SOUK_NOT_CALLED(user, delete_address, user::AddressRef, user::Done)
  SOUK_NOT_CALLED(user, events, events::ReadEvents, events::EventPage)
};

// Knows of one purchase.
struct FakeOrders final : order::Api {
  Uuid buyer;
  Uuid order_id;
  Task<Result<order::Purchased>> has_purchased(Context, order::HasPurchased request) override {
    order::Purchased purchased;
    if (request.user_id == buyer) purchased.order_id = order_id;
    co_return purchased;
  }
  SOUK_NOT_CALLED(order, quote, order::Quote, order::QuoteResult)
  SOUK_NOT_CALLED(order, checkout, order::StartCheckout, order::CheckoutResult)
  SOUK_NOT_CALLED(order, get_checkout, order::OrderRef, order::Checkout)
  SOUK_NOT_CALLED(order, resume_checkout, order::OrderRef, order::CheckoutResult)
  SOUK_NOT_CALLED(order, get_order, order::OrderRef, order::Order)
  SOUK_NOT_CALLED(order, list_orders, order::ListOrders, order::OrderPage)
  SOUK_NOT_CALLED(order, search_orders, order::SearchOrders, order::OrderPage)
  SOUK_NOT_CALLED(order, cancel_order, order::OrderRef, order::Order)
  SOUK_NOT_CALLED(order, start_processing, order::OrderRef, order::Order)
  SOUK_NOT_CALLED(order, ship_order, order::ShipOrder, order::Order)
  SOUK_NOT_CALLED(order, deliver_order, order::OrderRef, order::Order)
  SOUK_NOT_CALLED(order, request_return, order::RequestReturn, order::Return)
  SOUK_NOT_CALLED(order, list_order_returns, order::OrderRef, order::OrderReturns)
  SOUK_NOT_CALLED(order, list_returns, order::ListReturns, order::ReturnPage)
  SOUK_NOT_CALLED(order, get_return, order::ReturnRef, order::Return)
  SOUK_NOT_CALLED(order, decide_return, order::DecideReturn, order::Return)
  SOUK_NOT_CALLED(order, receive_return, order::ReceiveReturn, order::Return)
  SOUK_NOT_CALLED(order, create_coupon, order::NewCoupon, order::Coupon)
  SOUK_NOT_CALLED(order, get_coupon, order::CouponRef, order::Coupon)
  SOUK_NOT_CALLED(order, list_coupons, order::ListCoupons, order::CouponPage)
  SOUK_NOT_CALLED(order, patch_coupon, order::PatchCoupon, order::Coupon)
  SOUK_NOT_CALLED(order, check_captures, order::CheckCaptures, order::CapturesChecked)
  SOUK_NOT_CALLED(order, events, events::ReadEvents, events::EventPage)
};

#undef SOUK_NOT_CALLED

}  // namespace souk::review
