#pragma once

#include <exception>
#include <vector>

#include "core/batcher.hpp"
#include "core/runtime.hpp"
#include "events/outbox.hpp"
#include "postgres/pool.hpp"
#include "repository.hpp"
#include "rules.hpp"

namespace souk::inventory {

// Executes what is asked of reservations at the same time with one transaction: lock, decide one by one in the order of
// arrival (rules::decide), write, commit. Reserving, completing, releasing and extending share the batches, because
// they wait for the same rows.
class Reservations {
 public:
  Reservations(Runtime& runtime, pg::Pool& pool, Repository& repository, events::Outbox& outbox);

  // Every operation is idempotent by its order id, so after an unknown outcome it is asked again: that waits for the
  // lost transaction and finds what it did.
  Task<Result<Reservation>> submit(Context context, rules::Operation operation);
  // Expires what is due of these orders.
  Task<> expire(Context context, std::vector<Uuid> order_ids);

 private:
  struct Request {
    rules::Operation operation;
    Deadline deadline;
  };
  struct Outcome {
    Result<Reservation> result;
    std::exception_ptr failure;  // instead of the result
  };
  using Requests = std::vector<Request>;
  using Outcomes = std::vector<Outcome>;

  Task<Outcomes> run(Requests requests);
  Task<Outcomes> run_halving(Requests requests);
  Task<Outcomes> run_together(Context context, Requests requests);
  Task<std::optional<rules::Decision>> decide(Context context, std::vector<rules::Operation> operations);
  Task<> close_released(Context context, const Requests& requests, std::vector<std::size_t> places, Outcomes& outcomes);

  pg::Pool& pool_;
  Repository& repository_;
  events::Outbox& outbox_;
  Batcher<Request, Outcome> batcher_;
};

}  // namespace souk::inventory
