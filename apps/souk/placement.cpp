#include "placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "core/settings.hpp"

namespace souk {
namespace {

#define SOUK_URL_OF(service, NAME)                                                                                 \
  Setting<std::string> service##_url(                                                                              \
      NAME,                                                                                                        \
      "URL of the internal port of the process that runs the " #service                                            \
      " service, such as http://10.0.0.3:9090. Needed where something calls it and it runs elsewhere (souk serve " \
      "--only).",                                                                                                  \
      "")
SOUK_URL_OF(session, "SOUK_SESSION_URL");
SOUK_URL_OF(user, "SOUK_USER_URL");
SOUK_URL_OF(inventory, "SOUK_INVENTORY_URL");
SOUK_URL_OF(payment, "SOUK_PAYMENT_URL");
SOUK_URL_OF(catalog, "SOUK_CATALOG_URL");
SOUK_URL_OF(search, "SOUK_SEARCH_URL");
SOUK_URL_OF(cart, "SOUK_CART_URL");
SOUK_URL_OF(order, "SOUK_ORDER_URL");
SOUK_URL_OF(review, "SOUK_REVIEW_URL");
SOUK_URL_OF(notification, "SOUK_NOTIFICATION_URL");
#undef SOUK_URL_OF

const Setting<std::string>& url_of(std::string_view service) {
  for (const auto* setting : {&session_url, &user_url, &inventory_url, &payment_url, &catalog_url, &search_url,
                              &cart_url, &order_url, &review_url, &notification_url}) {
    if (setting->name() == url_setting(service)) return *setting;
  }
  throw std::logic_error("no service " + std::string(service));
}

}  // namespace

std::string url_setting(std::string_view service) {
  std::string name = "SOUK_" + std::string(service) + "_URL";
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

Placement Placement::everything() {
  Placement placement{.gateway = true};
  placement.services.insert(all_services.begin(), all_services.end());
  return placement;
}

Placement Placement::parse(std::string_view names) {
  Placement placement;
  for (;;) {
    const auto end = std::min(names.find(','), names.size());
    const auto name = names.substr(0, end);
    if (name == "gateway") {
      placement.gateway = true;
    } else if (std::ranges::find(all_services, name) != all_services.end()) {
      placement.services.emplace(name);
    } else {
      throw std::invalid_argument(
          fmt::format("there is no service \"{}\"; there are gateway, {}", name, fmt::join(all_services, ", ")));
    }
    if (end == names.size()) return placement;
    names.remove_prefix(end + 1);
  }
}

rpc::Peer& Peers::get(const std::string& service) {
  auto& peer = peers_[service];
  if (peer) return *peer;
  const auto& url = url_of(service).get();
  if (url.empty()) {
    throw std::runtime_error(
        fmt::format("{} is not set, and what runs here calls the {} service", url_setting(service), service));
  }
  if (key_.empty()) {
    throw std::runtime_error("SOUK_INTERNAL_KEY is not set: without the shared key no other process can be called");
  }
  try {
    peer = std::make_unique<rpc::Peer>(client_, rpc::PeerOptions{.service = service, .url = url, .key = key_});
  } catch (const std::invalid_argument& e) {
    throw std::runtime_error(fmt::format("{}: {}", url_setting(service), e.what()));
  }
  return *peer;
}

}  // namespace souk
