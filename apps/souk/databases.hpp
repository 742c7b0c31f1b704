#pragma once

#include <string>
#include <vector>

#include "postgres/migrate.hpp"

namespace souk {

// A service's database: its role, and what its tables are made of.
struct ServiceDatabase {
  pg::DatabaseSpec spec;
  std::vector<pg::MigrationSet> migrations;
};

// The platform's secret (SOUK_SECRET_FILE). Throws std::runtime_error with a sentence when it is missing or short.
std::string read_secret();
// A secret for one purpose, in hexadecimal; knowing one tells nothing of another.
std::string derive_secret(const std::string& secret, const std::string& purpose);

// The seven databases of the platform.
std::vector<ServiceDatabase> service_databases(const std::string& secret);
// URL of the service's own role. Throws std::logic_error for an unknown name.
std::string database_url(const std::string& secret, const std::string& database);

}  // namespace souk
