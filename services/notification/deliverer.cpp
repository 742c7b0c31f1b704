#include "deliverer.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "core/failpoint.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::notification {
namespace {

constexpr std::int64_t batch_size = 50;
constexpr std::chrono::seconds lease = std::chrono::minutes(10);
constexpr Duration time_for_a_batch = std::chrono::minutes(8);
constexpr Duration time_for_a_mail = std::chrono::seconds(30);      // many servers let one wait
constexpr Duration poll_interval = std::chrono::milliseconds(500);  // also the longest that a stop waits for the loop
constexpr Duration after_a_failure = std::chrono::seconds(5);

metrics::Counter& counted(const char* outcome) {
  return metrics::counter("souk_mails_total", "Mails by what became of handing them over.", {{"outcome", outcome}});
}

}  // namespace

Deliverer::Deliverer(Repository& repository, std::unique_ptr<Transport> transport)
    : repository_(repository), transport_(std::move(transport)) {}

void Deliverer::start(TaskGroup& group) {
  if (!transport_) return;
  group.spawn("notification.deliverer", run(group));
  group.spawn("notification.interrupt", interrupt_on_stop(group));
}

Task<> Deliverer::run(TaskGroup& group) {
  while (!group.stopping()) {
    const auto seen = signal_.count();
    bool failed = false;
    std::size_t due = 0;
    try {
      due = co_await deliver_due(Context::background("notification", time_for_a_batch));
    } catch (const std::exception& e) {
      log::warning("mails could not be delivered and are tried again", log::kv("why", std::string_view(e.what())));
      failed = true;
    }
    if (failed) {
      co_await group.sleep(after_a_failure);
    } else if (due == 0 && !group.stopping()) {
      co_await signal_.wait(seen, poll_interval);
    }
  }
}

Task<> Deliverer::interrupt_on_stop(TaskGroup& group) {
  while (co_await group.sleep(std::chrono::hours(1))) {
  }
  interrupted_ = true;
  transport_->interrupt();
}

Task<std::size_t> Deliverer::deliver_due(Context context) {
  using namespace asio::experimental::awaitable_operators;
  Batch batch{.due = co_await repository_.claim_due(context, batch_size, lease)};
  static_assert(mails_at_once == 4);
  co_await (deliver(context, batch) && deliver(context, batch) && deliver(context, batch) && deliver(context, batch));
  std::vector<Uuid> untried;
  for (auto i = batch.next; i < batch.due.size(); ++i) untried.push_back(batch.due[i].id);
  if (!untried.empty()) co_await repository_.put_back(context, std::move(untried));
  co_return batch.due.size();
}

// One mail after the other, as long as there are some that nobody has begun with.
Task<> Deliverer::deliver(Context context, Batch& batch) {
  static auto& taken = counted("taken");
  static auto& not_taken = counted("not_taken");
  static auto& given_up = counted("given_up");
  while (batch.next < batch.due.size() && !interrupted_) {
    auto& due = batch.due[batch.next++];
    AttemptRow attempt{.id = due.id, .number = due.attempts, .handed_to = transport_->name()};
    const auto counting = due.attempts - due.attempts_before;
    const auto began = Clock::now();
    SOUK_FAILPOINT("notification.before_mail");
    attempt.delivery = co_await send(context, std::move(due));
    SOUK_FAILPOINT("notification.after_mail");
    attempt.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    const auto outcome = attempt.delivery.outcome;
    if (outcome == Outcome::try_again) attempt.next_in = rules::retry_after(counting);
    (outcome == Outcome::taken ? taken : attempt.next_in ? not_taken : given_up).add();
    co_await record(context, batch, std::move(attempt));
  }
}

// What ends while other attempts are written is written with the next ones: a commit for each would cost more than the
// mail. Whoever writes takes all along, so that the others go on with their mails.
Task<> Deliverer::record(Context context, Batch& batch, AttemptRow attempt) {
  batch.ended.push_back(std::move(attempt));
  if (batch.is_writing) co_return;
  batch.is_writing = true;
  while (!batch.ended.empty()) co_await repository_.record(context, std::exchange(batch.ended, {}));
  batch.is_writing = false;
}

Task<Delivery> Deliverer::send(Context context, Due due) {
  try {
    co_return co_await transport_->send(context.limited(time_for_a_mail), {.id = due.id,
                                                                           .message_id = std::move(due.message_id),
                                                                           .recipient = std::move(due.recipient),
                                                                           .subject = std::move(due.subject),
                                                                           .text = std::move(due.text),
                                                                           .html = std::move(due.html),
                                                                           .created_at = due.created_at});
  } catch (const std::exception& e) {
    co_return Delivery{.outcome = Outcome::try_again, .why = e.what()};
  }
}

}  // namespace souk::notification
