#include "audit/invariants.hpp"

#include <regex>
#include <stdexcept>

namespace souk::audit {
namespace {

constexpr std::string_view marker = "-- name: ";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view around = " \n\r\t;";
  const auto first = text.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

// Where the next rule begins; the text's end where there is none.
std::size_t next_rule(std::string_view text, std::size_t from) {
  if (text.substr(from).starts_with(marker)) return from;
  const auto line = text.find("\n" + std::string(marker), from);
  return line == std::string_view::npos ? text.size() : line + 1;
}

}  // namespace

std::vector<Invariant> parse_invariants(std::string_view text) {
  std::vector<Invariant> invariants;
  for (auto at = next_rule(text, 0); at < text.size();) {
    const auto end = next_rule(text, at + marker.size());
    const auto rule = text.substr(at + marker.size(), end - at - marker.size());
    const auto line = std::min(rule.find('\n'), rule.size());
    invariants.push_back({std::string(trimmed(rule.substr(0, line))), std::string(trimmed(rule.substr(line)))});
    if (invariants.back().query.empty()) throw std::invalid_argument("no query: " + invariants.back().name);
    at = end;
  }
  if (invariants.empty()) throw std::invalid_argument("no invariants");
  return invariants;
}

std::set<BookTable> tables_of(const std::vector<Invariant>& invariants) {
  static const std::regex table(R"(\b([a-z]+_db|simulator)\.([a-z_]+))");
  std::set<BookTable> tables;
  for (const auto& invariant : invariants) {
    const auto& query = invariant.query;
    for (std::sregex_iterator match(query.begin(), query.end(), table), none; match != none; ++match) {
      tables.insert({(*match)[1], (*match)[2]});
    }
  }
  return tables;
}

}  // namespace souk::audit
