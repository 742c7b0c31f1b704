#include "postgres/migrate.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/crypto.hpp"
#include "postgres/blocking.hpp"

namespace souk::pg {
namespace {

// Any number will do, as long as every process takes the same one.
constexpr const char* migration_lock = "7683025501";
constexpr const char* ensure_lock = "7683025502";

using Applied = std::map<std::string, std::string>;  // name -> checksum

std::string checksum(const EmbeddedFile& file) { return hex(sha256(file.text)); }

Applied read_applied(BlockingConnection& connection) {
  connection.run(R"sql(
      CREATE TABLE IF NOT EXISTS schema_migrations (
          name TEXT PRIMARY KEY,
          checksum TEXT NOT NULL,
          applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
      ))sql");
  Applied applied;
  for (const Row row : connection.run("SELECT name, checksum FROM schema_migrations")) {
    applied.emplace(row.get<std::string>(0), row.get<std::string>(1));
  }
  return applied;
}

void apply(BlockingConnection& connection, const std::string& name, const EmbeddedFile& file) {
  connection.run("BEGIN");
  try {
    connection.run(std::string(file.text));
    if (!connection.in_transaction()) {
      throw std::runtime_error("migration " + name + " ends the transaction that it runs in; it must not");
    }
    connection.run("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", {name, checksum(file)});
    connection.run("COMMIT");
  } catch (const Error& error) {
    throw std::runtime_error("migration " + name + " failed: " + error.what());
  }
}

std::vector<EmbeddedFile> sorted(std::span<const EmbeddedFile> files) {
  std::vector<EmbeddedFile> out(files.begin(), files.end());
  std::ranges::sort(out, {}, &EmbeddedFile::name);
  return out;
}

void create_role(BlockingConnection& admin, const DatabaseSpec& spec) {
  const auto role = admin.quoted_name(spec.role);
  if (admin.run("SELECT 1 FROM pg_roles WHERE rolname = $1", {spec.role}).empty()) {
    admin.run("CREATE ROLE " + role + " LOGIN");
  }
  admin.run("ALTER ROLE " + role + " LOGIN PASSWORD " +
            admin.quoted_text(admin.scram_verifier(spec.role, spec.password)));
  const std::pair<const char*, const char*> limits[] = {
      {"lock_timeout", "2s"}, {"statement_timeout", "5s"},  {"idle_in_transaction_session_timeout", "10s"},
      {"timezone", "UTC"},    {"synchronous_commit", "on"}, {"client_connection_check_interval", "1s"},
  };
  for (const auto& [name, value] : limits) {
    admin.run("ALTER ROLE " + role + " SET " + name + " = " + admin.quoted_text(value));
  }
  for (const auto& [name, value] : spec.settings) {
    admin.run("ALTER ROLE " + role + " SET " + admin.quoted_name(name) + " = " + admin.quoted_text(value));
  }
}

void create_database(BlockingConnection& admin, const DatabaseSpec& spec) {
  const auto role = admin.quoted_name(spec.role);
  // Who is no superuser must be a member of the role to give it a database.
  if (admin.run("SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper").empty()) {
    admin.run("GRANT " + role + " TO CURRENT_USER");
  }
  // Code point order and full Unicode case folding, the same on every machine, where the server has the locale.
  const bool has_locale = !admin.run("SELECT 1 FROM pg_collation WHERE collname IN ('C.utf8', 'C.UTF-8')").empty();
  admin.run("CREATE DATABASE " + admin.quoted_name(spec.database) + " OWNER " + role +
            " TEMPLATE template0 ENCODING 'UTF8'" + (has_locale ? " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'" : ""));
}

}  // namespace

std::vector<std::string> migrate(const std::string& url, std::span<const MigrationSet> sets) {
  try {
    BlockingConnection connection(url);
    // The role's limits are for requests; waiting for another migrating process may take longer.
    connection.run("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s'");
    connection.run(std::string("SELECT pg_advisory_lock(") + migration_lock + ")");
    // A table that is in use: give up before the requests queue behind us for long.
    connection.run("SET lock_timeout = '10s'");
    const auto applied = read_applied(connection);
    std::vector<std::string> done;
    for (const auto& set : sets) {
      for (const auto& file : sorted(set.files)) {
        const auto name = std::string(set.name) + "/" + std::string(file.name);
        const auto known = applied.find(name);
        if (known == applied.end()) {
          apply(connection, name, file);
          done.push_back(name);
        } else if (known->second != checksum(file)) {
          throw std::runtime_error("migration " + name +
                                   " was changed after it was applied; undo the change and add a new file instead");
        }
      }
    }
    return done;
  } catch (const Error& error) {
    throw std::runtime_error(std::string("cannot migrate: ") + error.what());
  }
}

void ensure_database(const std::string& admin_url, const DatabaseSpec& spec) {
  BlockingConnection admin(admin_url);
  admin.run(std::string("SELECT pg_advisory_lock(") + ensure_lock + ")");
  create_role(admin, spec);
  if (admin.run("SELECT 1 FROM pg_database WHERE datname = $1", {spec.database}).empty()) create_database(admin, spec);
  admin.run("REVOKE ALL ON DATABASE " + admin.quoted_name(spec.database) + " FROM PUBLIC");
}

}  // namespace souk::pg
