#include "http/server.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/task_group.hpp"
#include "http/connection.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::http {
namespace {

using Tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
using boost::system::error_code;

constexpr auto listen_backlog = 4096;  // the kernel caps it at net.core.somaxconn

void throw_if(const error_code& error, const std::string& what) {
  if (error) throw std::system_error(error.value(), std::generic_category(), what);
}

Acceptor listen(Executor executor, const Tcp::endpoint& endpoint, bool reuse_port, bool listening) {
  Acceptor acceptor(executor);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  throw_if(error, "cannot make a socket");
  acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (reuse_port) acceptor.set_option(ReusePort(true), error);
  throw_if(error, "cannot set options of a listening socket");
  acceptor.bind(endpoint, error);
  throw_if(error, "cannot listen on " + endpoint.address().to_string() + " port " + std::to_string(endpoint.port()));
  if (listening) acceptor.listen(listen_backlog, error);
  throw_if(error, "cannot listen on " + endpoint.address().to_string() + " port " + std::to_string(endpoint.port()));
  return acceptor;
}

// A share of a listening socket that another process opened, and that others may be accepting from as well.
Acceptor share(Executor executor, int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const int copy = ::fcntl(listener, F_DUPFD_CLOEXEC, 0);
  if (copy < 0 || ::getsockname(copy, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot use the listening socket that was handed over");
  }
  Acceptor acceptor(executor);
  acceptor.assign(address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4(), copy);
  return acceptor;
}

std::string address_of(const Socket& socket) {
  error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "";
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

// One worker's share of the server. Its coroutines hold it, so it outlives them.
struct Worker {
  Worker(Executor e, Acceptor a, ConnectionEnvironment shared)
      : executor(e), acceptor(std::move(a)), group(e), environment(std::move(shared)) {}

  Executor executor;
  Acceptor acceptor;
  TaskGroup group;
  ConnectionEnvironment environment;
  std::unordered_set<Connection*> connections;
  metrics::Gauge& open_connections = metrics::gauge("souk_http_connections", "Open connections of clients.");
  metrics::Counter& refused = metrics::counter("souk_http_connections_refused_total",
                                               "Connections closed at once because there were too many.");
  metrics::Counter& evicted =
      metrics::counter("souk_http_connections_evicted_total", "Idle connections closed to make room for others.");
};

Task<> serve(std::shared_ptr<Worker> worker, Socket socket) {
  auto address = address_of(socket);
  Connection connection(std::move(socket), worker->environment, std::move(address));
  worker->connections.insert(&connection);
  worker->open_connections.add(1);
  std::exception_ptr exception;
  try {
    co_await connection.run();
  } catch (...) {
    exception = std::current_exception();
  }
  worker->connections.erase(&connection);
  worker->open_connections.add(-1);
  if (exception) std::rethrow_exception(exception);
}

// Ends some of the connections that are idle for longest, so that one look over all of them serves many new clients.
bool evict_idle(Worker& worker) {
  std::vector<std::pair<Deadline, Connection*>> idle;
  for (auto* connection : worker.connections) {
    if (const auto until = connection->idle_until()) idle.emplace_back(*until, connection);
  }
  if (idle.empty()) return false;
  const auto wanted = std::min(idle.size(), std::max<std::size_t>(1, worker.connections.size() / 64));
  std::ranges::nth_element(idle, idle.begin() + static_cast<std::ptrdiff_t>(wanted - 1));
  for (std::size_t i = 0; i < wanted; ++i) idle[i].second->end_if_idle();
  worker.evicted.add(static_cast<double>(wanted));
  return true;
}

// Whether one more client may come; makes room for it where it can.
Task<bool> has_room(std::shared_ptr<Worker> worker) {
  const auto limit = worker->environment.options.max_connections;
  if (worker->connections.size() < limit) co_return true;
  if (!evict_idle(*worker)) co_return false;
  // What was ended goes as soon as the event loop comes to it.
  for (int turn = 0; turn < 4 && worker->connections.size() >= limit; ++turn) {
    co_await asio::post(worker->executor, use_task);
  }
  co_return worker->connections.size() < limit;
}

Task<> accept_clients(std::shared_ptr<Worker> worker) {
  while (!worker->group.stopping()) {
    auto [error, socket] = co_await worker->acceptor.async_accept(asio::as_tuple(use_task));
    if (!worker->acceptor.is_open()) co_return;
    if (error) {
      // Mostly EMFILE: clients that go away free descriptors.
      log::warning("cannot accept connections", log::kv("what", error.message()));
      co_await worker->group.sleep(std::chrono::milliseconds(100));
    } else if (co_await has_room(worker)) {
      worker->group.spawn("http connection", serve(worker, std::move(socket)));
    } else {
      worker->refused.add();
    }
  }
}

Duration sweep_interval(const ServerOptions& options) {
  const auto shortest = std::min({options.header_timeout, options.body_timeout, options.idle_timeout});
  return std::clamp(shortest / 8, std::chrono::milliseconds(5), std::chrono::milliseconds(500));
}

void sweep_once(Worker& worker) {
  const auto now = Clock::now();
  for (auto* connection : worker.connections) connection->sweep(now);
}

// Ends what takes too long. One look over all connections costs less than a timer that each request sets anew.
Task<> sweep(std::shared_ptr<Worker> worker) {
  const auto interval = sweep_interval(worker->environment.options);
  while (co_await worker->group.sleep(interval)) sweep_once(*worker);
}

void begin_drain(Worker& worker) {
  worker.environment.draining = true;
  worker.group.stop();
  error_code ignored;
  worker.acceptor.close(ignored);
  for (auto* connection : worker.connections) connection->end_if_idle();
}

void abort_connections(Worker& worker) {
  for (auto* connection : worker.connections) connection->abort();
}

// Looks now and then: it ends within milliseconds of the last connection, and happens once. The worker's own sweep has
// stopped, so that slow clients are ended from here.
Task<bool> wait_for_end(std::shared_ptr<Worker> worker, Deadline deadline) {
  Timer timer(co_await asio::this_coro::executor);
  while (worker->group.size() > 0 && Clock::now() < deadline) {
    asio::post(worker->executor, [worker] { sweep_once(*worker); });
    timer.expires_after(std::chrono::milliseconds(5));
    co_await timer.async_wait(use_task);
  }
  co_return worker->group.size() == 0;
}

}  // namespace

struct Server::Impl {
  std::vector<std::shared_ptr<Worker>> workers;
  std::uint16_t port = 0;
};

Server::Server(Runtime& runtime, ServerOptions options, std::function<Task<Response>(Request)> handler)
    : impl_(std::make_unique<Impl>()) {
  error_code error;
  const bool handed_over = options.listener >= 0;
  const auto address = asio::ip::make_address(options.address, error);
  throw_if(error, "\"" + options.address + "\" is not an IP address");
  Tcp::endpoint endpoint(address, options.port);
  // SO_REUSEPORT would share the port with another Souk of the same user; a socket without it finds the port taken.
  if (!handed_over && options.port != 0) listen(runtime.executor(0), endpoint, false, false);
  for (std::size_t i = 0; i < runtime.size(); ++i) {
    auto acceptor =
        handed_over ? share(runtime.executor(i), options.listener) : listen(runtime.executor(i), endpoint, true, true);
    endpoint.port(acceptor.local_endpoint().port());
    impl_->workers.push_back(std::make_shared<Worker>(runtime.executor(i), std::move(acceptor),
                                                      ConnectionEnvironment{.options = options, .handler = handler}));
  }
  impl_->port = endpoint.port();
  for (auto& worker : impl_->workers) {
    worker->group.spawn("http acceptor", accept_clients(worker));
    worker->group.spawn("http sweep", sweep(worker));
  }
}

Server::~Server() {
  for (auto& worker : impl_->workers) {
    asio::post(worker->executor, [worker] {
      begin_drain(*worker);
      abort_connections(*worker);
    });
  }
  if (on_worker()) return;
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  for (auto& worker : impl_->workers) {
    while (worker->group.size() > 0 && Clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

std::uint16_t Server::port() const { return impl_->port; }

Task<> Server::drain(std::chrono::milliseconds limit) {
  const auto workers = impl_->workers;
  const auto deadline = Clock::now() + limit;
  for (const auto& worker : workers) {
    asio::post(worker->executor, [worker] { begin_drain(*worker); });
  }
  for (const auto& worker : workers) {
    if (co_await wait_for_end(worker, deadline)) continue;
    log::warning("connections are cut: their requests did not end in time",
                 log::kv("connections", worker->group.size()));
    asio::post(worker->executor, [worker] { abort_connections(*worker); });
    co_await wait_for_end(worker, Clock::now() + std::chrono::seconds(1));
  }
}

}  // namespace souk::http
