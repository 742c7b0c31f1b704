#include "rpc/peer.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "core/random.hpp"
#include "http/url.hpp"
#include "rpc/wire.hpp"
#include "telemetry/log.hpp"

namespace souk::rpc {
namespace {

using std::chrono::milliseconds;

// A call that had so little time says nothing about the peer when it is not answered.
constexpr auto fair_time = milliseconds(500);
constexpr int budget_at_most = 200;

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

PeerOptions checked(PeerOptions options) {
  options.url = without_slash(std::move(options.url));
  const auto url = http::Url::parse(options.url);
  if (!url || url->target != "/") {
    throw std::invalid_argument("\"" + options.url + "\" is not the URL of a service, such as http://10.0.0.3:9091");
  }
  return options;
}

milliseconds whole_milliseconds(Duration duration) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(duration));
}

Task<> pause(milliseconds limit) {
  Timer timer(co_await asio::this_coro::executor, milliseconds(1 + random_below(std::uint64_t(limit.count()))));
  co_await timer.async_wait(use_task);
}

}  // namespace

void Peer::Budget::earn() {
  if (tenths_.load(std::memory_order_relaxed) < budget_at_most) tenths_.fetch_add(1, std::memory_order_relaxed);
}

bool Peer::Budget::spend() {
  if (tenths_.fetch_sub(10, std::memory_order_relaxed) >= 10) return true;
  tenths_.fetch_add(10, std::memory_order_relaxed);
  return false;
}

Peer::Peer(http::Client& client, PeerOptions options)
    : client_(client),
      options_(checked(std::move(options))),
      breaker_(options_.breaker),
      calls_(metrics::counter("souk_rpc_calls_total", "Calls to services in other processes.",
                              {{"peer", options_.service}})),
      retries_(metrics::counter("souk_rpc_retries_total", "Calls that were made again.", {{"peer", options_.service}})),
      failures_(metrics::counter("souk_rpc_failures_total", "Attempts without a reply.", {{"peer", options_.service}})),
      open_(metrics::gauge("souk_rpc_breaker_open", "1 while calls to the peer are refused at once.",
                           {{"peer", options_.service}})) {}

Task<http::ClientResponse> Peer::call(Context context, std::string_view method, std::string body, Repeat repeat) {
  calls_.add();
  budget_.earn();
  bool maybe_done = false;
  auto limit = options_.first_pause;
  for (int attempts_left = options_.attempts - 1;; --attempts_left, limit *= 2) {
    std::exception_ptr failure;
    if (!breaker_.enter(Clock::now())) {
      const auto what = options_.service + " did not answer lately and is not asked now";
      if (maybe_done) throw UnknownOutcome(what);
      throw Unavailable(what);
    }
    try {
      co_return co_await attempt(context, method, body, repeat);
    } catch (const Unavailable&) {
      failure = std::current_exception();
    } catch (const UnknownOutcome&) {
      failure = std::current_exception();
      maybe_done = true;
    }
    const bool allowed = !maybe_done || repeat == Repeat::repeatable;
    if (!allowed || attempts_left <= 0 || context.time_left() <= limit || !budget_.spend()) {
      // An earlier attempt may have been carried out, whatever became of the last.
      if (maybe_done) throw UnknownOutcome(fmt::format("no reply of {}.{}", options_.service, method));
      std::rethrow_exception(failure);
    }
    retries_.add();
    co_await pause(limit);
  }
}

Task<http::ClientResponse> Peer::attempt(Context context, std::string_view method, std::string body, Repeat repeat) {
  const auto time = std::min(whole_milliseconds(context.time_left()), options_.longest_call);
  if (time == milliseconds(0)) {
    breaker_.succeeded();
    throw Unavailable("no time left to call " + options_.service);
  }
  http::ClientRequest request{.method = http::Method::POST,
                              .url = fmt::format("{}/rpc/{}/{}", options_.url, options_.service, method),
                              .headers = {{"Authorization", "Bearer " + options_.key},
                                          {std::string(caller_header), write_caller(context.caller())},
                                          {std::string(time_left_header), std::to_string(time.count())}},
                              .body = std::move(body),
                              .timeout = time,
                              .max_reply = largest_reply,
                              // The peer may close a kept connection at the moment of its next use, and then it is not
                              // known whether the request was seen.
                              .own_connection = repeat == Repeat::once};
  const auto asked = Clock::now();
  try {
    auto response = co_await client_.fetch(context, std::move(request));
    breaker_.succeeded();
    open_.set(0);
    co_return response;
  } catch (const Unavailable&) {
    note_failure(true);
    throw;
  } catch (const UnknownOutcome&) {
    const bool in_time = Clock::now() - asked < time;
    note_failure(in_time || time >= fair_time);
    throw;
  }
}

void Peer::note_failure(bool counts) {
  failures_.add();
  if (!counts) return;
  const bool was_open = breaker_.is_open();
  breaker_.failed(Clock::now());
  if (breaker_.is_open() && !was_open) {
    open_.set(1);
    log::warning("a service does not answer and is not asked for a moment", log::kv("peer", options_.service));
  }
}

Task<> Peer::check(Context context) {
  const auto time = std::min(whole_milliseconds(context.time_left()), options_.longest_call);
  const auto response = co_await client_.fetch(context, {.url = options_.url + "/readyz", .timeout = time});
  if (response.status != 200) throw Unavailable(fmt::format("{} answered {}", options_.service, response.status));
}

}  // namespace souk::rpc
