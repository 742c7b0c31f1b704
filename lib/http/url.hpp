#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::http {

// "%C3%A9" -> "é". Nothing for a bad escape, for NUL, and for what is not UTF-8 in the end.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// Leaves letters, digits, '-', '.', '_' and '~'; everything else becomes %XX. For path segments and query values.
std::string percent_encode(std::string_view text);
// The same for a path: slashes stay.
std::string percent_encode_path(std::string_view path);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=two+words" decoded. Nothing for bad escapes and for more than 100 parameters.
std::optional<QueryPairs> parse_query(std::string_view query);

// The part of a request target before '?', and after it.
std::string_view path_of(std::string_view target);
std::string_view query_of(std::string_view target);

// An absolute http or https URL of a peer.
struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string target;     // path and query, at least "/"
  std::string authority;  // as the Host header has it

  // Nothing for other schemes, user names, fragments and control characters.
  static std::optional<Url> parse(std::string_view text);
};

}  // namespace souk::http
