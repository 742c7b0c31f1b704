#include "http/client.hpp"

#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include "core/blocking_pool.hpp"
#include "http/client_connection.hpp"
#include "http/trace.hpp"
#include "http/url.hpp"
#include "telemetry/trace.hpp"

namespace souk::http {
namespace {

bool breaks_line(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  if (breaks_line(name) || breaks_line(value)) throw std::invalid_argument("a header with a line break");
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

bool has_header(const Headers& headers, std::string_view name) {
  return std::ranges::any_of(headers, [name](const auto& header) { return equal_ignoring_case(header.first, name); });
}

// The whole request, ready to be sent.
std::string message(const Context& context, const std::string& trace, const Url& url, const ClientRequest& request) {
  std::string out(json::enum_name(request.method));
  out += " " + url.target + " HTTP/1.1\r\n";
  add_header(out, "Host", url.authority);
  for (const auto& [name, value] : request.headers) add_header(out, name, value);
  if (!has_header(request.headers, "User-Agent")) add_header(out, "User-Agent", "souk");
  if (!context.request_id().empty() && !has_header(request.headers, "X-Request-Id")) {
    add_header(out, "X-Request-Id", context.request_id());
  }
  if (!trace.empty()) add_header(out, "traceparent", trace);
  if (!request.body.empty() && !has_header(request.headers, "Content-Type")) {
    add_header(out, "Content-Type", "application/json");
  }
  if (!request.body.empty() || request.method != Method::GET) {
    add_header(out, "Content-Length", std::to_string(request.body.size()));
  }
  out += "\r\n";
  return out + request.body;
}

using ConnectionPointer = std::shared_ptr<ClientConnection>;

struct Host {
  std::vector<ConnectionPointer> idle;  // the last used at the end
  std::size_t open = 0;                 // in use
};

// A connection in use; its place at the host is given back with it.
class Lease {
 public:
  explicit Lease(Host& host) : host_(host) { ++host_.open; }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { --host_.open; }

 private:
  Host& host_;
};

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

struct Client::Impl {
  Impl(std::size_t workers, ClientOptions o) : options(std::move(o)), hosts(workers) {}

  // Made at the first call by https: reading the system's authorities takes 80 ms.
  asio::ssl::context& tls() {
    std::call_once(tls_made, [this] {
      tls_context.emplace(asio::ssl::context::tls_client);
      tls_context->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
      if (options.ca_file.empty()) {
        tls_context->set_default_verify_paths();
      } else {
        tls_context->load_verify_file(options.ca_file);
      }
    });
    return *tls_context;
  }

  // An idle connection that can be used, or null.
  ConnectionPointer take(Host& host) {
    while (!host.idle.empty()) {
      auto connection = std::move(host.idle.back());
      host.idle.pop_back();
      if (Clock::now() - connection->idle_since < options.idle_timeout && connection->reusable()) return connection;
    }
    return nullptr;
  }

  void keep(Host& host, ConnectionPointer connection) const {
    const auto now = Clock::now();
    std::erase_if(host.idle, [&](const auto& idle) { return now - idle->idle_since >= options.idle_timeout; });
    if (host.idle.size() >= options.max_idle || !connection->reusable()) return;
    connection->idle_since = now;
    host.idle.push_back(std::move(connection));
  }

  ClientOptions options;
  std::once_flag tls_made;
  std::optional<asio::ssl::context> tls_context;
  std::vector<std::map<std::string, Host>> hosts;  // by worker, by scheme and authority; touched by that worker alone
};

Client::Client(Runtime& runtime, ClientOptions options)
    : impl_(std::make_unique<Impl>(runtime.size(), std::move(options))) {}

Client::~Client() = default;

Task<ClientResponse> Client::fetch(Context context, ClientRequest request) {
  const auto url = Url::parse(request.url);
  if (!url) throw std::invalid_argument("not an http or https URL: " + request.url);
  const trace::Span span(context, trace::Kind::client, json::enum_name(request.method), url->authority);
  // The call's span is the parent there; without one, the parent is somebody whom nobody knows.
  const auto trace = span ? span.context(context).traceparent() : child_traceparent(context.traceparent());
  const auto text = message(context, trace, *url, request);
  const auto deadline = std::min(context.deadline(), Clock::now() + request.timeout);
  auto& host = impl_->hosts[this_worker()][(url->tls ? "https " : "http ") + url->authority];
  if (host.open >= impl_->options.max_connections) throw Overloaded("too many calls to " + url->authority);
  const Lease lease(host);
  for (;;) {
    if (Clock::now() >= deadline) throw Unavailable("no time left to call " + url->authority);
    auto connection = request.own_connection ? nullptr : impl_->take(host);
    const bool reused = connection != nullptr;
    if (!reused) {
      connection = std::make_shared<ClientConnection>(co_await asio::this_coro::executor);
      auto* tls = url->tls ? &impl_->tls() : nullptr;
      co_await connection->open(*url, tls, std::min(deadline, Clock::now() + impl_->options.connect_timeout));
    }
    auto outcome = co_await connection->exchange(text, request.max_reply, deadline);
    if (outcome.response) {
      impl_->keep(host, std::move(connection));
      co_return *std::move(outcome.response);
    }
    // A peer may close an idle connection just when it is used again. Asking anew is harmless for a GET; whether
    // another method was carried out cannot be known.
    if (reused && !outcome.any_reply && request.method == Method::GET && Clock::now() < deadline) continue;
    throw UnknownOutcome("call to " + url->authority + " failed: " + outcome.what);
  }
}

}  // namespace souk::http
