#include "testing/engines.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "core/crypto.hpp"
#include "core/uuid.hpp"
#include "postgres/blocking.hpp"
#include "postgres/url.hpp"

namespace souk::testing {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string server_url() {
  auto url = variable("SOUK_TEST_POSTGRES_URL");
  if (url.empty()) throw std::runtime_error("SOUK_TEST_POSTGRES_URL is not set");
  return url;
}

std::string with_database(const std::string& database) {
  auto keywords = pg::parse_url(server_url());
  keywords["dbname"] = database;
  return pg::make_url(std::move(keywords));
}

// The name of the template that holds these migrations.
std::string template_name(std::span<const pg::MigrationSet> sets) {
  std::string text;
  for (const auto& set : sets) {
    text += set.name;
    for (const auto& file : set.files) text.append("\n").append(file.name).append("\n").append(file.text);
  }
  return "souk_template_" + hex(sha256(text)).substr(0, 20);
}

void set_limits(pg::BlockingConnection& admin, const std::string& database) {
  // As ensure_database sets them for the roles of the services.
  for (const auto* limit : {"lock_timeout = '2s'", "statement_timeout = '5s'",
                            "idle_in_transaction_session_timeout = '10s'", "client_connection_check_interval = '1s'"}) {
    admin.run("ALTER DATABASE " + admin.quoted_name(database) + " SET " + limit);
  }
}

// Migrates once a set of migrations and server, and copies that: a copy takes a few milliseconds.
void create_from_template(const std::string& name, std::span<const pg::MigrationSet> sets) {
  pg::BlockingConnection admin(server_url());
  const auto origin = template_name(sets);
  admin.run("SELECT pg_advisory_lock(7683025503)");
  if (admin.run("SELECT 1 FROM pg_database WHERE datname = $1", {origin}).empty()) {
    const auto unfinished = origin + "_" + std::to_string(::getpid());
    admin.run("CREATE DATABASE " + admin.quoted_name(unfinished) +
              " TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'");
    try {
      pg::migrate(with_database(unfinished), sets);
    } catch (...) {
      admin.run("DROP DATABASE " + admin.quoted_name(unfinished) + " WITH (FORCE)");
      throw;
    }
    admin.run("ALTER DATABASE " + admin.quoted_name(unfinished) + " RENAME TO " + admin.quoted_name(origin));
  }
  admin.run("CREATE DATABASE " + admin.quoted_name(name) + " TEMPLATE " + admin.quoted_name(origin));
  set_limits(admin, name);
}

}  // namespace

TestDatabase::TestDatabase(std::span<const pg::MigrationSet> sets) {
  static std::atomic<int> count = 0;
  name_ = "souk_test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
  url_ = with_database(name_);
  create_from_template(name_, sets);
}

TestDatabase::~TestDatabase() {
  try {
    pg::BlockingConnection admin(server_url());
    admin.run("DROP DATABASE IF EXISTS " + admin.quoted_name(name_) + " WITH (FORCE)");
  } catch (const std::exception& error) {
    std::cerr << "database " << name_ << " is left over: " << error.what() << '\n';
  }
}

bool TestDatabase::available() { return !variable("SOUK_TEST_POSTGRES_URL").empty(); }

std::string TestDatabase::sql(const std::string& statement) const {
  pg::BlockingConnection connection(url_);
  const auto rows = connection.run(statement);
  return rows.empty() ? std::string() : rows.front().get<std::optional<std::string>>(0).value_or("");
}

bool redis_available() { return !variable("SOUK_TEST_REDIS_URL").empty(); }

std::string redis_url() { return variable("SOUK_TEST_REDIS_URL"); }

Context test_context() { return test_context(Caller{}); }

Context test_context(Caller caller) {
  return Context("test-" + Uuid::v7().to_string(), "", std::move(caller), Clock::now() + std::chrono::seconds(10));
}

}  // namespace souk::testing
