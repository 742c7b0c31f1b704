#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/runtime.hpp"
#include "postgres/migrate.hpp"
#include "postgres/pool.hpp"
#include "redis/client.hpp"

namespace souk::testing {

// A scratch database on the server of SOUK_TEST_POSTGRES_URL (a superuser's URL), migrated with `sets`, dropped in the
// destructor. `./souk test` starts that server. Skips the calling test by name when the variable is not set:
//   if (!TestDatabase::available()) GTEST_SKIP() << "SOUK_TEST_POSTGRES_URL is not set";
class TestDatabase {
 public:
  explicit TestDatabase(std::span<const pg::MigrationSet> sets);
  ~TestDatabase();

  static bool available();
  const std::string& url() const { return url_; }
  // Runs SQL as superuser, blocking; returns the first column of the first row, or "".
  std::string sql(const std::string& statement) const;

 private:
  std::string name_;
  std::string url_;
};

// The Redis server of SOUK_TEST_REDIS_URL; tests use keys of their own.
bool redis_available();
std::string redis_url();

// A context for a test: an anonymous caller, 10 s.
Context test_context();
Context test_context(Caller caller);

}  // namespace souk::testing
