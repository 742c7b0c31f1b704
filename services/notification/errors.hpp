#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

// The refusals of the notification service.
namespace souk::notification::errors {

inline Refusal invalid_cursor() {
  return refuse(ErrorKind::invalid, "request.invalid_cursor", "The cursor is not one of this list; begin without one.");
}

inline Refusal not_found() {
  return refuse(ErrorKind::not_found, "notification.not_found", "There is no such message.");
}

inline Refusal already_sent() {
  return refuse(ErrorKind::conflict, "notification.already_sent",
                "The mail was handed over. A second one would only confuse its reader.");
}

inline Refusal webhook_not_found() {
  return refuse(ErrorKind::not_found, "webhook.not_found", "There is no such webhook.");
}

inline Refusal url_taken() {
  return refuse(ErrorKind::conflict, "webhook.url_taken",
                "There is a webhook with this URL. Change that one; a new secret is made by rotating it.");
}

inline Refusal too_many_webhooks() {
  return refuse(ErrorKind::conflict, "webhook.too_many", "There are 50 webhooks. Delete one first.");
}

inline Refusal too_many_secrets() {
  return refuse(ErrorKind::conflict, "webhook.too_many_secrets",
                "Five secrets hold already. Wait until their overlap is over, or rotate with overlap_hours 0.");
}

inline Refusal webhook_disabled() {
  return refuse(ErrorKind::conflict, "webhook.disabled", "The webhook is disabled. Enable it first.");
}

inline Refusal invalid_url(std::string detail) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "webhook.invalid_url",
                       .detail = "Messages cannot be sent to this URL.",
                       .errors = {{.field = "url", .code = "webhook.invalid_url", .detail = std::move(detail)}}});
}

inline Refusal unknown_event_type(std::vector<FieldError> types) {
  return Refusal(Error{.kind = ErrorKind::unprocessable,
                       .code = "webhook.unknown_event_type",
                       .detail = "There are no events of these types.",
                       .errors = std::move(types)});
}

}  // namespace souk::notification::errors
