#include "routes.hpp"

#include "errors.hpp"

namespace souk::notification {

using http::Method, http::NoBody, http::NoQuery, http::Request;

namespace {

Task<Result<NotificationDetails>> get(Api& notifications, Request request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::not_found();
  co_return co_await notifications.get_notification(request.context, {.id = *id});
}

Task<Result<Notification>> retry(Api& notifications, Request request) {
  const auto id = Uuid::parse(request.parameter("id"));
  if (!id) co_return errors::not_found();
  co_return co_await notifications.retry_notification(request.context, {.id = *id});
}

}  // namespace

void add_routes(http::Router& router, Api& notifications) {
  add_webhook_routes(router, notifications);
  router.add<http::NoBody, ListNotifications, NotificationPage>(
      http::Method::GET, "/v1/admin/notifications",
      {.operation_id = "list_notifications",
       .summary = "Mails and webhooks, newest first: what was sent, what waits and why, what was given up. "
                  "`subject_id` is the id of the order, user or item that they tell of; `endpoint_id` the webhook "
                  "that they go to.",
       .tag = "Administration",
       .access = http::Access::admin,
       .errors = {"400 request.invalid_cursor"}},
      [&notifications](http::Request request, http::NoBody, ListNotifications query) {
        return notifications.list_notifications(request.context, std::move(query));
      });
  router.add<NoBody, NoQuery, NotificationDetails>(
      Method::GET, "/v1/admin/notifications/{id}",
      {.operation_id = "get_notification",
       .summary =
           "A message with its text and the newest 100 attempts to hand it over: when, and what the receiver said.",
       .tag = "Administration",
       .access = http::Access::admin,
       .errors = {"404 notification.not_found"},
       .conditional = true},
      [&notifications](Request request, NoBody, NoQuery) { return get(notifications, std::move(request)); });
  router.add<NoBody, NoQuery, Notification>(
      Method::POST, "/v1/admin/notifications/{id}/retry",
      {.operation_id = "retry_notification",
       .summary = "Makes a message due now that has failed or waits for its next attempt. It keeps its id, so that a "
                  "receiver who has it already can tell. A webhook is also sent again that was taken; a mail is not.",
       .tag = "Administration",
       .access = http::Access::admin,
       .errors = {"404 notification.not_found", "409 notification.already_sent", "404 webhook.not_found",
                  "409 webhook.disabled"}},
      [&notifications](Request request, NoBody, NoQuery) { return retry(notifications, std::move(request)); });
}

}  // namespace souk::notification
