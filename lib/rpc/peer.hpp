#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "http/client.hpp"
#include "rpc/breaker.hpp"
#include "telemetry/metrics.hpp"

namespace souk::rpc {

// Whether a call may be made again when its reply was lost.
enum class Repeat {
  repeatable,  // doing it twice is doing it once, or it only reads
  once         // never sent again after it may have been carried out
};

struct PeerOptions {
  std::string service;  // "inventory"
  std::string url;      // "http://10.0.0.3:9091"
  std::string key;      // SOUK_INTERNAL_KEY
  std::chrono::milliseconds longest_call{30'000};
  int attempts = 3;
  std::chrono::milliseconds first_pause{25};  // before the second attempt at most; then twice as long
  Breaker::Options breaker{};
};

// A service in another process. Any worker.
class Peer {
 public:
  // `client` outlives the peer. Throws std::invalid_argument for a URL that is none, or has a path.
  Peer(http::Client& client, PeerOptions options);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& service() const { return options_.service; }

  // Calls a method with its request as JSON, with what is left of the context's time; any status is a response. Again
  // when nothing was sent, and, where `repeat` allows, when the reply was lost: at most PeerOptions::attempts times,
  // and not more than a tenth of all calls. Throws Unavailable when no attempt can have been carried out (also when the
  // breaker is open), UnknownOutcome when one may have been.
  Task<http::ClientResponse> call(Context context, std::string_view method, std::string body, Repeat repeat);

  // Returns when the peer says that it is ready (GET /readyz); throws otherwise.
  Task<> check(Context context);

 private:
  // A tenth of a retry for each call, and some to begin with.
  class Budget {
   public:
    void earn();
    bool spend();

   private:
    std::atomic<int> tenths_{100};
  };

  Task<http::ClientResponse> attempt(Context context, std::string_view method, std::string body, Repeat repeat);
  void note_failure(bool counts);

  http::Client& client_;
  const PeerOptions options_;
  Breaker breaker_;
  Budget budget_;
  metrics::Counter& calls_;
  metrics::Counter& retries_;
  metrics::Counter& failures_;
  metrics::Gauge& open_;
};

}  // namespace souk::rpc
