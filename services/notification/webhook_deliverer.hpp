#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/task_group.hpp"
#include "events/signal.hpp"
#include "webhook_repository.hpp"
#include "webhook_sender.hpp"

namespace souk::notification {

// Sends webhooks: each at least once and always with the same id. Of each endpoint some are under way at the same time,
// so one that is slow delays nobody else. What a crash leaves claimed is due again when its lease is over.
class WebhookDeliverer {
 public:
  // Writes the mail to the merchant, in the transaction that disables the endpoint.
  using TellDisabled = std::function<Task<>(pg::Transaction& tx, const DisabledWebhook& webhook)>;

  // `key`: what secrets are derived from. `pool` and `sender` outlive this.
  WebhookDeliverer(pg::Pool& pool, WebhookSender& sender, std::string key, TellDisabled tell_disabled);

  void start(TaskGroup& group);
  // There are new messages, or an endpoint was enabled.
  void wake() { signal_.notify(); }

  // Sends what is due now, up to a few of each endpoint, one after the other. Returns how many were due. For tests.
  Task<std::size_t> deliver_due(Context context);

 private:
  Task<> run(TaskGroup& group);
  // When the program stops: what is under way gets a moment to end.
  Task<> interrupt_on_stop(TaskGroup& group);
  Task<std::size_t> begin_due(TaskGroup& group);
  Task<> deliver_in_its_place(DueWebhook due);
  Task<> deliver(Context context, DueWebhook due);
  Task<> record(Context context, WebhookAttempt attempt);
  Task<> write(Context context, std::vector<WebhookAttempt> attempts);

  pg::Pool& pool_;
  WebhookRepository repository_;
  WebhookSender& sender_;
  std::string key_;
  TellDisabled tell_disabled_;
  events::Signal signal_;
  // Touched by the loop's worker alone.
  std::map<Uuid, std::int64_t> busy_;  // places taken, by endpoint
  std::vector<WebhookAttempt> ended_;  // and not yet written
  bool is_writing_ = false;
};

}  // namespace souk::notification
