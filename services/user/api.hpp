#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "events/event.hpp"
#include "json/json.hpp"

// Accounts, addresses and refresh tokens (database user_db).
namespace souk::user {

BOOST_DEFINE_ENUM_CLASS(UserStatus, active, suspended, deleted)
BOOST_DEFINE_ENUM_CLASS(Role, customer, admin)
BOOST_DEFINE_ENUM_CLASS(AddressType, shipping, billing)

struct User {
  Uuid id;
  std::string email;
  std::string first_name;
  std::string last_name;
  std::optional<std::string> phone;
  bool is_email_verified = false;
  bool is_phone_verified = false;
  UserStatus status = UserStatus::active;
  Role role = Role::customer;
  Timestamp created_at;
  Timestamp updated_at;
  std::optional<Timestamp> last_login_at;
};
BOOST_DESCRIBE_STRUCT(User, (),
                      (id, email, first_name, last_name, phone, is_email_verified, is_phone_verified, status, role,
                       created_at, updated_at, last_login_at))

struct Register {
  json::Text<3, 255> email;
  json::Text<8, 200> password;
  json::Text<1, 100> first_name;
  json::Text<1, 100> last_name;
  std::optional<json::Text<4, 20>> phone;
};
BOOST_DESCRIBE_STRUCT(Register, (), (email, password, first_name, last_name, phone))

// The same answer whether or not the e-mail is known (semantics.md).
struct Registered {
  std::string status = "accepted";
};
BOOST_DESCRIBE_STRUCT(Registered, (), (status))

// Where a login comes from; filled from the connection, not from the body.
struct ClientInfo {
  std::string ip_address;
  std::string user_agent;
};
BOOST_DESCRIBE_STRUCT(ClientInfo, (), (ip_address, user_agent))

struct Login {
  std::string email;
  std::string password;
  ClientInfo client;
};
BOOST_DESCRIBE_STRUCT(Login, (), (email, password, client))
struct Refresh {
  std::string refresh_token;
  ClientInfo client;
};
BOOST_DESCRIBE_STRUCT(Refresh, (), (refresh_token, client))

struct Tokens {
  std::string access_token;  // the session's token
  std::string token_type = "Bearer";
  Timestamp expires_at;
  std::string refresh_token;
  Timestamp refresh_expires_at;
  User user;
};
BOOST_DESCRIBE_STRUCT(Tokens, (), (access_token, token_type, expires_at, refresh_token, refresh_expires_at, user))

struct Logout {
  std::optional<std::string> refresh_token;
};
BOOST_DESCRIBE_STRUCT(Logout, (), (refresh_token))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

struct Address {
  Uuid id;
  AddressType address_type = AddressType::shipping;
  bool is_default = false;
  std::string full_name;
  std::string phone;
  std::string address_line1;
  std::optional<std::string> address_line2;
  std::string city;
  std::string state;
  std::string postal_code;
  std::string country;
  Timestamp created_at;
  Timestamp updated_at;
};
BOOST_DESCRIBE_STRUCT(Address, (),
                      (id, address_type, is_default, full_name, phone, address_line1, address_line2, city, state,
                       postal_code, country, created_at, updated_at))

struct NewAddress {
  std::optional<AddressType> address_type;
  std::optional<bool> is_default;
  json::Text<1, 200> full_name;
  json::Text<4, 20> phone;
  json::Text<1, 255> address_line1;
  std::optional<json::Text<0, 255>> address_line2;
  json::Text<1, 100> city;
  std::optional<json::Text<0, 100>> state;       // empty where the country has none
  std::optional<json::Text<0, 20>> postal_code;  // empty where the country has none
  json::Text<2, 2> country;                      // ISO 3166-1 alpha-2
};
BOOST_DESCRIBE_STRUCT(NewAddress, (),
                      (address_type, is_default, full_name, phone, address_line1, address_line2, city, state,
                       postal_code, country))

struct AddressRef {
  Uuid user_id;
  Uuid address_id;
  // For writes, the If-Match header: request.precondition_failed when the address has another entity tag by now.
  std::optional<std::string> if_match{};
};
BOOST_DESCRIBE_STRUCT(AddressRef, (), (user_id, address_id, if_match))
struct AddAddress {
  Uuid user_id;
  NewAddress address;
};
BOOST_DESCRIBE_STRUCT(AddAddress, (), (user_id, address))
struct PatchedAddress {
  std::optional<AddressType> address_type;
  std::optional<bool> is_default;
  std::optional<json::Text<1, 200>> full_name;
  std::optional<json::Text<4, 20>> phone;
  std::optional<json::Text<1, 255>> address_line1;
  std::optional<json::Text<0, 255>> address_line2;
  std::optional<json::Text<1, 100>> city;
  std::optional<json::Text<0, 100>> state;
  std::optional<json::Text<0, 20>> postal_code;
  std::optional<json::Text<2, 2>> country;
};
BOOST_DESCRIBE_STRUCT(PatchedAddress, (),
                      (address_type, is_default, full_name, phone, address_line1, address_line2, city, state,
                       postal_code, country))
struct PatchAddress {
  AddressRef ref;
  PatchedAddress changes;
};
BOOST_DESCRIBE_STRUCT(PatchAddress, (), (ref, changes))
struct UserRef {
  Uuid user_id;
};
BOOST_DESCRIBE_STRUCT(UserRef, (), (user_id))
struct Addresses {
  std::vector<Address> data;
  bool has_more = false;
};
BOOST_DESCRIBE_STRUCT(Addresses, (), (data, has_more))

struct PatchUser {
  Uuid user_id;
  std::optional<json::Text<1, 100>> first_name;
  std::optional<json::Text<1, 100>> last_name;
  std::optional<json::Text<4, 20>> phone;
  std::optional<std::string> if_match{};  // as in AddressRef
};
BOOST_DESCRIBE_STRUCT(PatchUser, (), (user_id, first_name, last_name, phone, if_match))

// `souk admin create-user`: the only way to an admin.
struct CreateUser {
  Register account;
  Role role = Role::admin;
};
BOOST_DESCRIBE_STRUCT(CreateUser, (), (account, role))

// Events: "session.revoked" (payload SessionRevoked), "user.registered" (payload UserRegistered),
// "registration.repeated" (somebody registers an e-mail that has an account: that account gets a mail).
struct SessionRevoked {
  Uuid user_id;
  std::optional<std::string> session_id;  // absent: all of the user's made before `revoked_at`
  std::optional<std::string> except_session_id;
  Timestamp revoked_at;
};
BOOST_DESCRIBE_STRUCT(SessionRevoked, (), (user_id, session_id, except_session_id, revoked_at))
struct UserRegistered {
  Uuid user_id;
  std::string email;
  std::string first_name;
};
BOOST_DESCRIBE_STRUCT(UserRegistered, (), (user_id, email, first_name))

// A user's data is seen and changed by the user, by admins and by services; for others it is not found.
class Api {
 public:
  virtual ~Api() = default;
  // request.invalid, auth.password_is_email
  virtual Task<Result<Registered>> register_user(Context context, Register request) = 0;
  // auth.invalid_credentials, auth.too_many_attempts (429), auth.suspended
  virtual Task<Result<Tokens>> login(Context context, Login request) = 0;
  // auth.invalid_refresh_token; a reused token revokes its whole family.
  virtual Task<Result<Tokens>> refresh(Context context, Refresh request) = 0;
  // Ends the caller's session, its siblings that the same login has made, and their refresh tokens; and those of the
  // given refresh token. What is over already is not an error.
  virtual Task<Result<Done>> logout(Context context, Logout request) = 0;
  // user.not_found
  virtual Task<Result<User>> get_user(Context context, UserRef request) = 0;
  virtual Task<Result<User>> patch_user(Context context, PatchUser request) = 0;
  // user.email_taken
  virtual Task<Result<User>> create_user(Context context, CreateUser request) = 0;
  virtual Task<Result<Addresses>> list_addresses(Context context, UserRef request) = 0;
  // user.address_not_found
  virtual Task<Result<Address>> get_address(Context context, AddressRef request) = 0;
  virtual Task<Result<Address>> add_address(Context context, AddAddress request) = 0;
  virtual Task<Result<Address>> patch_address(Context context, PatchAddress request) = 0;
  virtual Task<Result<Done>> delete_address(Context context, AddressRef request) = 0;
  virtual Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) = 0;
};

}  // namespace souk::user
