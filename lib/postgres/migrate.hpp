#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/embedded.hpp"

namespace souk::pg {

// Applies the migrations (files "0001_….sql", in order of their names) that a database has not had yet, each in a
// transaction, under an advisory lock, so that two processes may start at once. Forward only: a file that was applied
// and has changed since is refused by its checksum. Blocking; for `souk migrate` and tests.
// `sets` are applied one after the other (the shared tables of lib/events first, then the service's own); names are
// recorded as "<set>/<file>".
// Returns the names applied now. Throws std::runtime_error with a sentence for the operator.
struct MigrationSet {
  std::string_view name;
  std::span<const EmbeddedFile> files;
};
std::vector<std::string> migrate(const std::string& url, std::span<const MigrationSet> sets);

// A database and the role that alone may use it (no other role can connect).
struct DatabaseSpec {
  std::string database;  // user_db
  std::string role;      // souk_user
  std::string password;  // the role's; set each time
  // What else the role's sessions start with, as names and values of PostgreSQL's settings.
  std::vector<std::pair<std::string, std::string>> settings{};
};
// Creates the role and the database owned by it where they are missing, revokes PUBLIC, and sets the role's limits
// (lock_timeout 2 s, statement_timeout 5 s, idle_in_transaction_session_timeout 10 s, timezone UTC,
// synchronous_commit on, client_connection_check_interval 1 s) and its own settings. `admin_url` names a role that may
// do so.
void ensure_database(const std::string& admin_url, const DatabaseSpec& spec);

// `url` with another database, user and password.
std::string url_for(const std::string& url, const DatabaseSpec& spec);

}  // namespace souk::pg
