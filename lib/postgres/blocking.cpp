#include "postgres/blocking.hpp"

#include <libpq-fe.h>

#include <new>

#include "postgres/url.hpp"

namespace souk::pg {
namespace {

std::string field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

// Takes what libpq allocated.
std::string taken(char* text) {
  const std::unique_ptr<char, decltype(&PQfreemem)> owner(text, &PQfreemem);
  if (!owner) throw std::bad_alloc();
  return owner.get();
}

}  // namespace

void BlockingConnection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

BlockingConnection::BlockingConnection(const std::string& url) {
  const ConnectParameters parameters(parse_url(url));
  connection_.reset(PQconnectdbParams(parameters.keywords(), parameters.values(), 0));
  if (!connection_) throw std::bad_alloc();
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw Unavailable(PQerrorMessage(connection_.get()));
  PQsetNoticeReceiver(connection_.get(), [](void*, const PGresult*) {}, nullptr);
}

Rows BlockingConnection::run(const std::string& sql) { return checked(PQexec(connection_.get(), sql.c_str())); }

Rows BlockingConnection::run(const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const auto& parameter : parameters) values.push_back(parameter.c_str());
  return checked(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                              nullptr, nullptr, 0));
}

// Starts a COPY, which answers with a status of its own.
void BlockingConnection::expect(const std::string& sql, int status) {
  pg_result* result = PQexec(connection_.get(), sql.c_str());
  if (PQresultStatus(result) == status) {
    PQclear(result);
  } else {
    checked(result);
    throw Error("", "", "not a COPY: " + sql);
  }
}

// Takes the results that follow the data of a COPY; one of them tells whether it worked.
void BlockingConnection::finish_copy() {
  while (pg_result* result = PQgetResult(connection_.get())) checked(result);
}

void BlockingConnection::copy(const std::string& out, BlockingConnection& target, const std::string& in) {
  expect(out, PGRES_COPY_OUT);
  target.expect(in, PGRES_COPY_IN);
  auto* const sink = target.connection_.get();
  char* line = nullptr;
  bool taking = true;
  for (int size = 0; (size = PQgetCopyData(connection_.get(), &line, 0)) > 0;) {
    const std::unique_ptr<char, decltype(&PQfreemem)> owner(line, &PQfreemem);
    taking = taking && PQputCopyData(sink, line, size) == 1;
  }
  finish_copy();
  if (PQputCopyEnd(sink, taking ? nullptr : "the data could not be sent") != 1) {
    throw Unavailable(PQerrorMessage(sink));
  }
  target.finish_copy();
}

Rows BlockingConnection::checked(pg_result* result) {
  Rows rows(result);
  const auto status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return rows;
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw Unavailable(PQerrorMessage(connection_.get()));
  auto message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (const auto position = field(result, PG_DIAG_STATEMENT_POSITION); !position.empty()) {
    message += " (at character " + position + ")";
  }
  throw Error(field(result, PG_DIAG_SQLSTATE), field(result, PG_DIAG_CONSTRAINT_NAME), std::move(message));
}

std::string BlockingConnection::quoted_name(const std::string& name) const {
  return taken(PQescapeIdentifier(connection_.get(), name.data(), name.size()));
}

std::string BlockingConnection::quoted_text(const std::string& text) const {
  return taken(PQescapeLiteral(connection_.get(), text.data(), text.size()));
}

std::string BlockingConnection::scram_verifier(const std::string& role, const std::string& password) const {
  return taken(PQencryptPasswordConn(connection_.get(), password.c_str(), role.c_str(), "scram-sha-256"));
}

bool BlockingConnection::in_transaction() const { return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }

}  // namespace souk::pg
