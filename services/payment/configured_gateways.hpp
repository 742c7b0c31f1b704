#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/runtime.hpp"
#include "gateways/gateway.hpp"
#include "gateways/simulator.hpp"
#include "http/client.hpp"
#include "service.hpp"

namespace souk::payment {

// The gateways that the settings name. The simulator is one only where it is the standard: in a shop that takes real
// money nobody may pay with its tokens.
class ConfiguredGateways {
 public:
  // `simulator` outlives this. Throws std::invalid_argument with a sentence for settings that cannot be meant.
  ConfiguredGateways(Runtime& runtime, Simulator& simulator);

  Gateways gateways() const;

 private:
  http::Client client_;
  std::map<std::string, std::unique_ptr<Gateway>, std::less<>> made_;
  Simulator& simulator_;
};

}  // namespace souk::payment
