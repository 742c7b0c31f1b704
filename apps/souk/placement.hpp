#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "http/router.hpp"
#include "rpc/peer.hpp"

namespace souk {

// All services; one comes after those that it calls.
inline constexpr std::array<std::string_view, 10> all_services{
    "session", "user", "inventory", "payment", "catalog", "search", "cart", "order", "review", "notification"};

// What lives in this process. A service that does not is behind its URL.
struct Placement {
  std::set<std::string, std::less<>> services;
  bool gateway = false;  // the public port

  static Placement everything();
  // "order,payment" or "gateway"; throws std::invalid_argument with a sentence for anything else.
  static Placement parse(std::string_view names);

  bool has(std::string_view service) const { return services.contains(service); }
};

// The setting that has the URL of a service: "SOUK_ORDER_URL".
std::string url_setting(std::string_view service);

// The services that are elsewhere, as far as something here calls them.
class Peers {
 public:
  Peers(http::Client& client, std::string key) : client_(client), key_(std::move(key)) {}

  // Throws std::runtime_error with a sentence when the URL or the shared key is missing.
  rpc::Peer& get(const std::string& service);
  const std::map<std::string, std::unique_ptr<rpc::Peer>>& used() const { return peers_; }

 private:
  http::Client& client_;
  std::string key_;
  std::map<std::string, std::unique_ptr<rpc::Peer>> peers_;
};

// One service: in this process or in another, and nobody who calls it knows which.
template <class Api, class Service>
class Part {
 public:
  using MakeRemote = std::unique_ptr<Api> (*)(rpc::Peer&);
  using Expose = void (*)(http::Router&, Api&);

  // `make` constructs the service and is called where it is placed here.
  template <class Make>
  Part(const Placement& placement, Peers& peers, std::string name, MakeRemote make_remote, Expose expose, Make make)
      : peers_(peers), name_(std::move(name)), make_remote_(make_remote), expose_(expose) {
    if (placement.has(name_)) local_ = make();
  }

  // Wired before the first request: not for several threads at once.
  Api& api() {
    if (local_) return *local_;
    if (!remote_) remote_ = make_remote_(peers_.get(name_));
    return *remote_;
  }
  // Null where the service is elsewhere.
  Service* local() { return local_.get(); }
  void expose(http::Router& router) {
    if (local_) expose_(router, *local_);
  }

 private:
  Peers& peers_;
  std::string name_;
  MakeRemote make_remote_;
  Expose expose_;
  std::unique_ptr<Service> local_;
  std::unique_ptr<Api> remote_;
};

}  // namespace souk
