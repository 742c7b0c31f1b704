#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <map>

#include "commands.hpp"
#include "core/failpoint.hpp"
#include "core/settings.hpp"
#include "settings.hpp"
#include "telemetry/log.hpp"
#include "version.hpp"

namespace souk {
namespace {

struct Command {
  int (*run)(const commands::Arguments&);
  const char* help;
};

const std::map<std::string, Command>& all_commands() {
  static const std::map<std::string, Command> words{
      {"serve", {commands::serve, "[--split | --only NAME,...]: runs the platform until SIGTERM or Ctrl-C"}},
      {"migrate", {commands::migrate, "creates roles and databases and brings their tables up to date"}},
      {"import", {commands::import, "products FILE [--stock N] | reviews FILE: loads JSON Lines, .gz too"}},
      {"reconcile",
       {commands::reconcile,
        "[--since 48h] [--dry-run] [--json]: compares our payments with the gateways' books and repairs what is safe"}},
      {"demo", {commands::demo, "loads the demo catalogue, once"}},
      {"admin", {commands::admin, "create-user EMAIL [--first-name N] [--last-name N]: makes an administrator"}},
      {"audit", {commands::audit, "[--json]: checks what must hold in the books; 1 when something does not"}},
      {"config", {commands::config, "--json: addresses and databases as they are configured"}},
      {"settings", {commands::settings, "explains every setting"}},
      {"openapi", {commands::openapi, "prints the OpenAPI document"}},
  };
  return words;
}

int usage() {
  fmt::print(stderr, "usage: souk WORD ...\n");
  for (const auto& [word, command] : all_commands()) fmt::print(stderr, "  {:9} {}\n", word, command.help);
  fmt::print(stderr, "  {:9} prints the version\n", "version");
  return 2;
}

int run(int count, char** values) {
  if (count < 2) return usage();
  const std::string word = values[1];
  if (word == "version" || word == "--version") {
    fmt::print("souk {}\n", version);
    return 0;
  }
  const auto found = all_commands().find(word);
  if (found == all_commands().end()) return usage();
  const auto problems = load_settings(environ, {"SOUK_SHARED", "SOUK_SHARED_DATA"});
  for (const auto& problem : problems) fmt::print(stderr, "souk: {}\n", problem);
  if (!problems.empty()) return 1;
  if (!settings::failpoint.get().empty()) arm_failpoints(settings::failpoint.get());
  return found->second.run(commands::Arguments(values + 2, values + count));
}

}  // namespace
}  // namespace souk

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const int code = souk::run(count, values);
    souk::log::stop();
    return code;
  } catch (const std::exception& e) {
    souk::log::stop();
    fmt::print(stderr, "souk: {}\n", e.what());
    return 1;
  }
}
