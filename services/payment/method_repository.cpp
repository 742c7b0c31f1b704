#include "method_repository.hpp"

namespace souk::payment {
namespace {

using pg::Statement;

// In the order of PaymentMethod's members.
#define SOUK_METHOD_COLUMNS                                                                                         \
  "id, type, COALESCE(is_default, FALSE), gateway, card_last4, card_brand, card_exp_month, card_exp_year, upi_id, " \
  "wallet_type, created_at, updated_at"
constexpr Statement list_methods{"payment.list_methods", "SELECT " SOUK_METHOD_COLUMNS
                                                         " FROM payment_methods WHERE user_id = $1 "
                                                         "ORDER BY COALESCE(is_default, FALSE) DESC, created_at DESC, "
                                                         "         id DESC"};
constexpr Statement find_method{"payment.find_method",
                                "SELECT " SOUK_METHOD_COLUMNS " FROM payment_methods WHERE user_id = $1 AND id = $2"};
constexpr Statement find_method_by_token{"payment.find_method_by_token",
                                         "SELECT " SOUK_METHOD_COLUMNS
                                         " FROM payment_methods WHERE user_id = $1 AND gateway = $2 "
                                         "AND gateway_payment_method_id = $3"};
constexpr Statement insert_method{
    "payment.insert_method",
    "INSERT INTO payment_methods (id, user_id, type, is_default, gateway, gateway_payment_method_id, card_last4, "
    "                             card_brand, card_exp_month, card_exp_year, upi_id, wallet_type) "
    "VALUES ($1, $2, $3, FALSE, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING " SOUK_METHOD_COLUMNS};
constexpr Statement set_default{"payment.set_default_method",
                                "UPDATE payment_methods SET is_default = TRUE, updated_at = LOCALTIMESTAMP "
                                "WHERE user_id = $1 AND id = $2 RETURNING " SOUK_METHOD_COLUMNS};
#undef SOUK_METHOD_COLUMNS

constexpr Statement find_saved_means{
    "payment.find_saved_means",
    "SELECT type, gateway, gateway_payment_method_id FROM payment_methods WHERE user_id = $1 AND id = $2"};
constexpr Statement count_methods{"payment.count_methods", "SELECT count(*) FROM payment_methods WHERE user_id = $1"};
// The second key keeps apart what else might lock by a user's id.
constexpr Statement lock_user_statement{"payment.lock_user",
                                        "SELECT pg_advisory_xact_lock(hashtextextended('payment_methods:' || $1, 0))"};
// A statement of its own: the index of defaults is checked row by row.
constexpr Statement clear_default{"payment.clear_default_method",
                                  "UPDATE payment_methods SET is_default = FALSE, updated_at = LOCALTIMESTAMP "
                                  "WHERE user_id = $1 AND is_default AND id <> $2"};
constexpr Statement delete_method{"payment.delete_method",
                                  "DELETE FROM payment_methods WHERE user_id = $1 AND id = $2 RETURNING is_default"};
constexpr Statement default_newest{
    "payment.default_newest_method",
    "UPDATE payment_methods SET is_default = TRUE, updated_at = LOCALTIMESTAMP "
    "WHERE id = (SELECT id FROM payment_methods WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1)"};

std::optional<PaymentMethod> first(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return rows.front().to<PaymentMethod>();
}

}  // namespace

Task<std::vector<PaymentMethod>> MethodRepository::list(Context context, Uuid user_id) {
  co_return (co_await pool_.query(std::move(context), list_methods, user_id)).to<PaymentMethod>();
}

Task<std::optional<SavedMeans>> MethodRepository::find_saved(Context context, PaymentMethodRef ref) {
  const auto rows = co_await pool_.query(std::move(context), find_saved_means, ref.user_id, ref.payment_method_id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().to<SavedMeans>();
}

Task<> MethodRepository::lock_user(pg::Transaction& tx, Uuid user_id) {
  co_await tx.query(lock_user_statement, user_id);
}

Task<std::optional<PaymentMethod>> MethodRepository::find(pg::Transaction& tx, PaymentMethodRef ref) {
  co_return first(co_await tx.query(find_method, ref.user_id, ref.payment_method_id));
}

Task<std::optional<PaymentMethod>> MethodRepository::find_token(pg::Transaction& tx, Uuid user_id, std::string gateway,
                                                                std::string token) {
  co_return first(co_await tx.query(find_method_by_token, user_id, gateway, token));
}

Task<std::int64_t> MethodRepository::count(pg::Transaction& tx, Uuid user_id) {
  co_return (co_await tx.query(count_methods, user_id)).front().get<std::int64_t>(0);
}

Task<PaymentMethod> MethodRepository::insert(pg::Transaction& tx, Uuid user_id, std::string gateway,
                                             NewPaymentMethod method) {
  const auto rows = co_await tx.query(insert_method, Uuid::v7(), user_id, method.type, gateway, method.token,
                                      method.card_last4, method.card_brand, method.card_exp_month, method.card_exp_year,
                                      method.upi_id, method.wallet_type);
  co_return rows.front().to<PaymentMethod>();
}

Task<PaymentMethod> MethodRepository::make_default(pg::Transaction& tx, PaymentMethodRef ref) {
  co_await tx.query(clear_default, ref.user_id, ref.payment_method_id);
  co_return (co_await tx.query(set_default, ref.user_id, ref.payment_method_id)).front().to<PaymentMethod>();
}

Task<bool> MethodRepository::remove(pg::Transaction& tx, PaymentMethodRef ref) {
  const auto removed = co_await tx.query(delete_method, ref.user_id, ref.payment_method_id);
  if (removed.empty()) co_return false;
  if (removed.front().get<std::optional<bool>>(0).value_or(false)) co_await tx.query(default_newest, ref.user_id);
  co_return true;
}

}  // namespace souk::payment
