#include "transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <stdexcept>

#include "core/blocking_pool.hpp"
#include "core/failure.hpp"
#include "http/url.hpp"
#include "telemetry/log.hpp"

namespace souk::payment {
namespace {

bool is_this_machine(const std::string& host) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  return error ? host == "localhost" : address.is_loopback();
}

TransportOptions checked(TransportOptions options) {
  while (options.url.ends_with('/')) options.url.pop_back();
  const auto url = http::Url::parse(options.url);
  if (!url || url->target != "/") {
    throw std::invalid_argument(
        fmt::format("\"{}\" is not the URL of {}, such as https://api.example.com", options.url, options.name));
  }
  if (!url->tls && !is_this_machine(url->host)) {
    throw std::invalid_argument(fmt::format("\"{}\": {} is called by https only", options.url, options.name));
  }
  return options;
}

}  // namespace

Transport::Transport(http::Client& client, TransportOptions options)
    : client_(client),
      options_(checked(std::move(options))),
      breaker_(options_.breaker),
      calls_(metrics::counter("souk_gateway_calls_total", "Calls to payment gateways.", {{"gateway", options_.name}})),
      failures_(metrics::counter("souk_gateway_failures_total",
                                 "Calls to payment gateways that were not answered, or with HTTP 5xx.",
                                 {{"gateway", options_.name}})),
      open_(metrics::gauge("souk_gateway_breaker_open", "1 while calls to the payment gateway are refused at once.",
                           {{"gateway", options_.name}})) {}

Task<http::ClientResponse> Transport::send(Context context, http::Method method, std::string target,
                                           http::Headers headers, std::string body) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(context.time_left());
  http::ClientRequest request{.method = method,
                              .url = options_.url + target,
                              .headers = std::move(headers),
                              .body = std::move(body),
                              .timeout = std::min(options_.timeout, left)};
  if (request.timeout <= std::chrono::milliseconds(0)) throw Unavailable("no time left to call " + options_.name);
  // A kept connection may be closed by the other side just now, and then nobody knows what was done.
  request.own_connection = method != http::Method::GET;
  if (!breaker_.enter(Clock::now())) throw Unavailable(options_.name + " did not answer lately and is not asked now");
  calls_.add();
  co_return judged(co_await exchange(std::move(context), std::move(request)));
}

Task<http::ClientResponse> Transport::exchange(Context context, http::ClientRequest request) {
  try {
    co_return co_await client_.fetch(std::move(context), std::move(request));
  } catch (const Overloaded& error) {
    breaker_.succeeded();  // says nothing about the gateway
    throw Unavailable(error.what());
  } catch (const std::runtime_error&) {
    note_failure();
    throw;
  }
}

http::ClientResponse Transport::judged(http::ClientResponse response) {
  if (response.status >= 500) {
    note_failure();
    throw UnknownOutcome(fmt::format("{} answers HTTP {}", options_.name, response.status));
  }
  breaker_.succeeded();
  open_.set(0);
  if (response.status == 401 || response.status == 403) {
    log::error("a payment gateway does not accept our key", log::kv("gateway", options_.name),
               log::kv("status", response.status));
    throw Unavailable(options_.name + " does not accept our key");
  }
  if (response.status == 409) throw UnknownOutcome(options_.name + " is carrying out the same request");
  if (response.status == 429) throw Unavailable(options_.name + " has too many requests");
  return response;
}

void Transport::note_failure() {
  failures_.add();
  const bool was_open = breaker_.is_open();
  breaker_.failed(Clock::now());
  if (!breaker_.is_open() || was_open) return;
  open_.set(1);
  log::warning("a payment gateway does not answer and is not asked for a moment", log::kv("gateway", options_.name));
}

std::string form(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += http::percent_encode(name) + "=" + http::percent_encode(value);
  }
  return text;
}

}  // namespace souk::payment
