#include "redis/connection.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/random.hpp"
#include "core/report.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::redis {
namespace {

constexpr Duration connect_limit = std::chrono::milliseconds(250);
constexpr Duration command_limit = std::chrono::seconds(1);
constexpr Duration shortest_pause = std::chrono::milliseconds(20);
constexpr Duration longest_pause = std::chrono::seconds(1);
constexpr std::size_t most_waiting = 16'384;

struct Metrics {
  metrics::Counter& answered = commands("ok");
  metrics::Counter& refused = commands("refused");
  metrics::Counter& unavailable = commands("unavailable");
  metrics::Histogram& seconds =
      metrics::histogram("souk_redis_command_seconds", "Time from a Redis command to its reply.");
  metrics::Gauge& connected = metrics::gauge("souk_redis_connected", "Workers that are connected to Redis.");

  static metrics::Counter& commands(const std::string& outcome) {
    return metrics::counter("souk_redis_commands_total", "Redis commands by outcome.", {{"outcome", outcome}});
  }
  static Metrics& get() {
    static Metrics instance;
    return instance;
  }
};

// hiredis takes these out of the order of replies; nothing here is made for that.
bool subscribes(const std::string& command) {
  static constexpr std::array names = {"SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "MONITOR"};
  return std::ranges::any_of(names, [&](const char* name) { return ::strcasecmp(name, command.c_str()) == 0; });
}

// Somewhere between half the pause and the whole, so that workers and processes do not come back all at once.
Duration jittered(Duration pause) {
  const auto half = pause / 2;
  return half + Duration(static_cast<Duration::rep>(random_below(static_cast<std::uint64_t>(half.count()) + 1)));
}

}  // namespace

Connection::Connection(Executor executor, Target target)
    : executor_(executor), target_(std::move(target)), group_(executor), settling_(executor) {
  settling_.expires_at(Deadline::max());
}

void Connection::start() { group_.spawn("redis connection", run(shared_from_this())); }

Task<> Connection::run(std::shared_ptr<Connection> self) { co_await self->keep_connected(); }

Task<> Connection::keep_connected() {
  auto pause = shortest_pause;
  while (!group_.stopping()) {
    if (co_await connect()) {
      pause = shortest_pause;
      ready_ = true;
      settle();
      Metrics::get().connected.add(1);
      log::info("connected to Redis", log::kv("redis", target_.name()));
      co_await link_->closed();
      ready_ = false;
      reason_ = link_->reason();
      Metrics::get().connected.add(-1);
      if (!group_.stopping()) log::warning("connection to Redis lost", log::kv("reason", reason_));
    } else if (!settled_ && !group_.stopping()) {
      log::warning("Redis cannot be reached", log::kv("redis", target_.name()), log::kv("reason", reason_));
    }
    settle();
    if (!co_await group_.sleep(jittered(pause))) break;
    pause = std::min(pause * 2, longest_pause);
  }
}

Task<bool> Connection::connect() {
  try {
    for (auto& address : co_await addresses()) {
      if (group_.stopping()) co_return false;
      if (co_await connect_to(std::move(address))) co_return true;
    }
  } catch (const std::exception& e) {
    reason_ = e.what();
  }
  co_return false;
}

Task<std::vector<Address>> Connection::addresses() {
  if (!target_.path.empty()) co_return std::vector{Address{.path = target_.path}};
  boost::system::error_code error;
  const auto literal = asio::ip::make_address(target_.host, error);
  if (!error) co_return std::vector{Address{.ip = literal.to_string(), .port = target_.port}};
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(executor_);
  const auto found = co_await resolver.async_resolve(target_.host, std::to_string(target_.port), use_task);
  std::vector<Address> all;
  for (const auto& entry : found) {
    all.push_back({.ip = entry.endpoint().address().to_string(), .port = entry.endpoint().port()});
  }
  co_return all;
}

Task<bool> Connection::connect_to(Address address) {
  link_ = std::make_shared<Link>(executor_);
  if (!co_await link_->connect(std::move(address), connect_limit)) {
    reason_ = link_->reason();
    co_return false;
  }
  try {
    co_await greet();
    co_return link_->open();
  } catch (const std::exception& e) {
    reason_ = e.what();
  }
  link_->drop(reason_);
  co_return false;
}

// Enters the database, and asks for one answer: a socket that accepts is not yet a Redis that serves.
Task<> Connection::greet() {
  const auto deadline = Clock::now() + command_limit;
  if (!target_.password.empty()) {
    std::vector<std::string> auth = {"AUTH"};
    if (!target_.user.empty()) auth.push_back(target_.user);
    auth.push_back(target_.password);
    co_await exchange(link_, deadline, std::move(auth));
  }
  if (target_.database != 0) {
    std::vector<std::string> select = {"SELECT", std::to_string(target_.database)};
    co_await exchange(link_, deadline, std::move(select));
  }
  std::vector<std::string> ping = {"PING"};
  co_await exchange(link_, deadline, std::move(ping));
}

Task<Reply> Connection::exchange(std::shared_ptr<Link> link, Deadline deadline, std::vector<std::string> arguments) {
  auto send = [&link, &arguments, deadline](auto handler) { link->send(arguments, deadline, std::move(handler)); };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(std::exception_ptr, Reply)>(
      std::move(send), use_task);
}

Task<Reply> Connection::execute(Deadline deadline, std::vector<std::string> arguments) {
  if (arguments.empty() || subscribes(arguments.front())) throw std::logic_error("no command for a shared connection");
  auto& metrics = Metrics::get();
  if (!settled_) co_await settled();
  const auto started = Clock::now();
  try {
    if (!ready_) throw Unavailable("Redis is not connected: " + reason_);
    if (deadline <= started) throw Unavailable("Redis: no time left to ask");
    if (link_->waiting() >= most_waiting) throw Unavailable("Redis: too many commands wait");
    auto reply = co_await exchange(link_, std::min(deadline, started + command_limit), std::move(arguments));
    metrics.answered.add();
    metrics.seconds.observe(std::chrono::duration<double>(Clock::now() - started).count());
    co_return reply;
  } catch (const Unavailable&) {
    metrics.unavailable.add();
    throw;
  } catch (const Error&) {
    metrics.refused.add();
    throw;
  }
}

// The attempt is bounded by connect_limit and command_limit, and so is this.
Task<> Connection::settled() {
  boost::system::error_code ignored;
  co_await settling_.async_wait(asio::redirect_error(use_task, ignored));
}

void Connection::settle() {
  settled_ = true;
  settling_.cancel();
}

Task<> Connection::close() {
  group_.stop();
  if (link_) link_->drop("the client is closed");
  settle();
  co_await group_.drain();
  reason_ = "the client is closed";
}

void Connection::abandon() {
  asio::post(executor_, [self = shared_from_this()] {
    self->group_.stop();
    if (self->link_) self->link_->drop("the client is gone");
    self->settle();
  });
}

}  // namespace souk::redis
