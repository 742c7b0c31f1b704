#include "postgres/url.hpp"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string_view>

#include "postgres/migrate.hpp"

namespace souk::pg {
namespace {

// A slash ends the authority, so it stays readable in the query only.
std::string percent_encoded(std::string_view text, bool in_query = false) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos || (in_query && c == '/')) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

// Removes the keyword and returns its value.
std::string take(std::map<std::string, std::string>& keywords, const std::string& name) {
  const auto node = keywords.extract(name);
  return node.empty() ? std::string() : node.mapped();
}

// One TCP host is written before the path, where people look for it; folders, lists and IPv6 go into the query.
bool fits_authority(std::string_view host, std::string_view port) {
  return !host.empty() && host.find_first_of("/,:@") == std::string_view::npos &&
         port.find(',') == std::string_view::npos;
}

}  // namespace

std::map<std::string, std::string> parse_url(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), nullptr),
                                                                             &PQconninfoFree);
  if (!options) throw std::invalid_argument("not a PostgreSQL URL (postgresql://user:password@host:port/database)");
  std::map<std::string, std::string> keywords;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords.emplace(option->keyword, option->val);
  }
  return keywords;
}

std::string make_url(std::map<std::string, std::string> keywords) {
  const auto user = take(keywords, "user");
  const auto password = take(keywords, "password");
  const auto database = take(keywords, "dbname");
  std::string url = "postgresql://";
  if (!user.empty()) {
    url += percent_encoded(user);
    if (!password.empty()) url += ":" + percent_encoded(password);
    url += "@";
  }
  if (fits_authority(keywords["host"], keywords["port"])) {
    url += percent_encoded(take(keywords, "host"));
    const auto port = take(keywords, "port");
    if (!port.empty()) url += ":" + port;
  }
  url += "/" + percent_encoded(database);
  char separator = '?';
  for (const auto& [name, value] : keywords) {
    if (value.empty()) continue;
    url += separator + name + "=" + percent_encoded(value, true);
    separator = '&';
  }
  return url;
}

std::string url_for(const std::string& url, const DatabaseSpec& spec) {
  auto keywords = parse_url(url);
  keywords["dbname"] = spec.database;
  keywords["user"] = spec.role;
  keywords["password"] = spec.password;
  return make_url(std::move(keywords));
}

ConnectParameters::ConnectParameters(std::map<std::string, std::string> keywords) : parameters_(std::move(keywords)) {
  parameters_["client_encoding"] = "UTF8";
  auto& options = parameters_["options"];
  options = "-c TimeZone=UTC -c DateStyle=ISO " + options;
  parameters_.emplace("application_name", "souk");
  parameters_.emplace("gssencmode", "disable");  // or libpq tries Kerberos first
  for (const auto& [name, value] : parameters_) {
    keywords_.push_back(name.c_str());
    values_.push_back(value.c_str());
  }
  keywords_.push_back(nullptr);
  values_.push_back(nullptr);
}

}  // namespace souk::pg
