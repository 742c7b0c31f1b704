#include "rpc/wire.hpp"

#include <charconv>
#include <stdexcept>

#include "core/blocking_pool.hpp"
#include "core/failure.hpp"
#include "http/url.hpp"

namespace souk {
BOOST_DESCRIBE_ENUM(ErrorKind, invalid, unauthenticated, payment_required, forbidden, not_found, method_not_allowed,
                    conflict, precondition_failed, too_large, unsupported_media_type, unprocessable, too_many_requests,
                    internal, unavailable, timeout)
BOOST_DESCRIBE_STRUCT(Error, (), (kind, code, detail, errors, retry_after_s))
}  // namespace souk

namespace souk::rpc {

BOOST_DEFINE_ENUM_CLASS(CallerKind, anonymous, customer, admin, service)
static_assert(static_cast<int>(CallerKind::service) == static_cast<int>(Caller::Kind::service));

struct WrittenCaller {
  CallerKind kind{};
  std::optional<Uuid> user_id;
  std::string email;
  std::string session_id;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(WrittenCaller, (), (kind, user_id, email, session_id, name))

// The part of a problem document that says which.
struct ProblemCode {
  std::string code;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(ProblemCode, (), (code, detail))

namespace {

std::optional<std::chrono::milliseconds> read_time_left(std::string_view text) {
  std::int64_t left = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || left < 0) return std::nullopt;
  return std::min(std::chrono::milliseconds(left), std::chrono::milliseconds(std::chrono::hours(1)));
}

}  // namespace

std::string write_caller(const Caller& caller) {
  return http::percent_encode(json::write(WrittenCaller{.kind = static_cast<CallerKind>(caller.kind),
                                                        .user_id = caller.user_id,
                                                        .email = caller.email,
                                                        .session_id = caller.session_id,
                                                        .name = caller.name}));
}

std::optional<Caller> read_caller(std::string_view text) {
  const auto decoded = http::percent_decode(text);
  if (!decoded) return std::nullopt;
  auto read = json::read<WrittenCaller>(*decoded, json::Mode::lenient);
  if (!read) return std::nullopt;
  return Caller{.kind = static_cast<Caller::Kind>(read->kind),
                .user_id = read->user_id,
                .email = std::move(read->email),
                .session_id = std::move(read->session_id),
                .name = std::move(read->name)};
}

Result<Context> context_of(const http::Request& request) {
  auto caller = read_caller(request.header(caller_header));
  const auto left = read_time_left(request.header(time_left_header));
  if (!caller || !left) {
    return refuse(ErrorKind::invalid, "rpc.bad_context",
                  "A call between services has the headers Souk-Caller and Souk-Time-Left.");
  }
  auto context = request.context.with_caller(*std::move(caller)).limited(*left);
  if (context.expired()) throw Unavailable("the time of the call was over when it arrived");
  return context;
}

http::Response refusal(const Error& error) {
  return {.status = http::status_of(error.kind),
          .content_type = std::string(refusal_media_type),
          .body = json::write(error)};
}

Error refusal_of(const http::ClientResponse& response, const std::string& what) {
  if (response.header("Content-Type") == refusal_media_type) return json::read_trusted<Error>(response.body);
  const auto problem = json::read<ProblemCode>(response.body, json::Mode::lenient).value_or(ProblemCode{});
  const auto text = fmt::format("{} answered {} {}", what, response.status, problem.code);
  if (response.status == 503 && problem.code == "overloaded") throw Overloaded(text);
  if (response.status == 503) throw Unavailable(text);
  if (response.status == 504) throw UnknownOutcome(text);
  throw std::runtime_error(text + ": " + problem.detail);
}

}  // namespace souk::rpc
