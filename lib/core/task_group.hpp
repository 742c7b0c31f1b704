#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/task.hpp"

namespace souk {

// Owns coroutines that nobody awaits, so that none outlives what it uses. Everything spawned must end soon after
// stop(): loops sleep with sleep() and look at stopping(). Belongs to one worker: spawn() may be called from any
// thread, the rest from its own.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();  // everything must have been drained
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // An exception that leaves the task is logged with `name`, and the task is over.
  void spawn(std::string name, Task<> task);
  // Ends the sleeps and makes stopping() true.
  void stop();
  bool stopping() const;
  // Waits until all tasks have ended. Call stop() first.
  Task<> drain();
  // Sleeps; false when the group stops meanwhile.
  Task<bool> sleep(Duration duration);
  // Ends the sleeps now, so that loops look for work at once. From any thread.
  void wake();
  std::size_t size() const;
  Executor executor() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace souk
