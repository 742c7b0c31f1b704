#pragma once

#include "gateways/simulator.hpp"
#include "http/router.hpp"
#include "payment/api.hpp"

namespace souk::payment {

// Saved payment methods, /v1/me/payment-methods, what administrators see and do, /v1/admin/payments, and what gateways
// tell, /v1/webhooks.
void add_routes(http::Router& router, Api& payments);

// Messages of gateways, /v1/webhooks/stripe; add_routes() adds them.
void add_webhook_routes(http::Router& router, Api& payments);

// The simulator's own pages, /simulator/payments/{id}: only where it is the gateway that takes payments.
void add_simulator_routes(http::Router& router, Simulator& simulator, Api& payments);

}  // namespace souk::payment
