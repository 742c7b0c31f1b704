#pragma once

#include <map>
#include <string>
#include <vector>

namespace souk::pg {

// The keywords of a libpq URI or connection string that are set in it. Throws std::invalid_argument on a bad one; the
// message does not repeat it, as it may hold a password.
std::map<std::string, std::string> parse_url(const std::string& url);

// A libpq URI of these keywords.
std::string make_url(std::map<std::string, std::string> keywords);

// What PQconnect…Params takes, with what every connection of ours sets: UTC, ISO dates, UTF-8.
class ConnectParameters {
 public:
  explicit ConnectParameters(std::map<std::string, std::string> keywords);
  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  std::map<std::string, std::string> parameters_;
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

}  // namespace souk::pg
