#include "routes.hpp"

#include "errors.hpp"

namespace souk::user {

using http::Method, http::NoBody, http::NoQuery, http::Request;

// What a client sends; where it comes from is filled from the connection.
struct LoginBody {
  json::Text<1, 255> email;
  json::Text<1, 200> password;
};
BOOST_DESCRIBE_STRUCT(LoginBody, (), (email, password))

struct RefreshBody {
  json::Text<1, 200> refresh_token;
};
BOOST_DESCRIBE_STRUCT(RefreshBody, (), (refresh_token))

struct LogoutBody {
  std::optional<json::Text<1, 200>> refresh_token;
};
BOOST_DESCRIBE_STRUCT(LogoutBody, (), (refresh_token))

struct PatchedUser {
  std::optional<json::Text<1, 100>> first_name;
  std::optional<json::Text<1, 100>> last_name;
  std::optional<json::Text<4, 20>> phone;
};
BOOST_DESCRIBE_STRUCT(PatchedUser, (), (first_name, last_name, phone))

namespace {

ClientInfo client_of(const Request& request) {
  return {.ip_address = request.client_address, .user_agent = std::string(request.header("User-Agent"))};
}

std::optional<std::string> if_match(const Request& request) {
  const auto value = request.header("If-Match");
  if (value.empty()) return std::nullopt;
  return std::string(value);
}

Uuid caller_id(const Request& request) { return request.context.caller().user_id.value(); }

// The address that the path names, for the caller; nothing for what cannot be one.
std::optional<AddressRef> address_of(const Request& request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) return std::nullopt;
  return AddressRef{.user_id = caller_id(request), .address_id = *id, .if_match = if_match(request)};
}

Task<Result<Tokens>> login(Api& users, Request request, LoginBody body) {
  co_return co_await users.login(
      request.context,
      {.email = std::move(body.email), .password = std::move(body.password), .client = client_of(request)});
}

Task<Result<Tokens>> refresh(Api& users, Request request, RefreshBody body) {
  co_return co_await users.refresh(request.context,
                                   {.refresh_token = std::move(body.refresh_token), .client = client_of(request)});
}

Task<Result<void>> logout(Api& users, Request request, LogoutBody body) {
  SOUK_CO_CHECK(co_await users.logout(request.context, {.refresh_token = std::move(body.refresh_token)}));
  co_return Result<void>{};
}

Task<Result<User>> patch_me(Api& users, Request request, PatchedUser body) {
  co_return co_await users.patch_user(request.context, {.user_id = caller_id(request),
                                                        .first_name = std::move(body.first_name),
                                                        .last_name = std::move(body.last_name),
                                                        .phone = std::move(body.phone),
                                                        .if_match = if_match(request)});
}

Task<Result<Address>> add_address(Api& users, Request request, NewAddress body) {
  co_return co_await users.add_address(request.context, {.user_id = caller_id(request), .address = std::move(body)});
}

Task<Result<Address>> get_address(Api& users, Request request) {
  auto ref = address_of(request);
  if (!ref) co_return errors::address_not_found();
  co_return co_await users.get_address(request.context, *std::move(ref));
}

Task<Result<Address>> patch_address(Api& users, Request request, PatchedAddress body) {
  auto ref = address_of(request);
  if (!ref) co_return errors::address_not_found();
  co_return co_await users.patch_address(request.context, {.ref = *std::move(ref), .changes = std::move(body)});
}

Task<Result<void>> delete_address(Api& users, Request request) {
  auto ref = address_of(request);
  if (!ref) co_return errors::address_not_found();
  SOUK_CO_CHECK(co_await users.delete_address(request.context, *std::move(ref)));
  co_return Result<void>{};
}

void add_login_routes(http::Router& router, Api& users) {
  router.add<Register, NoQuery, Registered>(
      Method::POST, "/v1/auth/register",
      {.operation_id = "register",
       .summary = "Makes an account, which can log in at once. The answer is the same for an e-mail that has one: then "
                  "its owner gets a mail.",
       .tag = "Account",
       .success_status = 202,
       .errors = {"422 auth.password_is_email"}},
      [&users](Request request, Register body, NoQuery) {
        return users.register_user(request.context, std::move(body));
      });
  router.add<LoginBody, NoQuery, Tokens>(
      Method::POST, "/v1/auth/login",
      {.operation_id = "log_in",
       .summary = "A session (24 hours, longer while used) and a refresh token (30 days, for one use).",
       .tag = "Account",
       .errors = {"401 auth.invalid_credentials", "403 auth.suspended", "429 auth.too_many_attempts"}},
      [&users](Request request, LoginBody body, NoQuery) { return login(users, std::move(request), std::move(body)); });
  router.add<RefreshBody, NoQuery, Tokens>(
      Method::POST, "/v1/auth/refresh",
      {.operation_id = "refresh",
       .summary = "A new session and a new refresh token for a refresh token. A token that is used a second time, more "
                  "than 10 seconds after the first, ends the whole login.",
       .tag = "Account",
       .errors = {"401 auth.invalid_refresh_token", "403 auth.suspended"}},
      [&users](Request request, RefreshBody body, NoQuery) {
        return refresh(users, std::move(request), std::move(body));
      });
  router.add<LogoutBody, NoQuery, void>(
      Method::POST, "/v1/auth/logout",
      {.operation_id = "log_out",
       .summary = "Ends the session that asks, and the login that it came from with its refresh tokens; where the "
                  "session is over already, the login of the given refresh token. Send {} without one.",
       .tag = "Account",
       .success_status = 204},
      [&users](Request request, LogoutBody body, NoQuery) {
        return logout(users, std::move(request), std::move(body));
      });
}

void add_me_routes(http::Router& router, Api& users) {
  router.add<NoBody, NoQuery, User>(Method::GET, "/v1/me",
                                    {.operation_id = "get_me",
                                     .summary = "Your account.",
                                     .tag = "Account",
                                     .access = http::Access::customer,
                                     .errors = {"404 user.not_found"},
                                     .conditional = true},
                                    [&users](Request request, NoBody, NoQuery) {
                                      return users.get_user(request.context, {.user_id = caller_id(request)});
                                    });
  router.add<PatchedUser, NoQuery, User>(Method::PATCH, "/v1/me",
                                         {.operation_id = "change_me",
                                          .summary = "Changes the fields that are given.",
                                          .tag = "Account",
                                          .access = http::Access::customer,
                                          .errors = {"404 user.not_found", "412 request.precondition_failed"}},
                                         [&users](Request request, PatchedUser body, NoQuery) {
                                           return patch_me(users, std::move(request), std::move(body));
                                         });
}

void add_address_routes(http::Router& router, Api& users) {
  router.add<NoBody, NoQuery, Addresses>(Method::GET, "/v1/me/addresses",
                                         {.operation_id = "list_my_addresses",
                                          .summary = "Your addresses, the defaults first; at most 50.",
                                          .tag = "Account",
                                          .access = http::Access::customer},
                                         [&users](Request request, NoBody, NoQuery) {
                                           return users.list_addresses(request.context,
                                                                       {.user_id = caller_id(request)});
                                         });
  router.add<NewAddress, NoQuery, Address>(
      Method::POST, "/v1/me/addresses",
      {.operation_id = "add_my_address",
       .summary = "Adds an address. The first of a type becomes its default; a new default takes the place of the old.",
       .tag = "Account",
       .access = http::Access::customer,
       .success_status = 201,
       .errors = {"409 user.too_many_addresses"}},
      [&users](Request request, NewAddress body, NoQuery) {
        return add_address(users, std::move(request), std::move(body));
      });
  router.add<NoBody, NoQuery, Address>(
      Method::GET, "/v1/me/addresses/{id}",
      {.operation_id = "get_my_address",
       .summary = "One of your addresses.",
       .tag = "Account",
       .access = http::Access::customer,
       .errors = {"404 user.address_not_found"},
       .conditional = true},
      [&users](Request request, NoBody, NoQuery) { return get_address(users, std::move(request)); });
  router.add<PatchedAddress, NoQuery, Address>(
      Method::PATCH, "/v1/me/addresses/{id}",
      {.operation_id = "change_my_address",
       .summary = "Changes the fields that are given. Orders keep the address as it was when they were placed.",
       .tag = "Account",
       .access = http::Access::customer,
       .errors = {"404 user.address_not_found", "412 request.precondition_failed"}},
      [&users](Request request, PatchedAddress body, NoQuery) {
        return patch_address(users, std::move(request), std::move(body));
      });
  router.add<NoBody, NoQuery, void>(
      Method::DELETE, "/v1/me/addresses/{id}",
      {.operation_id = "delete_my_address",
       .summary = "Deletes an address; the newest of the same type takes the place of a default.",
       .tag = "Account",
       .access = http::Access::customer,
       .success_status = 204,
       .errors = {"404 user.address_not_found", "412 request.precondition_failed"}},
      [&users](Request request, NoBody, NoQuery) { return delete_address(users, std::move(request)); });
}

}  // namespace

void add_routes(http::Router& router, Api& users) {
  add_login_routes(router, users);
  add_me_routes(router, users);
  add_address_routes(router, users);
}

}  // namespace souk::user
