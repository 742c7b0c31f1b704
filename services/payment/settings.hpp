#pragma once

#include <chrono>
#include <string>

#include "core/settings.hpp"

namespace souk::payment::settings {

inline Setting<std::string> gateway("SOUK_PAYMENT_GATEWAY",
                                    "Gateway that takes payments unless a checkout names another: simulator (only for "
                                    "trying the shop out: it takes no money) or stripe.",
                                    "simulator");
inline Setting<std::string> capture(
    "SOUK_PAYMENT_CAPTURE",
    "When money is taken: `at_once`, or `later`: it is held at the checkout and taken by "
    "a capture.",
    "at_once");
inline Setting<std::chrono::milliseconds> gateway_timeout(
    "SOUK_PAYMENT_GATEWAY_TIMEOUT",
    "How long one call to a payment gateway is waited for; a charge is two calls and has "
    "10 s for both.",
    std::chrono::seconds(10), std::chrono::milliseconds(100), std::chrono::seconds(10));
inline Setting<std::chrono::milliseconds> connect_timeout("SOUK_PAYMENT_CONNECT_TIMEOUT",
                                                          "How long a connection to a payment gateway may take, TLS "
                                                          "included.",
                                                          std::chrono::seconds(3), std::chrono::milliseconds(50),
                                                          std::chrono::seconds(10));
inline Setting<std::string> ca_file(
    "SOUK_PAYMENT_CA_FILE",
    "PEM file of the authorities that a payment gateway's certificate may come from. Empty: the system's.", "");

inline Setting<std::string> stripe_key(
    "SOUK_STRIPE_KEY",
    "Secret key of the Stripe account (sk_...), or a restricted one that may write PaymentIntents and Refunds. Empty: "
    "Stripe is not offered.",
    "");
inline Setting<std::string> stripe_webhook_secret(
    "SOUK_STRIPE_WEBHOOK_SECRET",
    "Signing secret (whsec_...) of the webhook endpoint POST /v1/webhooks/stripe; while it is replaced both, with a "
    "comma between. Empty: webhooks are refused, and payments are asked for instead.",
    "");
inline Setting<std::string> stripe_url("SOUK_STRIPE_URL",
                                       "Where Stripe's API is; http only on this machine, for tests.",
                                       "https://api.stripe.com");

inline Setting<std::chrono::milliseconds> reconcile_interval(
    "SOUK_RECONCILE_INTERVAL", "How often our payments and refunds are compared with the gateways' books and repaired.",
    std::chrono::minutes(15), std::chrono::seconds(1), std::chrono::hours(24));
inline Setting<std::chrono::milliseconds> reconcile_span("SOUK_RECONCILE_SPAN",
                                                         "How far back that comparison goes each time.",
                                                         std::chrono::hours(48), std::chrono::minutes(1),
                                                         std::chrono::hours(24 * 31));

}  // namespace souk::payment::settings
