#pragma once

#include "batches.hpp"
#include "core/runtime.hpp"
#include "events/outbox.hpp"
#include "saga_repository.hpp"

namespace souk::order {

// The durable points of all checkouts of this process: those that wait at the same time share a commit.
class Writes {
 public:
  Writes(Runtime& runtime, SagaRepository& sagas, events::Outbox& outbox);

  Task<Started> start(Intent intent);
  Task<OrderWritten> write_order(OrderToWrite order) { return orders_.submit(std::move(order)); }
  Task<Written> write_refusal(RefusalToWrite refusal) { return refusals_.submit(std::move(refusal)); }
  Task<Written> write_completed(Step step) { return completions_.submit(step); }

 private:
  BatchedWrite<Intent, Started> starts_;
  BatchedWrite<OrderToWrite, OrderWritten> orders_;
  BatchedWrite<RefusalToWrite, Written> refusals_;
  BatchedWrite<Step, Written> completions_;
};

}  // namespace souk::order
