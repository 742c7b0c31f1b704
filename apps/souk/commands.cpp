#include "commands.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "databases.hpp"
#include "demo/demo_command.hpp"
#include "http/router.hpp"
#include "import_command.hpp"
#include "json/json.hpp"
#include "platform.hpp"
#include "reconcile_command.hpp"
#include "settings.hpp"
#include "telemetry/log.hpp"
#include "version.hpp"

namespace souk::commands {
namespace {

struct Engines {
  std::string documents = "embedded";
  std::string search = "embedded";
};
BOOST_DESCRIBE_STRUCT(Engines, (), (documents, search))

struct Configuration {
  std::string http;
  std::string internal;
  std::map<std::string, std::string> postgres;
  std::string redis;
  Engines engines;
};
BOOST_DESCRIBE_STRUCT(Configuration, (), (http, internal, postgres, redis, engines))

int wrong_usage(const char* text) {
  fmt::print(stderr, "usage: {}\n", text);
  return 2;
}

// For a command: the services with their connections, and no background work.
template <class Run>
int with_platform(Run run) {
  log::start();
  log::set_level(log::Level::warning);
  Platform platform(read_secret());
  const int code = run(platform);
  platform.stop();
  return code;
}

}  // namespace

int migrate(const Arguments& arguments) {
  if (!arguments.empty()) return wrong_usage("souk migrate");
  const auto& admin_url = souk::settings::postgres_url.get();
  for (const auto& database : service_databases(read_secret())) {
    pg::ensure_database(admin_url, database.spec);
    const auto applied = pg::migrate(pg::url_for(admin_url, database.spec), database.migrations);
    for (const auto& name : applied) fmt::print("{}: applied {}\n", database.spec.database, name);
  }
  return 0;
}

int config(const Arguments& arguments) {
  if (arguments != Arguments{"--json"}) return wrong_usage("souk config --json");
  const auto url = [](std::int64_t port) { return fmt::format("http://{}:{}", souk::settings::bind.get(), port); };
  Configuration configuration{.http = url(souk::settings::port.get()),
                              .internal = url(souk::settings::internal_port.get()),
                              .redis = souk::settings::redis_url.get()};
  for (const auto& database : service_databases(read_secret())) {
    configuration.postgres[database.spec.database] = pg::url_for(souk::settings::postgres_url.get(), database.spec);
  }
  fmt::print("{}\n", json::write(configuration));
  return 0;
}

int settings(const Arguments& arguments) {
  if (!arguments.empty()) return wrong_usage("souk settings");
  for (const auto* setting : all_settings()) {
    fmt::print("{}  [{}; default: {}]\n    {}\n", setting->name(), setting->bounds_text(),
               setting->default_text().empty() ? "empty" : setting->default_text(), setting->description());
  }
  return 0;
}

int openapi(const Arguments& arguments) {
  if (!arguments.empty()) return wrong_usage("souk openapi");
  log::set_level(log::Level::error);  // whether Redis can be reached is of no interest here
  Platform platform(std::string(64, '0'));
  http::Router router;
  platform.add_routes(router);
  fmt::print("{}\n", router.openapi(version));
  return 0;
}

int admin(const Arguments& arguments) {
  constexpr auto text =
      "souk admin create-user EMAIL [--first-name NAME] [--last-name NAME] (the password: first line of standard "
      "input)";
  if (arguments.size() < 2 || arguments[0] != "create-user" || arguments.size() % 2 != 0) return wrong_usage(text);
  user::CreateUser request{.account = {.email = arguments[1], .first_name = "Shop", .last_name = "Administrator"}};
  for (std::size_t i = 2; i < arguments.size(); i += 2) {
    if (arguments[i] == "--first-name") {
      request.account.first_name = arguments[i + 1];
    } else if (arguments[i] == "--last-name") {
      request.account.last_name = arguments[i + 1];
    } else {
      return wrong_usage(text);
    }
  }
  std::string password;
  std::getline(std::cin, password);
  request.account.password = password;
  return with_platform([&](Platform& platform) {
    const auto context = Context::background("command", std::chrono::seconds(30));
    const auto made = platform.runtime().block_on(platform.users().create_user(context, request));
    if (!made) {
      fmt::print(stderr, "souk: {}\n", made.error().detail);
      return 1;
    }
    fmt::print("{}\n", made->id.to_string());
    return 0;
  });
}

int import(const Arguments& arguments) {
  return with_platform([&](Platform& platform) {
    return run_import(platform.runtime(), platform.catalog(), platform.inventory(), platform.reviews(), arguments);
  });
}

int reconcile(const Arguments& arguments) {
  return with_platform([&](Platform& platform) {
    return run_reconcile(platform.runtime(), platform.payments(), platform.orders(), arguments);
  });
}

int demo(const Arguments& arguments) {
  return with_platform([&](Platform& platform) {
    return run_demo(platform.runtime(), platform.catalog(), platform.inventory(), platform.reviews(), arguments);
  });
}

}  // namespace souk::commands
