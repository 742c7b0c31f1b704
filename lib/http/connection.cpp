#include "http/connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>

#include "core/report.hpp"
#include "http/trace.hpp"
#include "http/url.hpp"
#include "telemetry/log.hpp"

namespace souk::http {
namespace {

constexpr std::size_t first_buffer = 4 * 1024;
// What is read and thrown away after a refusal, so that the client sees the reply and not a reset.
constexpr std::size_t discarded_at_most = 1024 * 1024;
constexpr auto first_request_time = std::chrono::milliseconds(250);  // while draining
constexpr auto discard_time = std::chrono::seconds(2);
// Framing of a chunked body may weigh so much more than its bytes.
constexpr std::size_t framing_factor = 8;

using boost::system::error_code;

Response refusal(const Refused& refused, std::string_view request_id) {
  const Problem body{.type = "urn:souk:problem:" + refused.code,
                     .title = std::string(reason_of(refused.status)),
                     .status = refused.status,
                     .detail = refused.detail,
                     .code = refused.code,
                     .request_id = std::string(request_id)};
  Response response{.status = refused.status, .content_type = "application/problem+json", .body = json::write(body)};
  if (refused.retry_after_s > 0) response.with_header("Retry-After", std::to_string(refused.retry_after_s));
  return response;
}

Refused overloaded() { return {503, "overloaded", "Too many requests at once; try again shortly.", 1}; }

Refused too_slow() { return {408, "request.timeout", "The request did not arrive in time."}; }

}  // namespace

Connection::Connection(Socket socket, const ConnectionEnvironment& environment, std::string client_address)
    : socket_(std::move(socket)),
      environment_(environment),
      client_address_(std::move(client_address)),
      parser_({.fields = environment.options.max_header_fields, .target = environment.options.max_target}),
      scanner_({.bytes = environment.options.max_header_bytes, .target = environment.options.max_target}) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

void Connection::enter(Phase phase, Duration limit) {
  phase_ = phase;
  timed_out_ = false;
  deadline_ = limit == Duration::max() ? Deadline::max() : Clock::now() + limit;
}

void Connection::sweep(Deadline now) {
  if (now < deadline_) return;
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

std::optional<Deadline> Connection::idle_until() const {
  return phase_ == Phase::idle ? std::optional(deadline_) : std::nullopt;
}

void Connection::end_if_idle() {
  if (phase_ != Phase::idle) return;
  if (!served_ && environment_.draining) return enter(Phase::idle, first_request_time);
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::abort() {
  error_code ignored;
  socket_.close(ignored);
}

void Connection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

// False when nothing more comes: end, error or timeout.
Task<bool> Connection::read_more() {
  if (end_ == buffer_.size()) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(std::max(first_buffer, end_ * 2));
  }
  const auto [error, bytes] = co_await socket_.async_read_some(
      asio::buffer(buffer_.data() + end_, buffer_.size() - end_), asio::as_tuple(use_task));
  end_ += bytes;
  ended_ = bool(error);
  co_return !error;
}

Task<> Connection::run() {
  bool more = true;
  while (more) more = co_await exchange();
  co_await close();
}

// One request and its reply; false when it was the last.
Task<bool> Connection::exchange() {
  request_id_.clear();
  const auto refused = co_await read_request();
  served_ = true;
  if (ended_ && !refused) co_return false;
  if (request_id_.empty()) request_id_ = request_id_or_new("");
  unread_ = refused.has_value();
  enter(Phase::handling, Duration::max());
  const auto response = refused ? refusal(*refused, request_id_) : co_await answer();
  const auto& head = parser_.head();
  const bool keep_alive = !refused && head.keep_alive && !environment_.draining;
  out_.clear();
  const auto rest = write_response(
      out_, response,
      {.keep_alive = keep_alive, .http_10 = head.version == 10, .is_head = head.is_head, .request_id = request_id_});
  const bool sent = co_await send(rest);
  co_return sent&& keep_alive;
}

// Nothing when the request is complete in request_, or when ended_.
Task<std::optional<Refused>> Connection::read_request() {
  const auto& options = environment_.options;
  parser_.reset();
  scanner_.reset();
  if (buffered().empty() && buffer_.size() > first_buffer) buffer_ = std::string();  // idle ones should be small
  const Duration idle_time = environment_.draining ? Duration(first_request_time) : Duration(options.idle_timeout);
  enter(buffered().empty() ? Phase::idle : Phase::head, buffered().empty() ? idle_time : options.header_timeout);
  for (;;) {
    while (buffered().starts_with("\r\n")) consume(2);  // RFC 9112 section 2.2: empty lines before a request
    const auto size = scanner_.scan(buffered());
    if (!size) co_return size.error();
    if (*size) {
      auto refused = parser_.parse_head(buffered().substr(0, **size));
      consume(**size);
      if (refused) co_return refused;
      break;
    }
    if (phase_ == Phase::idle && environment_.draining && served_) {
      ended_ = true;
      co_return std::nullopt;
    }
    if (!co_await read_more()) {
      if (timed_out_ && phase_ == Phase::head) co_return too_slow();
      co_return std::nullopt;
    }
    if (phase_ == Phase::idle) enter(Phase::head, options.header_timeout);
  }
  if (auto refused = accept_head()) co_return refused;
  if (parser_.done()) co_return std::nullopt;
  co_return co_await read_body();
}

// What can be said before the body: the id, the URL, the body's limit.
std::optional<Refused> Connection::accept_head() {
  auto& head = parser_.head();
  request_ = Request{};
  request_.method = head.method;
  request_.headers = std::move(head.headers);
  request_.target = std::move(head.target);
  request_.client_address = client_address_;
  request_id_ = request_id_or_new(request_.header("X-Request-Id"));
  auto path = percent_decode(path_of(request_.target));
  auto query = parse_query(query_of(request_.target));
  if (!path || !query) {
    return Refused{400, "request.bad_url", "The URL has bad escapes, is not UTF-8, or has too many parameters."};
  }
  request_.path = *std::move(path);
  request_.query = *std::move(query);
  const auto& options = environment_.options;
  body_limit_ = options.max_body;
  const bool has_body = head.chunked || head.content_length > 0;
  if (has_body && options.body_limit)
    body_limit_ = std::min(body_limit_, options.body_limit(request_.method, request_.target));
  body_bytes_ = 0;
  return parser_.limit_body(body_limit_);
}

Task<std::optional<Refused>> Connection::read_body() {
  enter(Phase::body, environment_.options.body_timeout);
  const auto turned_away = [this] {
    return environment_.options.refuse && environment_.options.refuse(request_.method, request_.target);
  };
  if (buffered().empty() && turned_away()) co_return overloaded();
  if (parser_.head().expects_continue && buffered().empty()) {
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!co_await send({})) {
      ended_ = true;
      co_return std::nullopt;
    }
    enter(Phase::body, environment_.options.body_timeout);
  }
  for (;;) {
    if (auto refused = feed_body()) co_return refused;
    if (parser_.done()) co_return std::nullopt;
    // Not worth waiting for where it would be turned away all the same.
    if (turned_away()) co_return overloaded();
    if (co_await read_more()) continue;
    if (timed_out_) co_return too_slow();
    co_return std::nullopt;
  }
}

// Gives the parser what has arrived.
std::optional<Refused> Connection::feed_body() {
  if (buffered().empty()) return std::nullopt;
  std::size_t consumed = 0;
  auto refused = parser_.parse_body(buffered(), consumed);
  consume(consumed);
  body_bytes_ += consumed;
  if (refused) return refused;
  if (body_bytes_ > body_limit_ * framing_factor + environment_.options.max_header_bytes ||
      (!parser_.done() && buffered().size() > environment_.options.max_header_bytes)) {
    return Refused{413, "request.too_large", "The chunks of the body are too small or their extensions too long."};
  }
  return std::nullopt;
}

Task<Response> Connection::answer() {
  request_.context = Context(request_id_, valid_traceparent(request_.header("traceparent")), Caller{}, Deadline::max());
  request_.body = std::move(parser_.body());
  const Context context = request_.context;
  try {
    co_return co_await environment_.handler(std::move(request_));
  } catch (...) {
    log::error(context, "the handler threw", log::kv("what", describe(std::current_exception())));
    co_return problem(Error{.kind = ErrorKind::internal, .code = "internal", .detail = ""}, context.request_id());
  }
}

// Sends what the socket takes now; false for an error.
bool Connection::send_some(std::string_view& head, std::string_view& rest) {
  error_code error;
  std::size_t bytes = 0;
  if (rest.empty()) {
    bytes = socket_.write_some(asio::buffer(head.data(), head.size()), error);
  } else {
    const std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()),
                                                 asio::buffer(rest.data(), rest.size())};
    bytes = socket_.write_some(both, error);
  }
  const auto of_head = std::min(bytes, head.size());
  head.remove_prefix(of_head);
  rest.remove_prefix(bytes - of_head);
  return !error || error == asio::error::would_block || error == asio::error::try_again;
}

// Sends out_ and then `rest`. Most replies fit the socket's buffer: sent at once, without a trip through the event
// loop.
Task<bool> Connection::send(std::string_view rest) {
  std::string_view head = out_;
  for (;;) {
    if (!send_some(head, rest)) co_return false;
    if (head.empty() && rest.empty()) co_return true;
    enter(Phase::writing, environment_.options.idle_timeout);
    const auto [error] = co_await socket_.async_wait(Socket::wait_write, asio::as_tuple(use_task));
    if (error) co_return false;
  }
}

Task<> Connection::close() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  if (!ignored && (unread_ || !buffered().empty())) {
    enter(Phase::closing, discard_time);
    std::size_t discarded = 0;
    begin_ = end_ = 0;
    while (discarded < discarded_at_most && co_await read_more()) {
      discarded += end_;
      begin_ = end_ = 0;
    }
  }
  socket_.close(ignored);
}

}  // namespace souk::http
