#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "postgres/connection.hpp"
#include "postgres/pool.hpp"

namespace souk::metrics {
class Gauge;
class Histogram;
}  // namespace souk::metrics

namespace souk::pg {

class Share;

// The right to one of a share's connections, given back by the destructor: a connection in a transaction is rolled
// back first, in the background; one in the middle of a statement is closed.
class Lease {
 public:
  Lease() = default;
  Lease(std::shared_ptr<Share> share, std::unique_ptr<Connection> connection)
      : share_(std::move(share)), connection_(std::move(connection)) {}
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { give_back(); }

  explicit operator bool() const { return share_ != nullptr; }
  bool connected() const { return connection_ != nullptr; }
  void set_connection(std::unique_ptr<Connection> connection) { connection_ = std::move(connection); }
  Connection* operator->() const { return connection_.get(); }
  void give_back() noexcept;

 private:
  std::shared_ptr<Share> share_;
  std::unique_ptr<Connection> connection_;  // none yet: the right to open one
};

// One worker's part of a pool. Everything happens on that worker, so there is no lock.
class Share : public std::enable_shared_from_this<Share> {
 public:
  Share(Executor executor, const PoolOptions& options, std::size_t max_connections, std::size_t max_waiting);

  // A connection, when need be a new one, or after waiting for its turn. Throws Unavailable or Overloaded.
  Task<Lease> acquire(Deadline deadline);
  // Takes no more callers, and waits until all connections are closed.
  Task<> close();
  // Closes what is idle and refuses who waits.
  void shut();

  Executor executor() const { return executor_; }
  const std::string& name() const { return name_; }

 private:
  friend class Lease;
  struct Waiter {
    Timer timer;
    std::optional<Lease> granted;
  };

  Lease take_now();
  Task<Lease> wait_turn(Deadline deadline);
  Task<std::unique_ptr<Connection>> open(Deadline deadline);
  void give_back(std::unique_ptr<Connection> connection);
  static Task<> roll_back(std::shared_ptr<Share> share, std::unique_ptr<Connection> connection);
  void publish();

  Executor executor_;
  std::string url_;
  std::string name_;
  std::chrono::milliseconds connect_timeout_;
  std::size_t max_connections_;
  std::size_t max_waiting_;

  std::vector<std::unique_ptr<Connection>> idle_;  // the last used one is taken first
  std::size_t open_ = 0;                           // idle, leased and being opened
  std::list<Waiter*> waiting_;
  bool closed_ = false;
  Timer drained_;
  TaskGroup rollbacks_;

  // After a failed attempt nobody tries again before `retry_at_`.
  Deadline retry_at_{};
  Duration backoff_{};
  std::string last_failure_;

  metrics::Gauge& idle_gauge_;
  metrics::Gauge& busy_gauge_;
  metrics::Gauge& waiting_gauge_;
  metrics::Histogram& wait_seconds_;
  std::size_t published_idle_ = 0;
  std::size_t published_busy_ = 0;
};

}  // namespace souk::pg
