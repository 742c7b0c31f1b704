#include "redis/client.hpp"

#include <openssl/evp.h>
#include <signal.h>

#include <array>
#include <boost/asio/co_spawn.hpp>

#include "core/crypto.hpp"
#include "redis/connection.hpp"
#include "telemetry/trace.hpp"

namespace souk::redis {

std::optional<std::string> Reply::optional_text() const {
  if (is_nil()) return std::nullopt;
  if (type != Type::text) throw Error("Redis: a text was expected");
  return text;
}

Script::Script(std::string text) : text_(std::move(text)) {
  std::array<std::uint8_t, 20> digest;
  if (EVP_Digest(text_.data(), text_.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1) {
    throw std::runtime_error("SHA-1 failed");
  }
  sha1_ = hex(digest);
}

struct Client::Impl {
  Impl(Runtime& r, const Target& target) : runtime(r) {
    for (std::size_t i = 0; i < runtime.size(); ++i) {
      connections.push_back(std::make_shared<Connection>(runtime.executor(i), target));
    }
  }

  Connection& here() { return *connections[this_worker()]; }

  Runtime& runtime;
  std::vector<std::shared_ptr<Connection>> connections;
  bool closed = false;
};

namespace {

Task<Reply> run_script(Connection& connection, Deadline deadline, const Script& script,
                       std::vector<std::string> keys_and_arguments) {
  std::vector<std::string> by_hash = keys_and_arguments;
  by_hash[0] = "EVALSHA";
  by_hash[1] = script.sha1();
  try {
    co_return co_await connection.execute(deadline, std::move(by_hash));
  } catch (const Error& e) {
    if (!std::string_view(e.what()).starts_with("NOSCRIPT")) throw;
  }
  // A Redis that was restarted or flushed does not know the script; nothing of it has run.
  keys_and_arguments[0] = "EVAL";
  keys_and_arguments[1] = script.text();
  co_return co_await connection.execute(deadline, std::move(keys_and_arguments));
}

Task<Reply> execute_traced(Connection& connection, Context context, std::vector<std::string> arguments) {
  const trace::Span span(context, trace::Kind::client, "redis", arguments.empty() ? "" : arguments.front());
  co_return co_await connection.execute(context.deadline(), std::move(arguments));
}

Task<Reply> run_traced(Connection& connection, Context context, const Script& script,
                       std::vector<std::string> arguments) {
  const trace::Span span(context, trace::Kind::client, "redis", "EVALSHA");
  co_return co_await run_script(connection, context.deadline(), script, std::move(arguments));
}

Task<> close_one(std::shared_ptr<Connection> connection) { co_await connection->close(); }

}  // namespace

Client::Client(Runtime& runtime, std::string url) : impl_(std::make_unique<Impl>(runtime, parse_url(url))) {
  // hiredis writes with write(2): without this a peer that has gone would end the process.
  ::signal(SIGPIPE, SIG_IGN);
  for (auto& connection : impl_->connections) connection->start();
}

Client::~Client() {
  if (impl_->closed) return;
  for (auto& connection : impl_->connections) connection->abandon();
}

Task<Reply> Client::command(Context context, std::vector<std::string> arguments) {
  if (trace::enabled()) return execute_traced(impl_->here(), std::move(context), std::move(arguments));
  return impl_->here().execute(context.deadline(), std::move(arguments));
}

Task<Reply> Client::eval(Context context, const Script& script, std::vector<std::string> keys,
                         std::vector<std::string> arguments) {
  std::vector<std::string> all;
  all.reserve(keys.size() + arguments.size() + 3);
  all.resize(2);
  all.push_back(std::to_string(keys.size()));
  for (auto& key : keys) all.push_back(std::move(key));
  for (auto& argument : arguments) all.push_back(std::move(argument));
  if (trace::enabled()) return run_traced(impl_->here(), std::move(context), script, std::move(all));
  return run_script(impl_->here(), context.deadline(), script, std::move(all));
}

Task<> Client::ping(Context context) {
  std::vector<std::string> arguments = {"PING"};
  co_await command(std::move(context), std::move(arguments));
}

Task<> Client::close() {
  for (auto& connection : impl_->connections) {
    const auto worker = static_cast<std::size_t>(&connection - impl_->connections.data());
    co_await asio::co_spawn(impl_->runtime.executor(worker), close_one(connection), use_task);
  }
  impl_->closed = true;
}

}  // namespace souk::redis
