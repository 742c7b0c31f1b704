#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "http/client.hpp"
#include "http/server.hpp"
#include "rpc/remote.hpp"

namespace souk::rpc {

inline bool over_the_wire() { return std::getenv("SOUK_TEST_OVER_THE_WIRE") != nullptr; }

// A service as its tests call it: itself or, with SOUK_TEST_OVER_THE_WIRE in the environment, as another process calls
// it, through its Remote, HTTP and JSON. The same tests then show that both are the same; only what kind of exception
// a fault is, is not carried over.
template <class Api>
class MaybeWire {
 public:
  MaybeWire(Runtime& runtime, const std::string& name, Api& service, std::unique_ptr<Api> (*make_remote)(Peer&),
            void (*expose)(http::Router&, Api&))
      : service_(service) {
    if (!over_the_wire()) return;
    expose(router_, service);
    const http::ServerOptions options{.port = 0, .max_body = largest_request};
    server_ = std::make_unique<http::Server>(runtime, options, [this](http::Request request) {
      request.context = request.context.as_service("peer");
      return router_.handle(std::move(request));
    });
    client_ = std::make_unique<http::Client>(runtime);
    const auto url = "http://127.0.0.1:" + std::to_string(server_->port());
    peer_ = std::make_unique<Peer>(*client_, PeerOptions{.service = name, .url = url, .key = "secret"});
    remote_ = make_remote(*peer_);
  }

  Api& api() { return remote_ ? *remote_ : service_; }

 private:
  Api& service_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<Api> remote_;
};

}  // namespace souk::rpc
