#pragma once

#include <memory>
#include <string>

#include "cart/api.hpp"
#include "catalog/api.hpp"
#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "gateway/operations.hpp"
#include "http/router.hpp"
#include "inventory/api.hpp"
#include "notification/api.hpp"
#include "order/api.hpp"
#include "payment/api.hpp"
#include "placement.hpp"
#include "review/api.hpp"
#include "search/api.hpp"
#include "session/api.hpp"
#include "user/api.hpp"

namespace souk {

// The services, wired by their constructors: those that are placed in this process, and stand-ins that call the others
// over the wire. Connects to nothing before something asks for it.
class Platform {
 public:
  // Throws std::runtime_error with a sentence when a setting is missing that the placement needs.
  explicit Platform(const std::string& secret, const Placement& placement = Placement::everything());
  ~Platform();  // stop() first, where start() was called
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  Runtime& runtime();
  user::Api& users();
  session::Api& sessions();
  catalog::Api& catalog();
  search::Api& search();
  cart::Api& carts();
  inventory::Api& inventory();
  payment::Api& payments();
  order::Api& orders();
  review::Api& reviews();
  notification::Api& notifications();

  // Adds the public routes of all services, wherever those are.
  void add_routes(http::Router& router);
  // Adds what other processes call: the methods of the services that are here.
  void expose(http::Router& router);
  // What /readyz looks at.
  std::vector<gateway::ReadinessCheck> readiness_checks();

  // Starts what runs beside requests, of the services that are here: consumers, sweepers, recovery.
  void start();
  // Ends it, waits for it, and closes the connections. Not on a worker.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace souk
