#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/money.hpp"

namespace souk::payment {

// Three capital letters (ISO 4217).
bool is_currency(std::string_view currency);

// Gateways count in the currency's smallest unit (ISO 4217 exponent: yen have none, dinars three decimals). Empty when
// the amount has a fraction of it.
std::optional<std::int64_t> to_units(Amount amount, std::string_view currency);
// Throws std::runtime_error for what our books cannot hold.
Amount from_units(std::int64_t units, std::string_view currency);

}  // namespace souk::payment
