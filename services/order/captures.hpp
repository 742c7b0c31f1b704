#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"

namespace souk::order {

// Looks for money that was captured and that no order accounts for, and gives back what is safe to give back.
class Captures {
 public:
  Captures(pg::Pool& pool, payment::Api& payments) : pool_(pool), payments_(payments) {}

  Task<Result<CapturesChecked>> check(Context context, CheckCaptures request);

 private:
  // What order_db knows of a captured payment.
  struct Known;
  Task<std::vector<Known>> find(Context context, std::vector<Uuid> order_ids);
  Task<> look_at(Context context, payment::Payment payment, Known known, bool repair, CapturesChecked& result);
  Task<bool> give_back(Context context, Uuid order_id, std::string cause);

  pg::Pool& pool_;
  payment::Api& payments_;
};

}  // namespace souk::order
