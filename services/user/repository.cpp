#include "repository.hpp"

#define SOUK_USER_COLUMNS                                                         \
  "id, email, first_name, last_name, phone, COALESCE(is_email_verified, FALSE), " \
  "COALESCE(is_phone_verified, FALSE), status, role, created_at, updated_at, last_login_at"
#define SOUK_ADDRESS_COLUMNS                                                                        \
  "id, address_type, COALESCE(is_default, FALSE), full_name, phone, address_line1, address_line2, " \
  "city, state, postal_code, country, created_at, updated_at"

namespace souk::user {
namespace {

constexpr pg::Statement find_account_by_email{
    "user.find_account", "SELECT " SOUK_USER_COLUMNS ", password_hash FROM users WHERE lower(email) = lower($1)"};

constexpr pg::Statement find_user_by_id{"user.find", "SELECT " SOUK_USER_COLUMNS " FROM users WHERE id = $1"};

constexpr pg::Statement lock_user_by_id{"user.lock",
                                        "SELECT " SOUK_USER_COLUMNS " FROM users WHERE id = $1 FOR UPDATE"};

constexpr pg::Statement find_by_email{"user.find_by_email",
                                      "SELECT " SOUK_USER_COLUMNS " FROM users WHERE lower(email) = lower($1)"};

constexpr pg::Statement insert_user_row{
    "user.insert",
    "INSERT INTO users (id, email, password_hash, first_name, last_name, phone, role) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING " SOUK_USER_COLUMNS};

constexpr pg::Statement update_user_row{
    "user.update",
    "UPDATE users SET first_name = COALESCE($2, first_name), last_name = COALESCE($3, last_name), "
    "  is_phone_verified = is_phone_verified AND COALESCE($4 = phone, TRUE), phone = COALESCE($4, phone), "
    "  updated_at = clock_timestamp() "
    "WHERE id = $1 RETURNING " SOUK_USER_COLUMNS};

constexpr pg::Statement note_login_time{
    "user.note_login",
    "UPDATE users SET last_login_at = clock_timestamp() WHERE id = $1 AND status = 'active' AND password_hash = $2 "
    "RETURNING " SOUK_USER_COLUMNS};

constexpr pg::Statement update_password_hash{"user.update_password_hash",
                                             "UPDATE users SET password_hash = $2 WHERE id = $1"};

constexpr pg::Statement list_addresses_of_user{"user.list_addresses",
                                               "SELECT " SOUK_ADDRESS_COLUMNS
                                               " FROM user_addresses WHERE user_id = $1 "
                                               "ORDER BY is_default DESC NULLS LAST, created_at DESC, id LIMIT 100"};

constexpr pg::Statement find_address_by_id{
    "user.find_address", "SELECT " SOUK_ADDRESS_COLUMNS " FROM user_addresses WHERE user_id = $1 AND id = $2"};

constexpr pg::Statement lock_address_by_id{"user.lock_address",
                                           "SELECT " SOUK_ADDRESS_COLUMNS
                                           " FROM user_addresses WHERE user_id = $1 AND id = $2 FOR UPDATE"};

constexpr pg::Statement count_addresses_of_user{"user.count_addresses",
                                                "SELECT count(*) FROM user_addresses WHERE user_id = $1"};

constexpr pg::Statement has_default_address{
    "user.has_default_address",
    "SELECT EXISTS (SELECT 1 FROM user_addresses WHERE user_id = $1 AND address_type = $2 AND is_default)"};

constexpr pg::Statement clear_default_address{
    "user.clear_default_address",
    "UPDATE user_addresses SET is_default = FALSE, updated_at = clock_timestamp() "
    "WHERE user_id = $1 AND address_type = $2 AND is_default"};

constexpr pg::Statement promote_default_address{
    "user.promote_default_address",
    "UPDATE user_addresses SET is_default = TRUE, updated_at = clock_timestamp() WHERE id = ("
    "  SELECT id FROM user_addresses WHERE user_id = $1 AND address_type = $2 ORDER BY created_at DESC, id LIMIT 1) "
    "AND NOT EXISTS (SELECT 1 FROM user_addresses WHERE user_id = $1 AND address_type = $2 AND is_default)"};

constexpr pg::Statement insert_address_row{
    "user.insert_address",
    "INSERT INTO user_addresses (id, user_id, address_type, is_default, full_name, phone, address_line1, "
    "  address_line2, city, state, postal_code, country) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING " SOUK_ADDRESS_COLUMNS};

constexpr pg::Statement update_address_row{
    "user.update_address",
    "UPDATE user_addresses SET address_type = $2, is_default = $3, full_name = $4, phone = $5, address_line1 = $6, "
    "  address_line2 = $7, city = $8, state = $9, postal_code = $10, country = $11, updated_at = clock_timestamp() "
    "WHERE id = $1 RETURNING " SOUK_ADDRESS_COLUMNS};

constexpr pg::Statement delete_address_row{"user.delete_address", "DELETE FROM user_addresses WHERE id = $1"};

constexpr int user_columns = boost::mp11::mp_size<json::Members<User>>::value;

template <class T>
std::optional<T> first_of(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return rows.front().to<T>();
}

}  // namespace

Task<std::optional<Account>> Repository::find_account(Context context, std::string email) {
  const auto rows = co_await pool_.query(std::move(context), find_account_by_email, email);
  if (rows.empty()) co_return std::nullopt;
  co_return Account{.user = rows.front().to<User>(), .password_hash = rows.front().get<std::string>(user_columns)};
}

Task<std::optional<User>> Repository::find_user(Context context, Uuid id) {
  co_return first_of<User>(co_await pool_.query(std::move(context), find_user_by_id, id));
}

Task<std::optional<User>> Repository::lock_user(pg::Transaction& tx, Uuid id) {
  co_return first_of<User>(co_await tx.query(lock_user_by_id, id));
}

Task<std::optional<User>> Repository::find_user_by_email(pg::Transaction& tx, std::string email) {
  co_return first_of<User>(co_await tx.query(find_by_email, email));
}

Task<std::optional<User>> Repository::insert_user(pg::Transaction& tx, NewUser user) {
  co_return first_of<User>(co_await tx.query(insert_user_row, user.id, user.email, user.password_hash, user.first_name,
                                             user.last_name, user.phone, user.role));
}

Task<User> Repository::update_user(pg::Transaction& tx, PatchUser changes) {
  const auto rows =
      co_await tx.query(update_user_row, changes.user_id, changes.first_name, changes.last_name, changes.phone);
  co_return rows.front().to<User>();
}

Task<std::optional<User>> Repository::note_login(pg::Transaction& tx, const Account& account) {
  co_return first_of<User>(co_await tx.query(note_login_time, account.user.id, account.password_hash));
}

Task<> Repository::save_password_hash(pg::Transaction& tx, Uuid id, std::string password_hash) {
  co_await tx.query(update_password_hash, id, password_hash);
}

Task<std::vector<Address>> Repository::list_addresses(Context context, Uuid user_id) {
  const auto rows = co_await pool_.query(std::move(context), list_addresses_of_user, user_id);
  co_return rows.to<Address>();
}

Task<std::optional<Address>> Repository::find_address(Context context, Uuid user_id, Uuid address_id) {
  co_return first_of<Address>(co_await pool_.query(std::move(context), find_address_by_id, user_id, address_id));
}

Task<std::optional<Address>> Repository::lock_address(pg::Transaction& tx, Uuid user_id, Uuid address_id) {
  co_return first_of<Address>(co_await tx.query(lock_address_by_id, user_id, address_id));
}

Task<std::int64_t> Repository::count_addresses(pg::Transaction& tx, Uuid user_id) {
  const auto rows = co_await tx.query(count_addresses_of_user, user_id);
  co_return rows.front().get<std::int64_t>(0);
}

Task<bool> Repository::has_default(pg::Transaction& tx, Uuid user_id, AddressType type) {
  const auto rows = co_await tx.query(has_default_address, user_id, type);
  co_return rows.front().get<bool>(0);
}

Task<> Repository::clear_default(pg::Transaction& tx, Uuid user_id, AddressType type) {
  co_await tx.query(clear_default_address, user_id, type);
}

Task<> Repository::promote_default(pg::Transaction& tx, Uuid user_id, AddressType type) {
  co_await tx.query(promote_default_address, user_id, type);
}

Task<Address> Repository::insert_address(pg::Transaction& tx, Uuid user_id, Address address) {
  const auto rows = co_await tx.query(insert_address_row, address.id, user_id, address.address_type, address.is_default,
                                      address.full_name, address.phone, address.address_line1, address.address_line2,
                                      address.city, address.state, address.postal_code, address.country);
  co_return rows.front().to<Address>();
}

Task<Address> Repository::update_address(pg::Transaction& tx, Address address) {
  const auto rows = co_await tx.query(update_address_row, address.id, address.address_type, address.is_default,
                                      address.full_name, address.phone, address.address_line1, address.address_line2,
                                      address.city, address.state, address.postal_code, address.country);
  co_return rows.front().to<Address>();
}

Task<> Repository::delete_address(pg::Transaction& tx, Uuid address_id) {
  co_await tx.query(delete_address_row, address_id);
}

}  // namespace souk::user
