#include "postgres/reads_only.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace souk::pg {
namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// The next word from `at` on in lower case, "" at the end. Quotes and comments are not understood: a writing word in
// one only makes the answer more careful.
std::string next_word(std::string_view sql, std::size_t& at) {
  while (at < sql.size() && !is_word(sql[at])) ++at;
  std::string word;
  for (; at < sql.size() && is_word(sql[at]); ++at) {
    word.push_back(sql[at] >= 'A' && sql[at] <= 'Z' ? static_cast<char>(sql[at] - 'A' + 'a') : sql[at]);
  }
  return word;
}

}  // namespace

bool reads_only(std::string_view sql) {
  constexpr std::array<std::string_view, 5> reading = {"select", "with", "values", "table", "show"};
  constexpr std::array<std::string_view, 8> writing = {"insert", "update",  "delete", "merge",
                                                       "into",   "nextval", "setval", "call"};
  std::size_t at = 0;
  if (std::ranges::find(reading, next_word(sql, at)) == reading.end()) return false;
  std::string previous;
  for (auto word = next_word(sql, at); !word.empty(); word = next_word(sql, at)) {
    const bool row_lock = word == "update" && (previous == "for" || previous == "key");  // FOR [NO KEY] UPDATE
    if (!row_lock && std::ranges::find(writing, word) != writing.end()) return false;
    previous = std::move(word);
  }
  return true;
}

}  // namespace souk::pg
