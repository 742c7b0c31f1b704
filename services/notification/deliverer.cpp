#include "deliverer.hpp"

#include "rules.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::notification {
namespace {

constexpr std::int64_t batch = 50;
constexpr std::chrono::seconds lease = std::chrono::minutes(10);
constexpr Duration time_for_a_batch = std::chrono::minutes(8);
constexpr Duration time_for_a_mail = std::chrono::seconds(8);
constexpr Duration poll_interval = std::chrono::milliseconds(500);  // also the longest that a stop waits for the loop
constexpr Duration after_a_failure = std::chrono::seconds(5);

metrics::Counter& counted(const char* outcome) {
  return metrics::counter("souk_mails_total", "Mails by what became of handing them over.", {{"outcome", outcome}});
}

}  // namespace

Deliverer::Deliverer(Repository& repository, std::unique_ptr<Transport> transport)
    : repository_(repository), transport_(std::move(transport)) {}

void Deliverer::start(TaskGroup& group) {
  if (transport_) group.spawn("notification.deliverer", run(group));
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

Task<std::size_t> Deliverer::deliver_due(Context context) {
  static auto& taken = counted("taken");
  static auto& not_taken = counted("not_taken");
  static auto& given_up = counted("given_up");
  auto due = co_await repository_.claim_due(context, batch, lease);
  std::vector<Uuid> sent;
  for (auto& mail : due) {
    const auto id = mail.id;
    const auto attempts = mail.attempts;
    auto delivery = co_await send(context, std::move(mail));
    if (delivery.outcome == Delivery::Outcome::taken) {
      sent.push_back(id);
      continue;
    }
    const auto next_in = delivery.outcome == Delivery::Outcome::try_again ? rules::retry_after(attempts) : std::nullopt;
    (next_in ? not_taken : given_up).add();
    co_await repository_.mark_not_sent(context, id, std::move(delivery.why), next_in);
  }
  if (!sent.empty()) {
    taken.add(static_cast<double>(sent.size()));
    co_await repository_.mark_sent(context, std::move(sent), transport_->name());
  }
  co_return due.size();
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
    co_return Delivery{Delivery::Outcome::try_again, e.what()};
  }
}

}  // namespace souk::notification
