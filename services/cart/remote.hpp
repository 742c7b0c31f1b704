#pragma once

#include <memory>

#include "cart/api.hpp"
#include "http/router.hpp"
#include "rpc/peer.hpp"

namespace souk::cart {

// The service in another process.
std::unique_ptr<Api> make_remote(rpc::Peer& peer);
// The service of this process for others: POST /rpc/cart/….
void expose(http::Router& router, Api& api);

}  // namespace souk::cart
