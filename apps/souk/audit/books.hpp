#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/invariants.hpp"
#include "json/json.hpp"

namespace souk::audit {

// What one rule found.
struct Finding {
  std::string name;
  std::int64_t violations = 0;
  std::vector<json::Raw> rows;  // the first `max_rows_shown` of them, each an object of the query's columns
};
BOOST_DESCRIBE_STRUCT(Finding, (), (name, violations, rows))

inline constexpr int max_rows_shown = 100;

struct Findings {
  std::int64_t under_way = 0;   // checkouts and cancellations that had not ended when they were copied
  std::int64_t violations = 0;  // of all rules together
  std::vector<Finding> invariants;
};
BOOST_DESCRIBE_STRUCT(Findings, (), (under_way, violations, invariants))

// Copies the tables that the rules name out of the databases of `postgres_url` into the scratch database `souk_audit`
// on the same server and asks the rules there, in one transaction that is rolled back: nothing stays. Reads in
// transactions that are read only, one a database, so that a database's tables are of one moment. Two audits of one
// server run one after the other. Blocking. Throws pg::Error or pg::Unavailable.
Findings audit_books(const std::string& postgres_url, const std::vector<Invariant>& invariants);

}  // namespace souk::audit
