#pragma once

#include <memory>
#include <vector>

#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "events/outbox.hpp"
#include "executor.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"
#include "return_repository.hpp"
#include "returns.hpp"
#include "saga_repository.hpp"
#include "undo.hpp"

namespace souk::order {

// What goes on without a request: the steps after a reply, and what crashes, silence and waiting customers left.
class Recovery {
 public:
  struct Options {
    std::chrono::milliseconds interval{2'000};
    std::chrono::milliseconds lease{30'000};
  };

  Recovery(Runtime& runtime, pg::Pool& pool, SagaRepository& sagas, Executor& executor, Undo& undo, Returns& returns,
           ReturnRepository& return_sagas, events::Outbox& outbox, payment::Api& payments, Options options);

  // The loops, until `group` stops.
  void start(TaskGroup& group);
  // Finishes a checkout whose order is written, beside the request. With too many under way it is left to recovery.
  void complete_later(Run run);
  // Gives a cancelled order's stock and money back, beside the request.
  void undo_later();
  // Gives stock and money of a return that was received back, beside the request.
  void return_later();
  // Waits for what was begun so far.
  Task<> settle();
  // Takes over what is due and goes on with it. Returns how much that was.
  Task<std::size_t> run_once(Context context);
  // Has recovery look at once.
  void wake();

 private:
  Task<> loop(TaskGroup& group);
  Task<> maintain(TaskGroup& group);
  Task<> settle_at_the_end(TaskGroup& group);
  Task<> complete(Run run);
  Task<> continue_checkout(Checkpoint checkpoint);
  Task<> continue_undo(OpenCancellation cancellation);
  Task<> undo_due();
  Task<> return_due();
  Task<> continue_return(OpenReturn open);
  Task<> note_payments(Context context, const events::EventPage& page);
  Task<> refund_late(Context context, Uuid order_id);
  Context run_context() const;
  TaskGroup& own_group();

  pg::Pool& pool_;
  SagaRepository& sagas_;
  Executor& executor_;
  Undo& undo_;
  Returns& returns_;
  ReturnRepository& return_sagas_;
  events::Outbox& outbox_;
  payment::Api& payments_;
  Options options_;
  std::vector<std::unique_ptr<TaskGroup>> groups_;  // one a worker
  TaskGroup* loop_group_ = nullptr;
};

}  // namespace souk::order
