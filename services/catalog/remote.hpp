#pragma once

#include <memory>

#include "catalog/api.hpp"
#include "http/router.hpp"
#include "rpc/peer.hpp"

namespace souk::catalog {

// The service in another process.
std::unique_ptr<Api> make_remote(rpc::Peer& peer);
// The service of this process for others: POST /rpc/catalog/….
void expose(http::Router& router, Api& api);

}  // namespace souk::catalog
