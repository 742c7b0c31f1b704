#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "events/signal.hpp"
#include "repository.hpp"
#include "transport.hpp"

namespace souk::notification {

// Hands mails over: each at least once, again after a while when the transport cannot take it. What a crash leaves
// claimed is due again when its lease is over.
class Deliverer {
 public:
  Deliverer(Repository& repository, std::unique_ptr<Transport> transport);

  // Without a transport mails wait.
  bool has_transport() const { return transport_ != nullptr; }
  void start(TaskGroup& group);
  // There are new mails.
  void wake() { signal_.notify(); }

  // Hands over what is due now, up to one batch, some at a time. Returns how many were due.
  Task<std::size_t> deliver_due(Context context);

 private:
  struct Batch {
    std::vector<Due> due;
    std::size_t next = 0;
    std::vector<AttemptRow> ended;  // and not yet written
    bool is_writing = false;
  };

  Task<> run(TaskGroup& group);
  // Ends what is under way when the program stops: a mail server may take its time.
  Task<> interrupt_on_stop(TaskGroup& group);
  Task<> deliver(Context context, Batch& batch);
  Task<> record(Context context, Batch& batch, AttemptRow attempt);
  Task<Delivery> send(Context context, Due due);

  Repository& repository_;
  std::unique_ptr<Transport> transport_;
  events::Signal signal_;
  bool interrupted_ = false;  // touched by the loop's worker alone
};

}  // namespace souk::notification
