#include "rules.hpp"

#include <algorithm>

#include "templates.hpp"

namespace souk::notification::rules {
namespace {

constexpr std::int64_t most_attempts = 120;  // some five days
constexpr std::size_t most_parcels = 10;     // that a mail names

std::optional<Draft> make(const std::string& kind, std::string subject_id, std::string recipient,
                          const templates::Values& values) {
  auto content = templates::render(kind, values);
  if (!content) return std::nullopt;
  return Draft{.kind = kind,
               .subject_id = std::move(subject_id),
               .recipient = std::move(recipient),
               .subject = std::move(content->subject),
               .text = std::move(content->text),
               .html = std::move(content->html)};
}

}  // namespace

std::optional<Draft> draft(const std::string& kind, const order::OrderEvent& order, const std::string& recipient,
                           const std::vector<order::Shipment>& parcels) {
  auto made = make(kind, order.order_id.to_string(), recipient,
                   {{"order_number", order.order_number},
                    {"total", order.total.to_string()},
                    {"currency", order.currency},
                    {"refund", order.refund.value_or(Amount()).to_string()},
                    {"parcels", describe_parcels(parcels, order.tracking_number)}});
  // An order may come back in several returns.
  if (made && order.return_id) made->occurrence = order.return_id->to_string();
  return made;
}

std::string describe_parcels(const std::vector<order::Shipment>& parcels,
                             const std::optional<std::string>& tracking_number) {
  if (parcels.empty()) return tracking_number ? "Its tracking number is " + *tracking_number + "." : "";
  std::string text =
      parcels.size() == 1 ? "It comes in one parcel: " : "It comes in " + std::to_string(parcels.size()) + " parcels: ";
  for (std::size_t i = 0; i < std::min(parcels.size(), most_parcels); ++i) {
    if (i > 0) text += i + 1 == parcels.size() ? " and " : ", ";
    text += parcels[i].carrier + " " + parcels[i].tracking_number;
  }
  if (parcels.size() > most_parcels) text += " and " + std::to_string(parcels.size() - most_parcels) + " more";
  return text + ".";
}

std::optional<Draft> draft(const std::string& kind, const user::UserRegistered& account, Timestamp at) {
  auto made = make(kind, account.user_id.to_string(), account.email,
                   {{"email", account.email}, {"first_name", account.first_name}});
  if (made && kind == "registration.repeated") made->occurrence = to_rfc3339(at).substr(0, 10);
  return made;
}

std::optional<Draft> draft(const std::string& kind, const inventory::StockLow& stock, Uuid event_id,
                           const std::string& recipient) {
  const auto to_order = stock.reorder_quantity ? std::to_string(*stock.reorder_quantity) : "some";
  auto made = make(kind, stock.product_id, recipient,
                   {{"product_id", stock.product_id},
                    {"sku", stock.sku},
                    {"quantity", std::to_string(stock.quantity)},
                    {"reorder_level", std::to_string(stock.reorder_level)},
                    {"reorder_quantity", to_order}});
  if (made) made->occurrence = event_id.to_string();
  return made;
}

Draft webhook_disabled(Uuid webhook_id, const std::string& url, const std::string& reason, Timestamp at,
                       const std::string& recipient) {
  const auto id = webhook_id.to_string();
  auto made = make("webhook.disabled", id, recipient, {{"url", url}, {"reason", reason}, {"webhook_id", id}});
  made.value().occurrence = to_rfc3339(at);
  return *std::move(made);
}

std::optional<std::chrono::seconds> retry_after(std::int64_t attempts) {
  if (attempts >= most_attempts) return std::nullopt;
  const auto doublings = std::clamp<std::int64_t>(attempts - 1, 0, 10);
  return std::min<std::chrono::seconds>(std::chrono::seconds(30) * (std::int64_t{1} << doublings),
                                        std::chrono::hours(1));
}

std::string domain_of(const std::string& sender) {
  const auto at = sender.rfind('@');
  if (at == std::string::npos) return "localhost";
  const auto end = sender.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", at + 1);
  const auto domain = sender.substr(at + 1, end == std::string::npos ? end : end - at - 1);
  return domain.empty() ? "localhost" : domain;
}

}  // namespace souk::notification::rules
