#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "redis/client.hpp"
#include "redis/link.hpp"
#include "redis/url.hpp"

namespace souk::redis {

// A worker's way to Redis: one Link after another, with backoff between them.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Executor executor, Target target);

  // Begins to connect; from any thread, once.
  void start();
  // On its own worker only, like everything that follows.
  Task<Reply> execute(Deadline deadline, std::vector<std::string> arguments);
  Task<> close();
  // For the destructor of a client that was not closed; from any thread.
  void abandon();

 private:
  static Task<> run(std::shared_ptr<Connection> self);
  Task<> keep_connected();
  Task<bool> connect();
  Task<std::vector<Address>> addresses();
  Task<bool> connect_to(Address address);
  Task<> greet();
  Task<Reply> exchange(std::shared_ptr<Link> link, Deadline deadline, std::vector<std::string> arguments);
  Task<> settled();
  void settle();

  Executor executor_;
  Target target_;
  TaskGroup group_;
  Timer settling_;  // cancelled when the first attempt has ended
  std::shared_ptr<Link> link_;
  bool settled_ = false;
  bool ready_ = false;
  std::string reason_ = "not yet connected";
};

}  // namespace souk::redis
