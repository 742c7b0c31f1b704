#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/runtime.hpp"
#include "core/task.hpp"
#include "postgres/error.hpp"
#include "postgres/params.hpp"
#include "postgres/rows.hpp"

namespace souk::pg {

// SQL as a named constant: inline constexpr Statement find_order{"order.find", "SELECT … WHERE id = $1"};
// Prepared once a connection. The name is the metrics label, so it must be unique in the service.
struct Statement {
  std::string_view name;
  std::string_view sql;
};

class Connection;

// A transaction (READ COMMITTED). Without commit() it is rolled back when the object dies.
class Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  // Throws Error or ServerBusy when the server refuses, Unavailable when the connection or the deadline ends. Nothing
  // of the transaction happened then, and it can only be left.
  template <class... Args>
  Task<Rows> query(const Statement& statement, const Args&... args) {
    return execute(statement, Params::of(args...));
  }
  Task<Rows> execute(const Statement& statement, Params params);

  // Durable when it returns. Throws UnknownOutcome when the connection was lost after COMMIT was sent.
  Task<> commit();
  Task<> rollback();

 private:
  friend class Pool;
  struct Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct PoolOptions {
  std::string url;                   // libpq URI
  std::string name;                  // metrics label: the database's name
  std::size_t max_connections = 20;  // of all workers together, at least one each (the spec's limit a service)
  std::size_t max_waiting = 4096;    // more waiting callers throw Overloaded
  std::chrono::milliseconds connect_timeout{2000};
};

// Connections to one database, split evenly among the workers; each is used by its own worker only.
// Connects on demand; a broken connection is dropped and replaced; never gives out one in an unknown state.
class Pool {
 public:
  Pool(Runtime& runtime, PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // One statement in a transaction of its own. A write whose connection is lost throws UnknownOutcome.
  template <class... Args>
  Task<Rows> query(Context context, const Statement& statement, const Args&... args) {
    return execute(std::move(context), statement, Params::of(args...));
  }
  Task<Rows> execute(Context context, const Statement& statement, Params params);

  Task<Transaction> begin(Context context);

  // Throws Unavailable when the database does not answer: for readiness.
  Task<> ping(Context context);
  // Closes idle connections and waits for the others. After the last use.
  Task<> close();

  const std::string& name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::pg
