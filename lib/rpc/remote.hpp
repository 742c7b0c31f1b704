#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/task.hpp"
#include "http/router.hpp"
#include "rpc/peer.hpp"
#include "rpc/wire.hpp"

// An Api over the wire. A service's remote.cpp names each method once, and both ends follow from that line:
//
//   namespace {
//   class Remote final : public rpc::Remote<Api> {
//    public:
//     using rpc::Remote<Api>::Remote;
//     SOUK_RPC(get_cart, repeatable)
//     SOUK_RPC(add_item, once)
//   };
//   }  // namespace
//   SOUK_RPC_SERVICE(cart)
//
// A method that has no line makes Remote abstract, which does not compile (tools/test/house_rules.py finds those that
// are not pure).
namespace souk::rpc {

template <class Method>
struct MethodTypes;
template <class ApiType, class RequestType, class ReplyType>
struct MethodTypes<Task<Result<ReplyType>> (ApiType::*)(Context, RequestType)> {
  using Api = ApiType;
  using Request = RequestType;
  using Reply = ReplyType;
};
template <auto method>
using ApiOf = typename MethodTypes<decltype(method)>::Api;
template <auto method>
using RequestOf = typename MethodTypes<decltype(method)>::Request;
template <auto method>
using ReplyOf = typename MethodTypes<decltype(method)>::Reply;

// A refusal of the peer's method is returned. Throws Unavailable, UnknownOutcome and Overloaded as the method would in
// this process, and std::runtime_error for what is the peer's bug.
template <auto method>
Task<Result<ReplyOf<method>>> call(Peer& peer, const char* name, Repeat repeat, Context context,
                                   RequestOf<method> request) {
  const auto response = co_await peer.call(std::move(context), name, json::write(request), repeat);
  if (response.status == 200) co_return json::read_trusted<ReplyOf<method>>(response.body);
  co_return std::unexpected(refusal_of(response, peer.service() + "." + name));
}

template <auto method>
Task<http::Response> serve(ApiOf<method>& api, http::Request request) {
  const auto context = context_of(request);
  if (!context) co_return refusal(context.error());
  auto body = json::read<RequestOf<method>>(request.body, json::Mode::lenient);
  if (!body) co_return refusal(body.error());
  const auto result = co_await (api.*method)(*context, *std::move(body));
  co_return result ? http::reply(*result) : refusal(result.error());
}

// What the served side of an Api consists of.
template <class Api>
struct Served {
  const char* name;
  http::Handler (*handler)(Api&);
};
template <class Api>
std::vector<Served<Api>>& served() {
  static std::vector<Served<Api>> methods;
  return methods;
}
template <auto method>
bool add_served(const char* name) {
  using Api = ApiOf<method>;
  served<Api>().push_back({name, [](Api& api) -> http::Handler {
                             return [&api](http::Request request) { return serve<method>(api, std::move(request)); };
                           }});
  return true;
}

// The base of a service's Remote.
template <class ApiType>
class Remote : public ApiType {
 public:
  using Api = ApiType;
  explicit Remote(Peer& peer) : peer_(peer) {}

 protected:
  Peer& peer_;
};

// POST /rpc/<service>/<method> for each method, for the internal listener. The api outlives the router.
template <class Api>
void expose(http::Router& router, const std::string& service, Api& api) {
  for (const auto& method : served<Api>()) {
    http::RouteInfo info{.operation_id = service + "." + method.name,
                         .summary = "A call between services",
                         .tag = "RPC",
                         .access = http::Access::internal,
                         .body_limit = largest_request,
                         .time_limit = std::chrono::hours(1)};  // the caller's deadline is what counts
    router.add_raw(http::Method::POST, "/rpc/" + service + "/" + method.name, std::move(info), method.handler(api));
  }
}

}  // namespace souk::rpc

// One method of an Api; `repeat` is a value of rpc::Repeat.
#define SOUK_RPC(name, repeat)                                                                          \
  ::souk::Task<::souk::Result<::souk::rpc::ReplyOf<&Api::name>>> name(                                  \
      ::souk::Context context, ::souk::rpc::RequestOf<&Api::name> request) override {                   \
    return ::souk::rpc::call<&Api::name>(peer_, #name, ::souk::rpc::Repeat::repeat, std::move(context), \
                                         std::move(request));                                           \
  }                                                                                                     \
  static inline const bool name##_is_served = ::souk::rpc::add_served<&Api::name>(#name);

// Defines what the service's remote.hpp declares.
#define SOUK_RPC_SERVICE(service)                                                                      \
  std::unique_ptr<Api> make_remote(::souk::rpc::Peer& peer) { return std::make_unique<Remote>(peer); } \
  void expose(::souk::http::Router& router, Api& api) { ::souk::rpc::expose<Api>(router, #service, api); }
