#include "postgres/share.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>

#include "core/blocking_pool.hpp"
#include "core/report.hpp"
#include "telemetry/metrics.hpp"

namespace souk::pg {
namespace {

using namespace std::chrono_literals;

constexpr Duration first_backoff = 20ms;
constexpr Duration longest_backoff = 500ms;
constexpr Duration rollback_limit = 2s;

constexpr Statement rollback_statement{"rollback", "ROLLBACK"};

metrics::Gauge& connections_gauge(const std::string& database, const std::string& state) {
  return metrics::gauge("souk_pg_pool_connections", "Connections to a database.",
                        {{"database", database}, {"state", state}});
}

}  // namespace

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    share_ = std::move(other.share_);
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void Lease::give_back() noexcept {
  if (!share_) return;
  const auto share = std::move(share_);
  try {
    share->give_back(std::move(connection_));
  } catch (...) {
    report_exception("giving back a connection", std::current_exception());
  }
}

Share::Share(Executor executor, const PoolOptions& options, std::size_t max_connections, std::size_t max_waiting)
    : executor_(executor),
      url_(options.url),
      name_(options.name),
      connect_timeout_(options.connect_timeout),
      max_connections_(max_connections),
      max_waiting_(max_waiting),
      drained_(executor, Deadline::max()),
      rollbacks_(executor),
      idle_gauge_(connections_gauge(name_, "idle")),
      busy_gauge_(connections_gauge(name_, "busy")),
      waiting_gauge_(metrics::gauge("souk_pg_pool_waiting", "Callers that wait for a connection to a database.",
                                    {{"database", name_}})),
      wait_seconds_(metrics::histogram("souk_pg_pool_wait_seconds", "Time until a caller had a connection.",
                                       {{"database", name_}})) {}

Task<Lease> Share::acquire(Deadline deadline) {
  const auto self = shared_from_this();
  if (closed_) throw Unavailable("the pool of database " + name_ + " is closed");
  const auto started = Clock::now();
  auto lease = take_now();
  if (!lease) lease = co_await wait_turn(deadline);
  if (!lease.connected()) lease.set_connection(co_await open(deadline));
  wait_seconds_.observe(std::chrono::duration<double>(Clock::now() - started).count());
  publish();
  co_return lease;
}

Lease Share::take_now() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->alive()) return {shared_from_this(), std::move(connection)};
    --open_;
  }
  if (open_ >= max_connections_) return {};
  ++open_;
  return {shared_from_this(), nullptr};
}

Task<Lease> Share::wait_turn(Deadline deadline) {
  if (waiting_.size() >= max_waiting_) throw Overloaded("too many callers wait for database " + name_);
  Waiter waiter{Timer(executor_, deadline), std::nullopt};
  // Takes the waiter out of the list even when its coroutine is destroyed in its sleep.
  struct InList {
    std::list<Waiter*>& list;
    metrics::Gauge& gauge;
    Waiter* waiter;
    InList(std::list<Waiter*>& l, metrics::Gauge& g, Waiter* w) : list(l), gauge(g), waiter(w) {
      list.push_back(waiter);
      gauge.add(1);
    }
    ~InList() {
      gauge.add(-1);
      if (!waiter->granted) list.remove(waiter);
    }
  };
  const InList in_list(waiting_, waiting_gauge_, &waiter);
  boost::system::error_code ignored;
  co_await waiter.timer.async_wait(asio::redirect_error(use_task, ignored));
  if (waiter.granted) co_return std::move(*waiter.granted);
  if (closed_) throw Unavailable("the pool of database " + name_ + " is closed");
  throw Unavailable("no connection to database " + name_ + " became free in time");
}

Task<std::unique_ptr<Connection>> Share::open(Deadline deadline) {
  if (Clock::now() < retry_at_) throw Unavailable(last_failure_);
  const auto limit = Clock::now() + connect_timeout_;
  try {
    auto connection = co_await Connection::open(url_, name_, std::min(deadline, limit));
    backoff_ = Duration::zero();
    co_return connection;
  } catch (const Unavailable& failure) {
    // A caller who had no time left says nothing about the database.
    if (Clock::now() < deadline || deadline > limit) {
      backoff_ = std::clamp(backoff_ * 2, first_backoff, longest_backoff);
      retry_at_ = Clock::now() + backoff_;
      last_failure_ = failure.what();
    }
    throw;
  }
}

void Share::give_back(std::unique_ptr<Connection> connection) {
  // Only while the runtime is torn down: whoever waits is being destroyed as well.
  if (!executor_.running_in_this_thread()) {
    connection.reset();
    --open_;
    return;
  }
  if (connection && !connection->usable()) connection.reset();
  if (connection && connection->in_transaction()) {
    rollbacks_.spawn("postgres rollback", roll_back(shared_from_this(), std::move(connection)));
    return;
  }
  if (closed_) connection.reset();
  if (!waiting_.empty()) {
    auto* waiter = waiting_.front();
    waiting_.pop_front();
    waiter->granted.emplace(shared_from_this(), std::move(connection));
    waiter->timer.cancel();
    return;
  }
  if (connection) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
  }
  publish();
  if (closed_ && open_ == 0) drained_.cancel();
}

Task<> Share::roll_back(std::shared_ptr<Share> share, std::unique_ptr<Connection> connection) {
  Lease lease(share, std::move(connection));
  try {
    co_await lease->execute(rollback_statement, Params(), Clock::now() + rollback_limit);
  } catch (const std::exception&) {
    // The server rolls back what it finds on a closed connection.
    lease.set_connection(nullptr);
  }
}

void Share::shut() {
  closed_ = true;
  open_ -= idle_.size();
  idle_.clear();
  publish();
  for (auto* waiter : waiting_) waiter->timer.cancel();
}

Task<> Share::close() {
  const auto self = shared_from_this();
  shut();
  while (open_ > 0) {
    boost::system::error_code ignored;
    drained_.expires_at(Deadline::max());
    co_await drained_.async_wait(asio::redirect_error(use_task, ignored));
  }
  co_await rollbacks_.drain();
}

void Share::publish() {
  const auto busy = open_ - idle_.size();
  idle_gauge_.add(static_cast<double>(idle_.size()) - static_cast<double>(published_idle_));
  busy_gauge_.add(static_cast<double>(busy) - static_cast<double>(published_busy_));
  published_idle_ = idle_.size();
  published_busy_ = busy;
}

}  // namespace souk::pg
