#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postgres/pool.hpp"
#include "user/api.hpp"

namespace souk::user {

// A user with what never leaves the service.
struct Account {
  User user;
  std::string password_hash;
};

struct NewUser {
  Uuid id;
  std::string email;
  std::string password_hash;
  std::string first_name;
  std::string last_name;
  std::optional<std::string> phone;
  Role role = Role::customer;
};

// The tables users and user_addresses.
class Repository {
 public:
  explicit Repository(pg::Pool& pool) : pool_(pool) {}

  Task<std::optional<Account>> find_account(Context context, std::string email);
  Task<std::optional<User>> find_user(Context context, Uuid id);
  Task<std::optional<User>> lock_user(pg::Transaction& tx, Uuid id);
  Task<std::optional<User>> find_user_by_email(pg::Transaction& tx, std::string email);
  // Empty when the e-mail is taken, in whatever case.
  Task<std::optional<User>> insert_user(pg::Transaction& tx, NewUser user);
  Task<User> update_user(pg::Transaction& tx, PatchUser changes);
  // Notes the login. Empty when the account is no longer active, or its password has changed since it was read.
  Task<std::optional<User>> note_login(pg::Transaction& tx, const Account& account);
  Task<> save_password_hash(pg::Transaction& tx, Uuid id, std::string password_hash);

  // Those of a user: the defaults first, then the newest.
  Task<std::vector<Address>> list_addresses(Context context, Uuid user_id);
  Task<std::optional<Address>> find_address(Context context, Uuid user_id, Uuid address_id);
  // For the following the user's row is locked, so that nobody else moves the defaults.
  Task<std::optional<Address>> lock_address(pg::Transaction& tx, Uuid user_id, Uuid address_id);
  Task<std::int64_t> count_addresses(pg::Transaction& tx, Uuid user_id);
  Task<bool> has_default(pg::Transaction& tx, Uuid user_id, AddressType type);
  Task<> clear_default(pg::Transaction& tx, Uuid user_id, AddressType type);
  // Makes the newest of the type the default where there is none.
  Task<> promote_default(pg::Transaction& tx, Uuid user_id, AddressType type);
  Task<Address> insert_address(pg::Transaction& tx, Uuid user_id, Address address);
  Task<Address> update_address(pg::Transaction& tx, Address address);
  Task<> delete_address(pg::Transaction& tx, Uuid address_id);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::user
