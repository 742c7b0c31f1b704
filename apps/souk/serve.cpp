#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <map>
#include <optional>

#include "commands.hpp"
#include "databases.hpp"
#include "gateway/gateway.hpp"
#include "gateway/load.hpp"
#include "gateway/operations.hpp"
#include "handover.hpp"
#include "http/otlp.hpp"
#include "http/server.hpp"
#include "platform.hpp"
#include "rpc/wire.hpp"
#include "settings.hpp"
#include "supervisor.hpp"
#include "telemetry/log.hpp"
#include "telemetry/process.hpp"
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

http::ServerOptions options_for(std::int64_t port, const std::map<std::string, int>& listeners, const char* name) {
  http::ServerOptions options{.address = settings::bind.get(), .port = static_cast<std::uint16_t>(port)};
  if (const auto found = listeners.find(name); found != listeners.end()) options.listener = found->second;
  return options;
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

Task<bool> passes(const gateway::ReadinessCheck& check) {
  try {
    co_await check.check(Context::background("readiness", std::chrono::seconds(2)));
    co_return true;
  } catch (const std::exception&) {
    co_return false;
  }
}

// Waits until everything that this process needs is there, for as long as nobody wants it to stop.
Task<> wait_until_ready(const std::vector<gateway::ReadinessCheck>& checks, const std::atomic<bool>& stopping) {
  Timer timer(co_await asio::this_coro::executor);
  for (const auto& check : checks) {
    while (!stopping && !co_await passes(check)) {
      timer.expires_after(std::chrono::milliseconds(50));
      co_await timer.async_wait(use_task);
    }
  }
  if (!stopping) handover::notify_ready();
}

// The public port, where it is this process that has it.
class PublicPort {
 public:
  PublicPort(Platform& platform, const std::map<std::string, int>& listeners)
      : gateway_(
            added(platform, routes_),
            [&platform](Context context, std::string token) {
              return authenticate(platform.sessions(), std::move(context), std::move(token));
            },
            gateway::Options::from_settings(std::string(version))),
        options_(options_for(settings::port.get(), listeners, "public")) {
    options_.body_limit = [this](http::Method method, std::string_view target) {
      return routes_.body_limit(method, target);
    };
  }

  // After the background work was started: the first request may need what that prepares.
  void open(Runtime& runtime) {
    load_.emplace(runtime, gateway::Shedding::Limits{.target = settings::shed_delay.get()});
    gateway_.watch(*load_);
    options_.max_connections = connections_a_worker(runtime.size());
    options_.refuse = [this](http::Method method, std::string_view target) {
      return gateway_.turns_away(method, target);
    };
    server_.emplace(runtime, options_, gateway_.handler());
  }
  http::Server& server() { return *server_; }

 private:
  static http::Router& added(Platform& platform, http::Router& routes) {
    platform.add_routes(routes);
    return routes;
  }

  http::Router routes_;
  gateway::Gateway gateway_;
  http::ServerOptions options_;
  std::optional<gateway::LoadMonitor> load_;
  std::optional<http::Server> server_;
};

int serve_here(const Placement& placement) {
  const auto signals = block_stop_signals();
  metrics::publish_process();
  const auto listeners = handover::listeners();
  Platform platform(read_secret(), placement);
  std::optional<PublicPort> public_port;
  if (placement.gateway) public_port.emplace(platform, listeners);
  http::Router internal_routes;
  platform.expose(internal_routes);
  const auto checks = platform.readiness_checks();
  gateway::add_operations_routes(internal_routes, checks);

  // Its last spans are sent after the last request.
  const http::OtlpExporter exporter(platform.runtime(),
                                    http::OtlpExporter::Options::from_settings(std::string(version)));
  const Running running(platform);
  if (public_port) public_port->open(platform.runtime());
  auto internal_options = options_for(settings::internal_port.get(), listeners, "internal");
  internal_options.max_body = rpc::largest_request;
  internal_options.body_limit = [&internal_routes](http::Method method, std::string_view target) {
    return internal_routes.body_limit(method, target);
  };
  http::Server internal_server(platform.runtime(), internal_options,
                               gateway::internal_handler(internal_routes, settings::internal_key.get()));
  announce();
  std::atomic<bool> stopping = false;
  auto ready = std::async(std::launch::async, [&] { platform.runtime().block_on(wait_until_ready(checks, stopping)); });

  int signal = 0;
  sigwait(&signals, &signal);
  log::info("draining", log::kv("signal", signal));
  stopping = true;
  ready.wait();
  if (public_port) platform.runtime().block_on(public_port->server().drain(settings::drain_limit.get()));
  platform.runtime().block_on(internal_server.drain(settings::drain_limit.get()));
  return 0;
}

}  // namespace

int serve(const Arguments& arguments) {
  log::start();
  if (arguments.empty()) return serve_here(Placement::everything());
  if (arguments == Arguments{"--split"}) return supervise();
  if (arguments.size() == 2 && arguments[0] == "--only") {
    std::optional<Placement> placement;
    try {
      placement = Placement::parse(arguments[1]);
    } catch (const std::invalid_argument& e) {
      fmt::print(stderr, "souk: {}\n", e.what());
      return 2;
    }
    log::set_process(arguments[1]);
    return serve_here(*placement);
  }
  fmt::print(stderr, "usage: souk serve [--split | --only NAME[,NAME...]]\n");
  return 2;
}

}  // namespace souk::commands
