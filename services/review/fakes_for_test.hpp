#pragma once

#include <stdexcept>

#include "order/api.hpp"
#include "user/api.hpp"

namespace souk::review {

#define SOUK_NOT_CALLED(api, method, Request, Reply)                       \
  Task<Result<Reply>> method(Context, Request) override {                  \
    throw std::logic_error(#api "::" #method " is not called by reviews"); \
    co_return Refusal(Error{});                                            \
  }

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
  SOUK_NOT_CALLED(order, cancel_order, order::OrderRef, order::Order)
  SOUK_NOT_CALLED(order, events, events::ReadEvents, events::EventPage)
};

#undef SOUK_NOT_CALLED

}  // namespace souk::review
