#pragma once

#include <vector>

#include "inventory/api.hpp"
#include "payment/api.hpp"
#include "saga.hpp"
#include "saga_repository.hpp"

namespace souk::order {

// Gives stock and money of a cancelled order back, each step idempotent by the order's id.
class Undo {
 public:
  Undo(SagaRepository& sagas, inventory::Api& inventory, payment::Api& payments)
      : sagas_(sagas), inventory_(inventory), payments_(payments) {}

  // Until it is done or handed over to recovery.
  Task<> run(Context context, OpenCancellation cancellation);

 private:
  struct State {
    OpenCancellation cancellation;
    saga::Cancellation saga;
    std::vector<inventory::ReserveLine> sold;
  };

  // False when there was no answer.
  Task<bool> step(Context context, State& state, saga::UndoAction action);
  Task<bool> perform(Context context, State& state, saga::UndoAction action);
  Task<bool> complete_stock(Context context, State& state);
  Task<bool> return_stock(Context context, State& state);
  Task<bool> release_stock(Context context, State& state);
  Task<bool> cancel_payment(Context context, State& state);
  Task<bool> refund(Context context, State& state);
  Task<bool> write_done(Context context, State& state);

  SagaRepository& sagas_;
  inventory::Api& inventory_;
  payment::Api& payments_;
};

}  // namespace souk::order
