#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace souk::audit {

// A rule of invariants.sql: a query that gives one row a violation, each row saying what is wrong.
struct Invariant {
  std::string name;
  std::string query;  // without the semicolon
};

// The rules of a text in which each begins with a line "-- name: …". Throws std::invalid_argument for a text without.
std::vector<Invariant> parse_invariants(std::string_view text);

// A table of the books, as a query names it: schema.name.
struct BookTable {
  std::string schema;
  std::string name;
  auto operator<=>(const BookTable&) const = default;
};

// The tables that the rules name: of the databases (order_db.orders) and of the simulator (simulator.refunds).
std::set<BookTable> tables_of(const std::vector<Invariant>& invariants);

}  // namespace souk::audit
