#include "postgres/pool.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <stdexcept>
#include <vector>

#include "postgres/connection.hpp"
#include "postgres/reads_only.hpp"
#include "postgres/share.hpp"
#include "telemetry/trace.hpp"

namespace souk::pg {
namespace {

constexpr Statement commit_statement{"commit", "COMMIT"};
constexpr Statement rollback_statement{"rollback", "ROLLBACK"};
constexpr Statement ping_statement{"ping", "SELECT 1"};

}  // namespace

struct Transaction::Impl {
  Lease lease;
  Context context;
  bool begun = false;
};

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Task<Rows> Transaction::execute(const Statement& statement, Params params) {
  auto& lease = impl_->lease;
  if (!lease) throw std::logic_error("statement " + std::string(statement.name) + " after the end of its transaction");
  if (impl_->begun && !lease->in_transaction()) {
    lease.give_back();
    throw std::logic_error("a statement ended the transaction around it");
  }
  const trace::Span span(impl_->context, trace::Kind::client, "postgres", statement.name);
  try {
    auto rows = co_await lease->execute(statement, params, impl_->context.deadline(), !impl_->begun);
    impl_->begun = true;
    co_return rows;
  } catch (const ConnectionLost& lost) {
    lease.give_back();
    throw Unavailable(std::string("the transaction was not committed: ") + lost.what());
  } catch (...) {
    // Refused after BEGIN was sent with it, or before anything was.
    impl_->begun = lease->in_transaction();
    throw;
  }
}

Task<> Transaction::commit() {
  auto lease = std::move(impl_->lease);
  if (!lease) throw std::logic_error("a transaction was committed after its end");
  if (!impl_->begun) co_return;
  // COMMIT would answer ROLLBACK and succeed.
  if (lease->failed_transaction())
    throw Error("25P02", "", "a transaction cannot be committed after a failed statement");
  const trace::Span span(impl_->context, trace::Kind::client, "postgres", commit_statement.name);
  try {
    const auto result = co_await lease->execute(commit_statement, Params(), impl_->context.deadline());
    if (std::string_view(PQcmdStatus(result.raw())) != "COMMIT") {
      throw Error("25P02", "", "a transaction was rolled back instead of committed");
    }
  } catch (const ConnectionLost& lost) {
    if (!lost.sent) throw Unavailable(std::string("the transaction was not committed: ") + lost.what());
    throw UnknownOutcome(std::string("the outcome of a COMMIT is unknown: ") + lost.what());
  }
}

Task<> Transaction::rollback() {
  auto lease = std::move(impl_->lease);
  if (!lease || !impl_->begun) co_return;
  try {
    co_await lease->execute(rollback_statement, Params(), impl_->context.deadline());
  } catch (const ConnectionLost&) {
    // The server rolls back what it finds on a closed connection.
  } catch (const Unavailable&) {
    // No time was left: the lease rolls back in the background.
  }
}

struct Pool::Impl {
  Impl(Runtime& runtime, PoolOptions given) : options(std::move(given)) {
    const auto workers = runtime.size();
    for (std::size_t i = 0; i < workers; ++i) {
      const auto even = options.max_connections / workers + (i < options.max_connections % workers ? 1 : 0);
      shares.push_back(std::make_shared<Share>(runtime.executor(i), options, std::max<std::size_t>(even, 1),
                                               std::max<std::size_t>(options.max_waiting / workers, 1)));
    }
  }

  Share& share() const { return *shares.at(this_worker()); }

  PoolOptions options;
  std::vector<std::shared_ptr<Share>> shares;
};

Pool::Pool(Runtime& runtime, PoolOptions options) : impl_(std::make_unique<Impl>(runtime, std::move(options))) {}

Pool::~Pool() {
  for (const auto& share : impl_->shares) {
    asio::post(share->executor(), [share] { share->shut(); });
  }
}

Task<Rows> Pool::execute(Context context, const Statement& statement, Params params) {
  const trace::Span span(context, trace::Kind::client, "postgres", statement.name);
  auto lease = co_await impl_->share().acquire(context.deadline());
  try {
    co_return co_await lease->execute(statement, params, context.deadline());
  } catch (const ConnectionLost& lost) {
    const auto what = std::string(statement.name) + ": " + lost.what();
    if (!lost.sent || reads_only(statement.sql)) throw Unavailable(what);
    throw UnknownOutcome("the outcome of " + what);
  }
}

Task<Transaction> Pool::begin(Context context) {
  auto lease = co_await impl_->share().acquire(context.deadline());
  co_return Transaction(std::make_unique<Transaction::Impl>(std::move(lease), std::move(context)));
}

Task<> Pool::ping(Context context) { co_await execute(std::move(context), ping_statement, Params()); }

Task<> Pool::close() {
  const auto shares = impl_->shares;
  for (const auto& share : shares) {
    co_await asio::co_spawn(share->executor(), share->close(), use_task);
  }
}

const std::string& Pool::name() const { return impl_->options.name; }

}  // namespace souk::pg
