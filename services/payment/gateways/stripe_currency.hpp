#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/money.hpp"

// How Stripe writes amounts and currencies.
namespace souk::payment::stripe {

std::string lower(std::string currency);
std::string upper(std::string currency);

// Stripe's smallest units; empty for an amount that has a fraction of them.
std::optional<std::int64_t> to_stripe(Amount amount, std::string_view currency);
// Throws std::runtime_error for what our books cannot hold.
Amount from_stripe(std::int64_t units, std::string_view currency);

}  // namespace souk::payment::stripe
