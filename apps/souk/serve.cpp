#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "commands.hpp"
#include "databases.hpp"
#include "gateway/gateway.hpp"
#include "gateway/load.hpp"
#include "gateway/operations.hpp"
#include "http/otlp.hpp"
#include "http/server.hpp"
#include "platform.hpp"
#include "settings.hpp"
#include "telemetry/log.hpp"
#include "version.hpp"

namespace souk::commands {
namespace {

// SIGTERM and SIGINT wait for sigwait() in the main thread; blocked before any thread starts, so that all inherit it.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

Caller caller_of(const session::Session& session) {
  return Caller{.kind = session.role == session::Role::admin ? Caller::Kind::admin : Caller::Kind::customer,
                .user_id = session.user_id,
                .email = session.email,
                .session_id = session.id};
}

Task<Result<Caller>> authenticate(session::Api& sessions, Context context, std::string token) {
  SOUK_CO_TRY(const auto session, co_await sessions.authenticate(std::move(context), {std::move(token)}));
  co_return caller_of(session);
}

// Files that are no connections of clients: databases, Redis, logs, calls to others.
constexpr std::size_t other_files = 512;

// As many files as the system lets this process have; returns how many.
std::size_t raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Of one worker, within what the limit of open files allows.
std::size_t connections_a_worker(std::size_t workers) {
  const auto files = raise_file_limit();
  const auto wanted = static_cast<std::size_t>(settings::max_connections.get());
  const auto possible = files > 2 * other_files ? files - other_files : files / 2;
  if (possible < wanted) {
    log::warning("the limit of open files allows fewer connections than SOUK_MAX_CONNECTIONS",
                 log::kv("connections", possible));
  }
  return std::max<std::size_t>(1, std::min(wanted, possible) / workers);
}

http::ServerOptions options_for(std::int64_t port) {
  return {.address = settings::bind.get(), .port = static_cast<std::uint16_t>(port)};
}

// The background work of a platform for as long as this lives: also where the servers cannot start.
class Running {
 public:
  explicit Running(Platform& platform) : platform_(platform) { platform_.start(); }
  ~Running() { platform_.stop(); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Platform& platform_;
};

void announce() {
  const auto url = [](std::int64_t port) { return fmt::format("http://{}:{}", settings::bind.get(), port); };
  log::info("ready", log::kv("http", url(settings::port.get())),
            log::kv("internal", url(settings::internal_port.get())));
}

}  // namespace

int serve(const Arguments& arguments) {
  if (!arguments.empty()) {
    fmt::print(stderr, "usage: souk serve\n");
    return 2;
  }
  const auto signals = block_stop_signals();
  log::start();
  Platform platform(read_secret());

  http::Router routes;
  platform.add_routes(routes);
  gateway::Gateway gateway(
      routes,
      [&platform](Context context, std::string token) {
        return authenticate(platform.sessions(), std::move(context), std::move(token));
      },
      gateway::Options::from_settings(std::string(version)));
  http::Router operations;
  gateway::add_operations_routes(operations, platform.readiness_checks());

  // Its last spans are sent after the last request.
  const http::OtlpExporter exporter(platform.runtime(),
                                    http::OtlpExporter::Options::from_settings(std::string(version)));
  // Before the first request, which may need what start() prepares.
  const Running running(platform);
  gateway::LoadMonitor load(platform.runtime(), {.target = settings::shed_delay.get()});
  gateway.watch(load);
  auto public_options = options_for(settings::port.get());
  public_options.max_connections = connections_a_worker(platform.runtime().size());
  public_options.refuse = [&gateway](http::Method method, std::string_view target) {
    return gateway.turns_away(method, target);
  };
  public_options.body_limit = [&routes](http::Method method, std::string_view target) {
    return routes.body_limit(method, target);
  };
  http::Server public_server(platform.runtime(), public_options, gateway.handler());
  http::Server internal_server(platform.runtime(), options_for(settings::internal_port.get()),
                               gateway::internal_handler(operations, settings::internal_key.get()));
  announce();

  int signal = 0;
  sigwait(&signals, &signal);
  log::info("draining", log::kv("signal", signal));
  platform.runtime().block_on(public_server.drain(settings::drain_limit.get()));
  platform.runtime().block_on(internal_server.drain(std::chrono::seconds(1)));
  return 0;
}

}  // namespace souk::commands
