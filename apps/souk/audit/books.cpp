#include "audit/books.hpp"

#include <fmt/format.h>

#include <map>

#include "postgres/blocking.hpp"
#include "postgres/url.hpp"

namespace souk::audit {
namespace {

constexpr const char* scratch_name = "souk_audit";
// Any number will do; two audits at once make the scratch database once.
constexpr const char* audit_lock = "7683025503";

std::string with_database(const std::string& url, const std::string& database) {
  auto keywords = pg::parse_url(url);
  keywords["dbname"] = database;
  return pg::make_url(std::move(keywords));
}

// The simulator's ledger lies in a schema of payment_db.
std::string database_of(const BookTable& table) { return table.schema == "simulator" ? "payment_db" : table.schema; }
std::string source_name(const BookTable& table) {
  return (table.schema == "simulator" ? "simulator." : "public.") + table.name;
}
std::string scratch_table(const BookTable& table) { return table.schema + "." + table.name; }

// The database stays, empty: dropping one makes the server write all it has to disk.
void ensure_scratch(const std::string& url) {
  pg::BlockingConnection admin(url);
  admin.run(std::string("SET statement_timeout = 0; SELECT pg_advisory_lock(") + audit_lock + ")");
  if (!admin.run("SELECT 1 FROM pg_database WHERE datname = $1", {scratch_name}).empty()) return;
  const auto name = admin.quoted_name(scratch_name);
  admin.run("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'");
  admin.run("REVOKE ALL ON DATABASE " + name + " FROM PUBLIC");
}

struct Column {
  std::string name;
  std::string type;
};

std::vector<Column> columns_of(pg::BlockingConnection& source, const BookTable& table) {
  std::vector<Column> columns;
  for (const pg::Row row :
       source.run("SELECT quote_ident(attname), format_type(atttypid, atttypmod) FROM pg_attribute"
                  " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                  {source_name(table)})) {
    columns.push_back({row.get<std::string>(0), row.get<std::string>(1)});
  }
  return columns;
}

// What rules join by.
bool is_key(const Column& column) {
  return column.name == "id" || column.name == "key" || column.name.ends_with("_id");
}

void copy_table(pg::BlockingConnection& source, pg::BlockingConnection& scratch, const BookTable& table) {
  std::string names;
  std::string definitions;
  const auto columns = columns_of(source, table);
  for (const auto& column : columns) {
    names += (names.empty() ? "" : ", ") + column.name;
    definitions += (definitions.empty() ? "" : ", ") + column.name + " " + column.type;
  }
  const auto to = scratch_table(table);
  scratch.run("CREATE TABLE " + to + " (" + definitions + ")");
  source.copy(fmt::format("COPY (SELECT {} FROM {}) TO STDOUT", names, source_name(table)), scratch,
              fmt::format("COPY {} ({}) FROM STDIN", to, names));
  for (const auto& column : columns) {
    if (is_key(column)) scratch.run(fmt::format("CREATE INDEX ON {} ({})", to, column.name));
  }
}

void copy_tables(const std::string& url, pg::BlockingConnection& scratch, const std::set<BookTable>& tables) {
  std::map<std::string, std::vector<BookTable>> by_database;
  std::set<std::string> schemas;
  for (const auto& table : tables) {
    by_database[database_of(table)].push_back(table);
    if (schemas.insert(table.schema).second) scratch.run("CREATE SCHEMA " + table.schema);
  }
  for (const auto& [database, list] : by_database) {
    pg::BlockingConnection source(with_database(url, database));
    source.run("SET statement_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (const auto& table : list) copy_table(source, scratch, table);
  }
  scratch.run("ANALYZE");
}

Finding ask(pg::BlockingConnection& scratch, const Invariant& invariant) {
  Finding finding{.name = invariant.name};
  for (const pg::Row row : scratch.run(fmt::format(
           "SELECT row_to_json(v)::text, count(*) OVER () FROM ({}\n) v LIMIT {}", invariant.query, max_rows_shown))) {
    finding.rows.push_back(row.get<json::Raw>(0));
    finding.violations = row.get<std::int64_t>(1);
  }
  return finding;
}

std::int64_t under_way(pg::BlockingConnection& scratch) {
  return scratch
      .run(
          "SELECT (SELECT count(*) FROM order_db.checkout_sagas WHERE finished_at IS NULL)"
          " + (SELECT count(*) FROM order_db.cancellation_sagas WHERE finished_at IS NULL)"
          " + (SELECT count(*) FROM order_db.return_sagas WHERE finished_at IS NULL)")
      .front()
      .get<std::int64_t>(0);
}

}  // namespace

Findings audit_books(const std::string& postgres_url, const std::vector<Invariant>& invariants) {
  ensure_scratch(postgres_url);
  pg::BlockingConnection scratch(with_database(postgres_url, scratch_name));
  // Never committed, so that nothing is left behind however the audit ends.
  scratch.run("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; BEGIN");
  copy_tables(postgres_url, scratch, tables_of(invariants));
  Findings findings{.under_way = under_way(scratch)};
  for (const auto& invariant : invariants) {
    findings.invariants.push_back(ask(scratch, invariant));
    findings.violations += findings.invariants.back().violations;
  }
  return findings;
}

}  // namespace souk::audit
