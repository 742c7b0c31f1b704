#pragma once

// A bug that is planted to try the tests: SOUK_SEEDED_BUG("order.no_idempotency_check") is false, and nothing of it is
// compiled, but in the program souk_seeded (tests/seeded), where the variable SOUK_SEEDED_BUG chooses one of them by
// its name. tests/chaos/test_seeded_bugs.py runs the tests against each bug and demands that they fail.
// SOUK_SEEDED_SQL(name, statement, from, to) is the statement, and with the bug one whose text has `to` for `from`.
#ifndef SOUK_SEEDED_BUGS

#define SOUK_SEEDED_BUG(name) false
#define SOUK_SEEDED_SQL(name, statement, from, to) statement

#else

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#define SOUK_SEEDED_BUG(name) ::souk::has_seeded_bug(name)
#define SOUK_SEEDED_SQL(name, statement, from, to) \
  [&] {                                            \
    auto seeded = statement;                       \
    ::souk::seed_sql(name, seeded.sql, from, to);  \
    return seeded;                                 \
  }()

namespace souk {

inline bool has_seeded_bug(std::string_view name) {
  static const char* const chosen = std::getenv("SOUK_SEEDED_BUG");
  return chosen != nullptr && name == chosen;
}

// The text of a prepared statement must not change any more: it is kept for good. Throws std::logic_error when there is
// no `from`, so that a bug does not vanish with a change of the statement.
inline void seed_sql(std::string_view name, std::string_view& sql, std::string_view from, std::string_view to) {
  if (!has_seeded_bug(name)) return;
  const auto at = sql.find(from);
  if (at == std::string_view::npos) throw std::logic_error("seeded bug " + std::string(name) + " finds no text");
  sql = *new std::string(std::string(sql).replace(at, from.size(), to));
}

}  // namespace souk

#endif
