#pragma once

#include <memory>
#include <vector>

#include "world.hpp"

namespace souk::order::simulation {

// Everybody who works on the sagas: the first worker of a checkout, and recovery. They do what the saga's core says and
// tell it what came of it, as executor.cpp and undo.cpp do; a worker may be killed before and after each step, or be
// held up until others have taken over.
class Workers {
 public:
  explicit Workers(World& world) : world_(world) {}

  // The first worker of a checkout whose intent is written. Recovery watches over it from now on.
  void begin(int order);
  // Somebody takes the saga over, if nobody holds it.
  void take(int order);
  // The order is cancelled, if there is one.
  void cancel(int order);
  // kill -9: nobody goes on, but what was sent may still arrive.
  void kill_all();
  // The payment of the order may have changed: the feed of its events tells, perhaps twice.
  void tell(int order);
  // The payment service asks the gateway of itself while it does not know.
  void poll(int order);

 private:
  struct Worker {
    int order = 0;
    int number = 0;  // in the trace
    int version = 1;
    Ms deadline = 0;
    bool alive = true;
    int call = 0;  // whose answer it waits for
    saga::State state;
    saga::Cancellation undo;
  };
  using Ref = std::shared_ptr<Worker>;

  Row& row(int order) { return world_.rows[static_cast<std::size_t>(order)]; }
  Ref hire(int order, int version, Ms time);
  void watch(int order);
  void watch_undo(int order);
  void take_undo(int order);

  void step(const Ref& worker);
  void step_undo(const Ref& worker);
  // True when the worker does not come to it.
  bool killed(const Worker& worker, const char* action);
  // A call: it reaches its end or not, once or twice, sooner or later, and so does the answer.
  void call(const Ref& worker, Ms limit, std::function<What()> perform, std::function<void(What)> hear);

  What perform(const Worker& worker, saga::Action action);
  What perform_money(int order, saga::Action action);
  What perform_write(const Worker& worker, saga::Action action);
  What write_order(const Worker& worker);
  What write_refusal(const Worker& worker);
  What reserve(int order);
  What charge(int order);
  What refund(int order);
  What perform_undo(const Worker& worker, saga::UndoAction action);
  void hear_undo(Worker& worker, saga::UndoAction action, What what);
  void tell_customer(const Worker& worker);

  World& world_;
  std::vector<Ref> workers_;
  bool repeating_ = false;  // what is delivered now was delivered before
};

}  // namespace souk::order::simulation
