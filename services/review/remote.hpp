#pragma once

#include <memory>

#include "http/router.hpp"
#include "review/api.hpp"
#include "rpc/peer.hpp"

namespace souk::review {

// The service in another process.
std::unique_ptr<Api> make_remote(rpc::Peer& peer);
// The service of this process for others: POST /rpc/review/….
void expose(http::Router& router, Api& api);

}  // namespace souk::review
