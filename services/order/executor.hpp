#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cancellations.hpp"
#include "cart/api.hpp"
#include "details.hpp"
#include "inventory/api.hpp"
#include "payment/api.hpp"
#include "saga.hpp"
#include "saga_repository.hpp"
#include "writes.hpp"

namespace souk::order {

// A saga in the hands of this worker.
struct Run {
  Checkpoint checkpoint;
  saga::State state;
  Deadline since = Clock::now();         // when the checkpoint was read
  std::optional<std::string> gateway{};  // that has the money

  static Run fresh(Checkpoint checkpoint);
  static Run taken_over(Checkpoint checkpoint);
  std::chrono::seconds age() const;
};

// Does what the saga's core says, and tells it what came of it. A dependency that does not answer is asked again a few
// times, then the saga is handed over to recovery. An exception is a bug or a broken environment: the lease runs out,
// and recovery takes the saga over.
class Executor {
 public:
  struct Apis {
    cart::Api& carts;
    inventory::Api& inventory;
    payment::Api& payments;
  };
  struct Options {
    std::string return_url_base;  // public URL of the shop, for customers who pay elsewhere
    std::string secret;           // for the token in that URL
    std::chrono::milliseconds check_waiting_after{30'000};
  };

  Executor(Writes& writes, SagaRepository& sagas, Cancellations& cancellations, Apis apis, Options options)
      : writes_(writes), sagas_(sagas), cancellations_(cancellations), apis_(apis), options_(std::move(options)) {}

  // Until the customer can be told: an order, a refusal, or not for now. The context's deadline ends it.
  Task<> decide(Context context, Run& run);
  // What follows the pivot, until it is done or handed over. Without a pivot, nothing.
  Task<> complete(Context context, Run& run);
  // Only the cart's part of it, so that its owner finds it empty at once.
  Task<> finish_cart(Context context, Run& run);

 private:
  using Event = saga::Event;

  Task<> step(Context context, Run& run, saga::Action action);
  Task<Event> perform(Context context, Run& run, saga::Action action);
  Task<Event> perform_stock(Context context, Run& run, saga::Action action);
  Task<Event> perform_money(Context context, Run& run, saga::Action action);
  Task<Event> perform_write(Context context, Run& run, saga::Action action);
  Task<Event> extend_hold(Context context, Run& run);
  Task<Event> reserve(Context context, Run& run);
  Task<Event> complete_stock(Context context, Run& run);
  Task<Event> charge(Context context, Run& run);
  Task<Event> refund(Context context, Run& run);
  Task<> note_capture(Context context, const Run& run);
  Task<Event> write_order(Run& run);
  Task<Event> write_undoing(Context context, Run& run);
  Task<Event> write_refusal(Run& run);
  Task<Event> give_up(Context context, Run& run, saga::Action action);
  Task<Event> cancel_order(Context context, Run& run);

  Writes& writes_;
  SagaRepository& sagas_;
  Cancellations& cancellations_;
  Apis apis_;
  Options options_;
};

}  // namespace souk::order
