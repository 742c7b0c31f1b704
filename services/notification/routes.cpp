#include "routes.hpp"

namespace souk::notification {

void add_routes(http::Router& router, Api& notifications) {
  router.add<http::NoBody, ListNotifications, NotificationPage>(
      http::Method::GET, "/v1/admin/notifications",
      {.operation_id = "list_notifications",
       .summary = "Messages to customers, newest first: what was sent, what waits and why, what was given up. "
                  "`subject_id` is the id of the order or user that they tell of.",
       .tag = "Administration",
       .access = http::Access::admin,
       .errors = {"400 request.invalid_cursor"}},
      [&notifications](http::Request request, http::NoBody, ListNotifications query) {
        return notifications.list_notifications(request.context, std::move(query));
      });
}

}  // namespace souk::notification
