#include "postgres/connection.hpp"

#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <new>
#include <optional>

#include "postgres/resolve.hpp"
#include "postgres/url.hpp"
#include "telemetry/metrics.hpp"

namespace souk::pg {
namespace {

// A statement past this many is parsed each time: a program that builds SQL must not fill the server's memory.
constexpr std::size_t max_prepared = 512;
constexpr std::size_t max_params = 65535;

constexpr Statement begin_statement{"begin", "BEGIN ISOLATION LEVEL READ COMMITTED"};

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

std::string field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

// FATAL and PANIC end the session, whatever the connection's state still says.
bool ends_session(const pg_result* result) {
  const auto severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

constexpr std::string_view read_only = "25006";

bool is_busy(std::string_view sqlstate) {
  return sqlstate == "57014" || sqlstate == "55P03" || sqlstate == read_only || sqlstate.starts_with("53");
}

// Values are sent as C strings: a NUL would silently cut them.
void check_params(const Params& params) {
  if (params.size() > max_params) throw Error("54000", "", "a statement has too many parameters");
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (params[i] && params[i]->find('\0') != std::string::npos) {
      throw Error("22021", "", "parameter $" + std::to_string(i + 1) + " contains a NUL character");
    }
  }
}

}  // namespace

// The socket and its one timer, shared with the timer's handler. The timer is not set for every statement: it is left
// armed for an earlier deadline and looks, when it fires, whether that of the present wait has passed.
struct Connection::Socket : std::enable_shared_from_this<Socket> {
  // Watches a duplicate: libpq closes its own descriptor whenever it likes, and the number may then be another file's.
  Socket(Executor executor, int duplicate) : descriptor(executor, duplicate), timer(executor) {}

  void arm() {
    if (armed <= deadline) return;
    armed = deadline;
    timer.expires_at(deadline);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->timer_fired();
    });
  }

  void timer_fired() {
    armed = Deadline::max();
    if (deadline == Deadline::max()) return;
    if (Clock::now() < deadline) return arm();
    descriptor.cancel();
  }

  Descriptor descriptor;
  Timer timer;
  Deadline deadline = Deadline::max();  // of the wait under way
  Deadline armed = Deadline::max();     // of the timer
};

Task<std::unique_ptr<Connection>> Connection::open(std::string url, std::string database, Deadline deadline) {
  std::unique_ptr<Connection> connection(new Connection(std::move(database)));
  co_await connection->connect(std::move(url), deadline);
  co_return connection;
}

Connection::~Connection() {
  if (socket_) {
    socket_->timer.cancel();
    boost::system::error_code ignored;
    socket_->descriptor.close(ignored);  // NOLINT(bugprone-unused-return-value)
  }
  if (connection_ != nullptr) PQfinish(connection_);
}

void Connection::watch_socket(Executor executor) {
  const int duplicate = ::dup(PQsocket(connection_));
  if (duplicate < 0) throw Unavailable("cannot watch the socket to database " + database_);
  if (socket_) {
    boost::system::error_code ignored;
    socket_->descriptor.close(ignored);
    socket_->descriptor.assign(duplicate);
  } else {
    socket_ = std::make_shared<Socket>(executor, duplicate);
  }
}

Task<> Connection::connect(std::string url, Deadline deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const ConnectParameters parameters(co_await resolve_host(parse_url(url), deadline));
  connection_ = PQconnectStartParams(parameters.keywords(), parameters.values(), 0);
  if (connection_ == nullptr) throw std::bad_alloc();
  // The default receiver prints to stderr.
  PQsetNoticeReceiver(
      connection_,
      [](void* self, const PGresult* notice) {
        if (ends_session(notice)) static_cast<Connection*>(self)->broken_ = true;
      },
      this);
  auto next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED || PQstatus(connection_) == CONNECTION_BAD) {
      throw Unavailable("cannot connect to database " + database_ + ": " + last_message());
    }
    watch_socket(executor);  // each step may use another socket
    const auto what = next == PGRES_POLLING_READING ? WaitFor::read : WaitFor::write;
    if (!co_await wait(what, deadline)) {
      throw Unavailable("database " + database_ + " did not answer in time to a new connection");
    }
    next = PQconnectPoll(connection_);
  }
  watch_socket(executor);
  if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) {
    throw Unavailable("cannot use the connection to database " + database_ + ": " + last_message());
  }
}

bool Connection::in_transaction() const { return PQtransactionStatus(connection_) != PQTRANS_IDLE; }

bool Connection::failed_transaction() const { return PQtransactionStatus(connection_) == PQTRANS_INERROR; }

bool Connection::alive() {
  constexpr int attempts = 4;
  for (int i = 0; i < attempts && usable() && PQstatus(connection_) == CONNECTION_OK; ++i) {
    char byte;
    const auto size = ::recv(PQsocket(connection_), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (size <= 0) break;
    // Something came unasked: a changed setting, a notice, or the server's farewell, which marks us broken.
    if (PQconsumeInput(connection_) != 1) break;
    PQisBusy(connection_);
  }
  broken_ = true;
  return false;
}

std::string Connection::last_message() const { return without_newline(PQerrorMessage(connection_)); }

Connection::Prepared& Connection::find(const Statement& statement) {
  if (const auto found = prepared_.find(statement.sql); found != prepared_.end()) return *found->second;
  const bool keep = prepared_.size() < max_prepared;
  auto entry = std::make_unique<Prepared>();
  entry->name = keep ? "s" + std::to_string(prepared_.size()) : "";
  entry->sql = statement.sql;
  entry->seconds =
      &metrics::histogram("souk_pg_statement_seconds", "Time of a statement, from sending it to its whole answer.",
                          {{"database", database_}, {"statement", std::string(statement.name)}});
  if (!keep) return overflow_ = std::move(*entry);
  auto& kept = *entry;
  prepared_.emplace(kept.sql, std::move(entry));
  return kept;
}

void Connection::send(Prepared& statement, const Params& params) {
  std::vector<const char*> values(params.size());
  for (std::size_t i = 0; i < params.size(); ++i) values[i] = params[i] ? params[i]->c_str() : nullptr;
  if (!statement.ready) {
    if (PQsendPrepare(connection_, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) != 1) {
      throw ConnectionLost(last_message(), false);
    }
    steps_.push_back({&statement, true});
  }
  if (PQsendQueryPrepared(connection_, statement.name.c_str(), static_cast<int>(values.size()), values.data(), nullptr,
                          nullptr, 0) != 1) {
    throw ConnectionLost(last_message(), false);
  }
  steps_.push_back({&statement, false});
}

Task<Rows> Connection::execute(Statement statement, const Params& params, Deadline deadline, bool begin) {
  if (busy_) throw std::logic_error("two statements at once on one connection");
  if (broken_) throw ConnectionLost("the connection to database " + database_ + " is broken", false);
  check_params(params);
  const auto started = Clock::now();
  if (started >= deadline) throw Unavailable("no time was left for statement " + std::string(statement.name));
  // Stays set when this frame is left by an exception other than Error: the connection is then in an unknown state.
  busy_ = true;
  steps_.clear();
  if (begin) send(find(begin_statement), Params());
  auto& prepared = find(statement);
  send(prepared, params);
  if (PQpipelineSync(connection_) != 1) throw ConnectionLost(last_message(), false);
  co_await flush(deadline);
  auto rows = co_await receive(statement.name, deadline);
  prepared.seconds->observe(std::chrono::duration<double>(Clock::now() - started).count());
  co_return rows;
}

Task<> Connection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) co_return;
    if (left < 0) throw ConnectionLost(last_message(), true);
    if (!co_await wait(WaitFor::write, deadline)) {
      throw ConnectionLost("the deadline passed while a statement was sent", true);
    }
  }
}

// Reads until the answer to the Sync: only then is the statement over, and a commit without BEGIN durable.
Task<Rows> Connection::receive(std::string_view label, Deadline deadline) {
  Rows rows;
  std::optional<Error> error;
  std::size_t step = 0;
  bool after_null = false;
  for (;;) {
    while (PQisBusy(connection_) != 0) {
      if (!co_await wait(WaitFor::read, deadline)) {
        throw ConnectionLost("the deadline passed while a statement ran", true);
      }
      if (PQconsumeInput(connection_) != 1) throw ConnectionLost(last_message(), true);
    }
    Rows result(PQgetResult(connection_));
    if (result.raw() == nullptr) {
      if (after_null || PQstatus(connection_) != CONNECTION_OK) throw ConnectionLost(last_message(), true);
      after_null = true;
      ++step;
      continue;
    }
    after_null = false;
    const auto status = PQresultStatus(result.raw());
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_FATAL_ERROR && (ends_session(result.raw()) || PQstatus(connection_) != CONNECTION_OK)) {
      throw ConnectionLost(without_newline(PQresultErrorMessage(result.raw())), true);
    }
    if (step < steps_.size()) note_result(steps_[step], status, result.raw());
    if (status == PGRES_FATAL_ERROR && !error) {
      error.emplace(field(result.raw(), PG_DIAG_SQLSTATE), field(result.raw(), PG_DIAG_CONSTRAINT_NAME),
                    std::string(label) + ": " + field(result.raw(), PG_DIAG_MESSAGE_PRIMARY));
    }
    if (step + 1 == steps_.size()) rows = std::move(result);
  }
  busy_ = false;
  if (error) refuse(*std::move(error));
  co_return rows;
}

void Connection::refuse(Error error) {
  if (!is_busy(error.sqlstate())) throw error;
  // A former primary: the next connection may find the new one.
  if (error.sqlstate() == read_only) broken_ = true;
  throw ServerBusy(error.sqlstate(), error.message());
}

void Connection::note_result(const Step& step, int status, const pg_result* result) {
  if (step.prepare) {
    step.statement->ready = status == PGRES_COMMAND_OK && !step.statement->name.empty();
    return;
  }
  if (status != PGRES_FATAL_ERROR) return;
  // A migration changed what the statement returns, or somebody deallocated it: prepare it anew, by another name.
  const auto sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (sqlstate == "0A000" || sqlstate == "26000") {
    step.statement->ready = false;
    step.statement->name += "'";
  }
}

// False when the deadline passed first.
Task<bool> Connection::wait(WaitFor what, Deadline deadline) {
  const auto socket = socket_;
  socket->deadline = deadline;
  socket->arm();
  boost::system::error_code error;
  const auto type = what == WaitFor::read ? Descriptor::wait_read : Descriptor::wait_write;
  co_await socket->descriptor.async_wait(type, asio::redirect_error(use_task, error));
  socket->deadline = Deadline::max();
  co_return !error;
}

}  // namespace souk::pg
