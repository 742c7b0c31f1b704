#include "webhook_deliverer.hpp"

#include <fmt/format.h>

#include "core/failpoint.hpp"
#include "core/random.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::notification {
namespace {

constexpr std::int64_t places_of_an_endpoint = 4;
constexpr std::chrono::seconds lease = std::chrono::seconds(60);  // a request takes 15 s at most
constexpr Duration time_for_a_statement = std::chrono::seconds(10);
constexpr Duration poll_interval = std::chrono::seconds(1);
constexpr Duration after_a_failure = std::chrono::seconds(5);
constexpr Duration time_to_end = std::chrono::seconds(3);  // of what is under way when the program stops

metrics::Counter& counted(const char* outcome) {
  return metrics::counter("souk_webhooks_total", "Webhooks by what became of sending them.", {{"outcome", outcome}});
}

void count(const webhooks::Verdict& verdict) {
  static auto& taken = counted("taken");
  static auto& not_taken = counted("not_taken");
  static auto& given_up = counted("given_up");
  (verdict.outcome == Outcome::taken ? taken : verdict.next_in ? not_taken : given_up).add();
}

double chance() { return static_cast<double>(random_below(1'000'000)) / 1e6; }

WebhookRequest request_of(const std::string& key, DueWebhook& due) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now()).time_since_epoch().count();
  const auto signatures = webhooks::signatures(key, due.endpoint_id, due.oldest_version, due.secret_version,
                                               due.message_id, seconds, due.body);
  return {.url = due.url,
          .headers = {"Content-Type: application/json", "User-Agent: Souk-Webhooks/1",
                      "Expect:", "webhook-id: " + due.message_id, fmt::format("webhook-timestamp: {}", seconds),
                      "webhook-signature: " + signatures},
          .body = std::move(due.body)};
}

}  // namespace

WebhookDeliverer::WebhookDeliverer(pg::Pool& pool, WebhookSender& sender, std::string key, TellDisabled tell_disabled)
    : pool_(pool), repository_(pool), sender_(sender), key_(std::move(key)), tell_disabled_(std::move(tell_disabled)) {}

void WebhookDeliverer::start(TaskGroup& group) {
  for (const auto* outcome : {"taken", "not_taken", "given_up"}) counted(outcome);
  group.spawn("notification.webhooks", run(group));
  group.spawn("notification.webhook_interrupt", interrupt_on_stop(group));
}

Task<> WebhookDeliverer::run(TaskGroup& group) {
  while (!group.stopping()) {
    const auto seen = signal_.count();
    bool failed = false;
    std::size_t begun = 0;
    try {
      begun = co_await begin_due(group);
    } catch (const std::exception& e) {
      log::warning("webhooks could not be claimed and are tried again", log::kv("why", std::string_view(e.what())));
      failed = true;
    }
    if (failed) {
      co_await group.sleep(after_a_failure);
    } else if (begun == 0 && !group.stopping()) {
      co_await signal_.wait(seen, poll_interval);
    }
  }
}

Task<std::size_t> WebhookDeliverer::begin_due(TaskGroup& group) {
  auto due = co_await repository_.claim_due(Context::background("notification", time_for_a_statement), busy_,
                                            places_of_an_endpoint, lease);
  for (auto& one : due) {
    ++busy_[one.endpoint_id];
    group.spawn("notification.webhook", deliver_in_its_place(std::move(one)));
  }
  co_return due.size();
}

Task<> WebhookDeliverer::interrupt_on_stop(TaskGroup& group) {
  while (co_await group.sleep(std::chrono::hours(1))) {
  }
  const auto end = Clock::now() + time_to_end;
  while (!busy_.empty() && Clock::now() < end) {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(50));
    co_await timer.async_wait(use_task);
  }
  sender_.interrupt();
}

Task<> WebhookDeliverer::deliver_in_its_place(DueWebhook due) {
  const auto endpoint_id = due.endpoint_id;
  try {
    co_await deliver(Context::background("notification", std::chrono::minutes(1)), std::move(due));
  } catch (const std::exception& e) {
    // What was sent and not written down is sent again: that is what the id is for.
    log::warning("an attempt could not be written down", log::kv("why", std::string_view(e.what())));
  }
  const auto place = busy_.find(endpoint_id);
  if (--place->second == 0) busy_.erase(place);
  signal_.notify();
}

Task<std::size_t> WebhookDeliverer::deliver_due(Context context) {
  auto due = co_await repository_.claim_due(context, {}, places_of_an_endpoint, lease);
  const auto count = due.size();
  for (auto& one : due) co_await deliver(context, std::move(one));
  co_return count;
}

Task<> WebhookDeliverer::deliver(Context context, DueWebhook due) {
  WebhookAttempt attempt{.id = due.id, .endpoint_id = due.endpoint_id, .url = due.url, .number = due.attempts};
  const auto counting = due.attempts - due.attempts_before;
  const std::chrono::seconds age(due.age_s);
  const auto began = Clock::now();
  SOUK_FAILPOINT("notification.before_webhook");
  const auto reply = co_await sender_.post(request_of(key_, due));
  SOUK_FAILPOINT("notification.after_webhook");
  attempt.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  attempt.status = reply.status;
  attempt.verdict = webhooks::judge(reply, counting, age, chance());
  count(attempt.verdict);
  co_await record(context, std::move(attempt));
}

// What ends while others are written is written with the next ones: a commit for each would cost more than the request.
Task<> WebhookDeliverer::record(Context context, WebhookAttempt attempt) {
  ended_.push_back(std::move(attempt));
  if (is_writing_) co_return;
  is_writing_ = true;
  struct Written {
    bool& is_writing;
    ~Written() { is_writing = false; }
  } const guard{is_writing_};
  while (!ended_.empty()) co_await write(context.extended(time_for_a_statement), std::exchange(ended_, {}));
}

Task<> WebhookDeliverer::write(Context context, std::vector<WebhookAttempt> attempts) {
  auto tx = co_await pool_.begin(context);
  const auto disabled = co_await repository_.record(tx, attempts);
  for (const auto& webhook : disabled) co_await tell_disabled_(tx, webhook);
  SOUK_FAILPOINT("notification.before_attempts_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("notification.after_attempts_commit");
  for (const auto& [id, url, reason] : disabled) {
    log::warning("a webhook was disabled", log::kv("webhook_id", id), log::kv("why", std::string_view(reason)));
  }
}

}  // namespace souk::notification
