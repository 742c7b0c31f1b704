// The part of the service that administers webhooks.
#include "errors.hpp"
#include "postgres/error.hpp"
#include "service.hpp"

namespace souk::notification {
namespace {

// Each type once: what is kept has a limit.
template <class Types>
void make_unique(std::optional<Types>& types) {
  if (!types) return;
  std::ranges::sort(*types);
  const auto repeated = std::ranges::unique(*types);
  types->erase(repeated.begin(), repeated.end());
}

template <class Types>
Result<void> check_types(const std::optional<Types>& types) {
  if (!types) return {};
  return webhooks::check_event_types({types->begin(), types->end()});
}

}  // namespace

Task<Result<WebhookWithSecret>> Service::create_webhook(Context context, CreateWebhook request) {
  SOUK_CO_CHECK(webhooks::check_url(request.url, options_.allow_private_webhooks));
  SOUK_CO_CHECK(check_types(request.event_types));
  make_unique(request.event_types);
  auto tx = co_await pool_.begin(context);
  const auto count = co_await webhook_repository_.lock_and_count(tx);
  if (count >= most_webhooks) co_return errors::too_many_webhooks();
  auto webhook = co_await webhook_repository_.insert(tx, request);
  if (!webhook) co_return errors::url_taken();
  co_await tx.commit();
  auto secret = webhooks::secret_of(options_.webhook_key, webhook->id, 1);
  co_return WebhookWithSecret{.webhook = *std::move(webhook), .secret = std::move(secret)};
}

Task<Result<Webhooks>> Service::list_webhooks(Context context, ListWebhooks) {
  co_return Webhooks{.data = co_await webhook_repository_.list(std::move(context))};
}

Task<Result<Webhook>> Service::get_webhook(Context context, WebhookRef request) {
  auto found = co_await webhook_repository_.find(std::move(context), request.id);
  if (!found) co_return errors::webhook_not_found();
  co_return std::move(found->webhook);
}

Task<Result<Webhook>> Service::patch_webhook(Context context, PatchWebhook request) {
  auto& changes = request.changes;
  if (changes.url) SOUK_CO_CHECK(webhooks::check_url(*changes.url, options_.allow_private_webhooks));
  SOUK_CO_CHECK(check_types(changes.event_types));
  make_unique(changes.event_types);
  auto tx = co_await pool_.begin(context);
  const auto before = co_await webhook_repository_.lock(tx, request.id);
  if (!before) co_return errors::webhook_not_found();
  bool taken = false;
  try {
    co_await webhook_repository_.change(tx, request.id, changes);
  } catch (const pg::Error& e) {
    if (!e.is_unique_violation("uq_webhook_endpoints_url")) throw;
    taken = true;
  }
  if (taken) co_return errors::url_taken();
  const bool enabled_again =
      changes.status == WebhookStatus::enabled && before->webhook.status == WebhookStatus::disabled;
  const bool moved = changes.url && *changes.url != before->webhook.url;
  if (enabled_again || moved) co_await webhook_repository_.make_waiting_due(tx, request.id);
  auto after = co_await webhook_repository_.lock(tx, request.id);
  co_await tx.commit();
  webhook_deliverer_.wake();
  co_return std::move(after.value().webhook);
}

Task<Result<WebhookWithSecret>> Service::rotate_webhook_secret(Context context, RotateWebhookSecret request) {
  auto tx = co_await pool_.begin(context);
  const auto before = co_await webhook_repository_.lock(tx, request.id);
  if (!before) co_return errors::webhook_not_found();
  const auto version = before->secret_version + 1;
  const std::chrono::hours overlap(request.overlap_hours.value);
  const auto oldest = overlap.count() > 0 ? before->oldest_version : version;
  if (version - oldest >= most_secrets) co_return errors::too_many_secrets();
  co_await webhook_repository_.rotate(tx, request.id, oldest, overlap);
  auto after = co_await webhook_repository_.lock(tx, request.id);
  co_await tx.commit();
  co_return WebhookWithSecret{.webhook = std::move(after.value().webhook),
                              .secret = webhooks::secret_of(options_.webhook_key, request.id, version)};
}

Task<Result<Done>> Service::delete_webhook(Context context, WebhookRef request) {
  auto tx = co_await pool_.begin(context);
  const auto before = co_await webhook_repository_.lock(tx, request.id);
  if (!before) co_return errors::webhook_not_found();
  co_await webhook_repository_.remove(tx, request.id);
  co_await tx.commit();
  co_return Done{};
}

Task<Result<Redelivered>> Service::redeliver_webhook(Context context, WebhookRef request) {
  auto tx = co_await pool_.begin(context);
  const auto webhook = co_await webhook_repository_.lock(tx, request.id);
  if (!webhook) co_return errors::webhook_not_found();
  if (webhook->webhook.status != WebhookStatus::enabled) co_return errors::webhook_disabled();
  const auto messages = co_await webhook_repository_.redeliver(tx, request.id);
  co_await tx.commit();
  webhook_deliverer_.wake();
  co_return Redelivered{messages};
}

Task<Result<Notification>> Service::test_webhook(Context context, WebhookRef request) {
  auto tx = co_await pool_.begin(context);
  const auto webhook = co_await webhook_repository_.lock(tx, request.id);
  if (!webhook) co_return errors::webhook_not_found();
  if (webhook->webhook.status != WebhookStatus::enabled) co_return errors::webhook_disabled();
  const auto id = co_await webhook_repository_.insert_message(tx, request.id, webhook->webhook.url,
                                                              webhooks::test_event(request.id, now()));
  co_await tx.commit();
  webhook_deliverer_.wake();
  auto message = co_await repository_.find(std::move(context), id);
  co_return std::move(message.value());
}

Task<> Service::tell_disabled(pg::Transaction& tx, const DisabledWebhook& webhook) {
  if (options_.merchant_email.empty()) co_return;
  std::vector<rules::Draft> mails;
  mails.push_back(rules::webhook_disabled(webhook.id, webhook.url, webhook.reason, now(), options_.merchant_email));
  co_await insert_mails(tx, mails);
  deliverer_.wake();
}

}  // namespace souk::notification
