#pragma once

#include <optional>
#include <string>
#include <vector>

#include "payment/api.hpp"
#include "postgres/pool.hpp"

namespace souk::payment {

// What a saved method pays with.
struct SavedMeans {
  SavedType type{};
  std::string gateway;
  std::string token;
};
BOOST_DESCRIBE_STRUCT(SavedMeans, (), (type, gateway, token))

// The SQL of saved payment methods. Whoever changes those of a user holds the user's lock.
class MethodRepository {
 public:
  explicit MethodRepository(pg::Pool& pool) : pool_(pool) {}

  Task<std::vector<PaymentMethod>> list(Context context, Uuid user_id);
  Task<std::optional<SavedMeans>> find_saved(Context context, PaymentMethodRef ref);

  // Until the transaction ends. A user has no row in this database, so the lock is an advisory one.
  Task<> lock_user(pg::Transaction& tx, Uuid user_id);
  Task<std::optional<PaymentMethod>> find(pg::Transaction& tx, PaymentMethodRef ref);
  Task<std::optional<PaymentMethod>> find_token(pg::Transaction& tx, Uuid user_id, std::string gateway,
                                                std::string token);
  Task<std::int64_t> count(pg::Transaction& tx, Uuid user_id);
  Task<PaymentMethod> insert(pg::Transaction& tx, Uuid user_id, std::string gateway, NewPaymentMethod method);
  // The one that was the default is it no longer.
  Task<PaymentMethod> make_default(pg::Transaction& tx, PaymentMethodRef ref);
  // A default is followed by the newest of the others. False where there was nothing to remove.
  Task<bool> remove(pg::Transaction& tx, PaymentMethodRef ref);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::payment
