#pragma once

#include "gateways/simulator.hpp"
#include "http/router.hpp"
#include "payment/api.hpp"

namespace souk::payment {

// The simulator's own pages, /simulator/payments/{id}: only where it is the gateway that takes payments.
void add_simulator_routes(http::Router& router, Simulator& simulator, Api& payments);

}  // namespace souk::payment
