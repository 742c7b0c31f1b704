#include <algorithm>
#include <chrono>

#include "errors.hpp"
#include "reconciler.hpp"
#include "settings.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

// The part of the service that compares our books with the gateways'.
namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_span = std::chrono::hours(24 * 31) + 1h;  // 31 days when the caller looked at the clock
constexpr Duration run_limit = 10min;
constexpr std::size_t most_logged = 20;

struct Metrics {
  metrics::Gauge& remaining = metrics::gauge(
      "souk_reconcile_differences", "Differences between our payments and the gateways' that the last run left.");
  metrics::Gauge& finished =
      metrics::gauge("souk_reconcile_finished_timestamp_seconds", "When our books were compared to the end last.");
  metrics::Counter& repaired =
      metrics::counter("souk_reconcile_repaired_total", "Differences between our books and the gateways', repaired.");

  static Metrics& get() {
    static Metrics metrics;
    return metrics;
  }
};

void publish(const Reconciliation& result) {
  auto& metrics = Metrics::get();
  metrics.remaining.set(static_cast<double>(result.remaining));
  metrics.repaired.add(static_cast<double>(result.repaired));
  metrics.finished.set(std::chrono::duration<double>(now().time_since_epoch()).count());
}

void log_differences(const Context& context, const Reconciliation& result) {
  for (std::size_t i = 0; i < std::min(most_logged, result.differences.size()); ++i) {
    const auto& difference = result.differences[i];
    if (difference.state == DifferenceState::repaired) continue;
    const auto order = difference.order_id ? difference.order_id->to_string() : std::string();
    log::error(context, "our books differ from the gateway's", log::kv("kind", difference.kind),
               log::kv("gateway", difference.gateway), log::kv("order_id", order),
               log::kv("ours", difference.ours.value_or("")), log::kv("theirs", difference.theirs.value_or("")),
               log::kv("advice", difference.advice));
  }
}

}  // namespace

Task<Reconciliation> Service::reconcile_until(Context context, Reconcile request, std::function<bool()> stopping) {
  Reconciler reconciler(*this, request, std::move(stopping));
  co_return co_await reconciler.run(std::move(context));
}

Task<Result<Reconciliation>> Service::reconcile(Context context, Reconcile request) {
  const auto time = now();
  if (request.since > time) co_return errors::invalid_request("since", "must not lie in the future");
  if (request.since < time - longest_span) co_return errors::invalid_request("since", "must be at most 31 days ago");
  auto result = co_await reconcile_until(std::move(context), request, [] { return false; });
  publish(result);
  co_return result;
}

Task<> Service::reconcile_again_and_again(Service& service, TaskGroup& group) {
  Metrics::get();  // there from the start, for alerts
  while (co_await group.sleep(settings::reconcile_interval.get())) {
    try {
      const auto context = Context::background("payment", run_limit);
      const Reconcile request{.since = now() - settings::reconcile_span.get(), .repair = true};
      const auto result = co_await service.reconcile_until(context, request, [&group] { return group.stopping(); });
      if (group.stopping()) co_return;
      publish(result);
      log_differences(context, result);
    } catch (const std::exception& error) {
      const std::string what = error.what();
      log::warning("our books could not be compared with the gateways'; tried again", log::kv("error", what));
    }
  }
}

}  // namespace souk::payment
