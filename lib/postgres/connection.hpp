#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/task.hpp"
#include "postgres/params.hpp"
#include "postgres/pool.hpp"
#include "postgres/rows.hpp"

struct pg_conn;
struct pg_result;

namespace souk::metrics {
class Histogram;
}

namespace souk::pg {

// The connection ended in the middle of a statement; it must be dropped.
struct ConnectionLost : std::runtime_error {
  ConnectionLost(const std::string& message, bool all_sent) : std::runtime_error(message), sent(all_sent) {}
  // The whole statement was handed to the network: the server may have executed it.
  bool sent;
};

// One connection to PostgreSQL, of one worker, used by one coroutine at a time. Always in libpq's pipeline mode, so
// that BEGIN, preparing and the first statement take one round trip.
class Connection {
 public:
  // Throws Unavailable when there is none before `deadline`. `database` is the metrics label.
  static Task<std::unique_ptr<Connection>> open(std::string url, std::string database, Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs the statement, preparing it the first time; after BEGIN when `begin`. Throws Error or ServerBusy (the
  // connection stays usable), ConnectionLost, or Unavailable when the deadline had passed before anything was sent.
  Task<Rows> execute(Statement statement, const Params& params, Deadline deadline, bool begin = false);

  // Not lost, and no statement under way.
  bool usable() const { return !busy_ && !broken_; }
  // Asks the socket as well whether the server has closed it while it lay idle.
  bool alive();
  bool in_transaction() const;
  // In a transaction that an error has doomed.
  bool failed_transaction() const;

 private:
  struct Socket;
  struct Prepared {
    std::string name;  // on the server; "" is parsed anew each time
    std::string sql;
    bool ready = false;
    metrics::Histogram* seconds = nullptr;
  };
  // What was sent and is to be answered, in order.
  struct Step {
    Prepared* statement;
    bool prepare;
  };
  enum class WaitFor { read, write };

  explicit Connection(std::string database) : database_(std::move(database)) {}

  Task<> connect(std::string url, Deadline deadline);
  void watch_socket(Executor executor);
  Prepared& find(const Statement& statement);
  void send(Prepared& statement, const Params& params);
  Task<> flush(Deadline deadline);
  Task<Rows> receive(std::string_view label, Deadline deadline);
  [[noreturn]] void refuse(Error error);
  void note_result(const Step& step, int status, const pg_result* result);
  Task<bool> wait(WaitFor what, Deadline deadline);
  std::string last_message() const;

  std::string database_;
  pg_conn* connection_ = nullptr;
  std::shared_ptr<Socket> socket_;
  std::unordered_map<std::string_view, std::unique_ptr<Prepared>> prepared_;  // by SQL text, which the value owns
  Prepared overflow_;
  std::vector<Step> steps_;
  bool busy_ = false;
  bool broken_ = false;
};

}  // namespace souk::pg
