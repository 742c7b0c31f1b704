#pragma once

#include <memory>

#include "http/router.hpp"
#include "notification/api.hpp"
#include "rpc/peer.hpp"

namespace souk::notification {

// The service in another process.
std::unique_ptr<Api> make_remote(rpc::Peer& peer);
// The service of this process for others: POST /rpc/notification/….
void expose(http::Router& router, Api& api);

}  // namespace souk::notification
