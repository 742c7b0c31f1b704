#pragma once

#include <memory>

#include "http/router.hpp"
#include "rpc/peer.hpp"
#include "user/api.hpp"

namespace souk::user {

// The service in another process.
std::unique_ptr<Api> make_remote(rpc::Peer& peer);
// The service of this process for others: POST /rpc/user/….
void expose(http::Router& router, Api& api);

}  // namespace souk::user
