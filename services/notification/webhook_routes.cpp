#include "errors.hpp"
#include "routes.hpp"

namespace souk::notification {

using http::Method, http::NoBody, http::NoQuery, http::Request;

struct RotateSecret {
  json::Int<0, 168> overlap_hours = 24;
};
BOOST_DESCRIBE_STRUCT(RotateSecret, (), (overlap_hours))

namespace {

// Calls `method` for the webhook that the path names.
template <class Reply>
Task<Result<Reply>> ask(Api& api, Task<Result<Reply>> (Api::*method)(Context, WebhookRef), Request request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::webhook_not_found();
  co_return co_await (api.*method)(request.context, {.id = *id});
}

Task<Result<Webhook>> patch(Api& api, Request request, WebhookChanges body) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::webhook_not_found();
  co_return co_await api.patch_webhook(request.context, {.id = *id, .changes = std::move(body)});
}

Task<Result<WebhookWithSecret>> rotate(Api& api, Request request, RotateSecret body) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::webhook_not_found();
  co_return co_await api.rotate_webhook_secret(request.context, {.id = *id, .overlap_hours = body.overlap_hours});
}

void add_reads(http::Router& router, Api& api) {
  router.add<NoBody, NoQuery, Webhooks>(
      Method::GET, "/v1/admin/webhooks",
      {.operation_id = "list_webhooks",
       .summary = "All webhooks, oldest first. Secrets are never shown again.",
       .tag = "Webhooks",
       .access = http::Access::admin},
      [&api](Request request, NoBody, NoQuery) { return api.list_webhooks(request.context, {}); });
  router.add<NoBody, NoQuery, Webhook>(
      Method::GET, "/v1/admin/webhooks/{id}",
      {.operation_id = "get_webhook",
       .summary = "A webhook, and since when it fails. What was sent there, attempt by attempt, is at "
                  "`/v1/admin/notifications?endpoint_id=…`.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .errors = {"404 webhook.not_found"},
       .conditional = true},
      [&api](Request request, NoBody, NoQuery) { return ask(api, &Api::get_webhook, std::move(request)); });
}

void add_changes(http::Router& router, Api& api) {
  router.add<CreateWebhook, NoQuery, WebhookWithSecret>(
      Method::POST, "/v1/admin/webhooks",
      {.operation_id = "create_webhook",
       .summary = "Events go to this URL from now on, signed as standardwebhooks.com has it. The reply is the only one "
                  "that shows the secret. Without `event_types` all events are told; `order.*` is all of the order's.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .success_status = 201,
       .errors = {"422 webhook.invalid_url", "422 webhook.unknown_event_type", "409 webhook.url_taken",
                  "409 webhook.too_many"}},
      [&api](Request request, CreateWebhook body, NoQuery) {
        return api.create_webhook(request.context, std::move(body));
      });
  router.add<WebhookChanges, NoQuery, Webhook>(
      Method::PATCH, "/v1/admin/webhooks/{id}",
      {.operation_id = "patch_webhook",
       .summary = "Changes what is given. What waits goes to a new URL. While it is disabled nothing is sent: what "
                  "waited goes out when it is enabled again, what happened meanwhile is not told.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .errors = {"404 webhook.not_found", "422 webhook.invalid_url", "422 webhook.unknown_event_type",
                  "409 webhook.url_taken"}},
      [&api](Request request, WebhookChanges body, NoQuery) {
        return patch(api, std::move(request), std::move(body));
      });
  router.add<NoBody, NoQuery, Done>(
      Method::DELETE, "/v1/admin/webhooks/{id}",
      {.operation_id = "delete_webhook",
       .summary = "Deletes a webhook. What waits for it is given up; its log stays for 90 days.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .success_status = 204,
       .errors = {"404 webhook.not_found"}},
      [&api](Request request, NoBody, NoQuery) { return ask(api, &Api::delete_webhook, std::move(request)); });
}

}  // namespace

void add_webhook_routes(http::Router& router, Api& api) {
  add_reads(router, api);
  add_changes(router, api);
  router.add<RotateSecret, NoQuery, WebhookWithSecret>(
      Method::POST, "/v1/admin/webhooks/{id}/rotate",
      {.operation_id = "rotate_webhook_secret",
       .summary = "Makes a new secret. For `overlap_hours` requests are signed with it and with those before it, so "
                  "that the receiver can change over; with 0 the old ones are void at once. After a lost reply, rotate "
                  "again.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .errors = {"404 webhook.not_found", "409 webhook.too_many_secrets"}},
      [&api](Request request, RotateSecret body, NoQuery) { return rotate(api, std::move(request), body); });
  router.add<NoBody, NoQuery, Redelivered>(
      Method::POST, "/v1/admin/webhooks/{id}/redeliver",
      {.operation_id = "redeliver_webhook",
       .summary =
           "For a receiver that is back: sends all messages again now that were given up or wait for longer than "
           "a minute, each under its id. The reply says how many.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .errors = {"404 webhook.not_found", "409 webhook.disabled"}},
      [&api](Request request, NoBody, NoQuery) { return ask(api, &Api::redeliver_webhook, std::move(request)); });
  router.add<NoBody, NoQuery, Notification>(
      Method::POST, "/v1/admin/webhooks/{id}/test",
      {.operation_id = "test_webhook",
       .summary = "Sends an event `webhook.test`, whatever the webhook's event types are. The reply is the message; "
                  "what became of it is at `/v1/admin/notifications/{id}`.",
       .tag = "Webhooks",
       .access = http::Access::admin,
       .success_status = 202,
       .errors = {"404 webhook.not_found", "409 webhook.disabled"}},
      [&api](Request request, NoBody, NoQuery) { return ask(api, &Api::test_webhook, std::move(request)); });
}

}  // namespace souk::notification
