#pragma once

#include <exception>
#include <vector>

#include "core/batcher.hpp"
#include "core/runtime.hpp"
#include "events/outbox.hpp"
#include "repository.hpp"

namespace souk::payment {

// Makes beginnings and results of charges durable, those of the same moment with one commit.
class Writer {
 public:
  Writer(Runtime& runtime, Repository& repository, events::Outbox& outbox);

  // Inserts the payment; empty when the order was charged, or closed, before.
  Task<std::optional<Payment>> begin(Context context, Payment payment);
  // Writes the change with its event. The payment as its row is now, which is another when somebody was faster.
  Task<Payment> change(Context context, Change change);

 private:
  template <class Value>
  struct Waiting {
    Value value;
    Deadline deadline;
  };
  template <class Value>
  struct Outcome {
    Value value{};
    std::exception_ptr failure;  // instead of the value
  };
  using Begun = std::optional<Timestamp>;

  Task<std::vector<Outcome<Begun>>> run_begins(std::vector<Waiting<Payment>> batch);
  Task<std::vector<Outcome<bool>>> run_changes(std::vector<Waiting<Change>> batch);
  static Task<std::vector<Begun>> begin_all(Repository& repository, Context context, std::vector<Payment> payments);
  static Task<std::vector<bool>> change_all(Repository& repository, events::Outbox& outbox, Context context,
                                            std::vector<Change> changes);

  Repository& repository_;
  events::Outbox& outbox_;
  Batcher<Waiting<Payment>, Outcome<Begun>> begins_;
  Batcher<Waiting<Change>, Outcome<bool>> changes_;
};

}  // namespace souk::payment
