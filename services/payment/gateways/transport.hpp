#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/client.hpp"
#include "rpc/breaker.hpp"
#include "telemetry/metrics.hpp"

namespace souk::payment {

struct TransportOptions {
  std::string name;  // of the gateway, for metrics and logs
  std::string url;   // "https://api.stripe.com"; http only to this machine, as the key would be read on the way
  std::chrono::milliseconds timeout{10'000};
  rpc::Breaker::Options breaker{
      .failures = 5, .first_pause = std::chrono::seconds(1), .longest_pause = std::chrono::seconds(30)};
};

// Calls to a gateway's HTTP API: what their statuses mean for money that moves, a limit of time, and a circuit breaker,
// so that a gateway that is gone costs its customers no 10 s each. Nothing is sent twice here.
class Transport {
 public:
  // `client` outlives it. Throws std::invalid_argument for a URL that cannot be meant.
  Transport(http::Client& client, TransportOptions options);

  // The gateway's answer: 2xx, or a refusal of this request (400, 402, 404, 422 and so on). Throws
  //   Unavailable     nothing was done: not reached, 429, or a key that the gateway does not accept (401, 403)
  //   UnknownOutcome  done or not: no answer, 5xx, 409 (the same request is under way)
  Task<http::ClientResponse> send(Context context, http::Method method, std::string target, http::Headers headers,
                                  std::string body = {});

 private:
  Task<http::ClientResponse> exchange(Context context, http::ClientRequest request);
  void note_failure();
  http::ClientResponse judged(http::ClientResponse response);

  http::Client& client_;
  const TransportOptions options_;
  rpc::Breaker breaker_;
  metrics::Counter& calls_;
  metrics::Counter& failures_;
  metrics::Gauge& open_;
};

// "a=1&metadata%5Border_id%5D=7": what gateways of the older kind take instead of JSON.
std::string form(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace souk::payment
