#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"

namespace souk::payment {

struct BookedRefund {
  KnownRefund known;
  std::optional<std::string> gateway_refund_id;
  std::optional<std::string> gateway_payment_id;  // of its payment
};

// The SQL of comparing and correcting our books.
class ReconcileRepository {
 public:
  explicit ReconcileRepository(pg::Pool& pool) : pool_(pool) {}

  // Those with one of the ids, or one of the gateway's, in no order.
  Task<std::vector<BookedRefund>> find_refunds(Context context, std::vector<Uuid> ids,
                                               std::vector<std::string> gateway_ids);
  // Refunds at the gateway that were begun at `since` or later, by (created_at, id), after the one given.
  Task<std::vector<BookedRefund>> list_refunds(Context context, std::string gateway, Timestamp since,
                                               std::optional<Refund> after, std::int64_t limit);
  // A payment that only the gateway had. False where its order has one by now.
  Task<bool> adopt(pg::Transaction& tx, Payment payment, json::Raw response);
  // A payment that had ended without money was captured all the same. False where it has another status by now.
  Task<bool> mark_captured(pg::Transaction& tx, Payment payment, json::Raw response);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::payment
