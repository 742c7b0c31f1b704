#include "postgres/resolve.hpp"

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <memory>
#include <optional>

#include "postgres/error.hpp"

namespace souk::pg {
namespace {

using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

// A running look-up cannot be stopped, so it shares this with a caller who may have given up.
struct Lookup {
  explicit Lookup(Executor executor, Deadline deadline) : resolver(executor), timer(executor, deadline) {}

  Resolver resolver;
  Timer timer;
  std::optional<boost::system::error_code> outcome;
  Resolver::results_type results;
};

bool is_name(const std::string& host) {
  if (host.empty() || host.find_first_of("/,@") != std::string::npos) return false;
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return static_cast<bool>(error);
}

}  // namespace

Task<std::map<std::string, std::string>> resolve_host(std::map<std::string, std::string> keywords, Deadline deadline) {
  const auto host = keywords["host"];
  if (!is_name(host) || keywords.contains("hostaddr")) {
    if (host.empty()) keywords.erase("host");
    co_return keywords;
  }
  const auto lookup = std::make_shared<Lookup>(co_await asio::this_coro::executor, deadline);
  lookup->resolver.async_resolve(host, "", [lookup](boost::system::error_code error, Resolver::results_type results) {
    lookup->outcome = error;
    lookup->results = std::move(results);
    lookup->timer.cancel();
  });
  boost::system::error_code ignored;
  co_await lookup->timer.async_wait(asio::redirect_error(use_task, ignored));
  if (!lookup->outcome) throw Unavailable("looking up the database's host " + host + " took too long");
  if (*lookup->outcome) {
    throw Unavailable("cannot look up the database's host " + host + ": " + lookup->outcome->message());
  }
  // libpq pairs each address with a host, which TLS checks.
  std::string hosts;
  std::string addresses;
  for (const auto& entry : lookup->results) {
    hosts += (hosts.empty() ? "" : ",") + host;
    addresses += (addresses.empty() ? "" : ",") + entry.endpoint().address().to_string();
  }
  keywords["host"] = hosts;
  keywords["hostaddr"] = addresses;
  co_return keywords;
}

}  // namespace souk::pg
