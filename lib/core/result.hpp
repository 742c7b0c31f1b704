#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk {

// What sort of refusal an Error is. The HTTP layer turns it into a status with one switch (http/problem.cpp).
enum class ErrorKind {
  invalid,                 // 400 malformed input
  unauthenticated,         // 401
  payment_required,        // 402
  forbidden,               // 403
  not_found,               // 404, also for objects of somebody else
  method_not_allowed,      // 405
  conflict,                // 409
  precondition_failed,     // 412
  too_large,               // 413
  unsupported_media_type,  // 415
  unprocessable,           // 422 well-formed, refused by a rule
  too_many_requests,       // 429
  internal,                // 500 a bug; the text stays in the log
  unavailable,             // 503 a dependency is gone or we are full; nothing was done
  timeout                  // 504 the outcome is unknown
};

// One wrong field of the input. `field` is a path such as "items[0].quantity".
struct FieldError {
  std::string field;
  std::string code;
  std::string detail;

  bool operator==(const FieldError&) const = default;
};

// An expected refusal, shown to the client as it is. A broken environment or a bug is an exception instead.
struct Error {
  ErrorKind kind{};
  std::string code;    // stable, "order.already_shipped"
  std::string detail;  // one sentence for people, says what to do
  std::vector<FieldError> errors{};
  std::optional<int> retry_after_s{};

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

// What a factory of refusals returns; converts to any Result<T>.
using Refusal = std::unexpected<Error>;

inline Refusal refuse(ErrorKind kind, std::string code, std::string detail) {
  return Refusal(Error{.kind = kind, .code = std::move(code), .detail = std::move(detail)});
}

}  // namespace souk

#define SOUK_CONCAT_INNER(a, b) a##b
#define SOUK_CONCAT(a, b) SOUK_CONCAT_INNER(a, b)

// SOUK_TRY(auto total, add(a, b));  leaves the function with the refusal, or declares `total`.
#define SOUK_TRY(declaration, ...) SOUK_TRY_IMPL(return, SOUK_CONCAT(souk_try_, __LINE__), declaration, __VA_ARGS__)
// The same in a coroutine: SOUK_CO_TRY(auto order, co_await orders.get_order(context, request));
#define SOUK_CO_TRY(declaration, ...) \
  SOUK_TRY_IMPL(co_return, SOUK_CONCAT(souk_try_, __LINE__), declaration, __VA_ARGS__)
#define SOUK_TRY_IMPL(leave, result, declaration, ...)               \
  auto result = (__VA_ARGS__);                                       \
  if (!result) leave ::std::unexpected(::std::move(result).error()); \
  declaration = *::std::move(result)

// The same for a Result<void>, or where the value is not wanted.
#define SOUK_CHECK(...) SOUK_CHECK_IMPL(return, SOUK_CONCAT(souk_check_, __LINE__), __VA_ARGS__)
#define SOUK_CO_CHECK(...) SOUK_CHECK_IMPL(co_return, SOUK_CONCAT(souk_check_, __LINE__), __VA_ARGS__)
#define SOUK_CHECK_IMPL(leave, result, ...) \
  if (auto result = (__VA_ARGS__); !result) leave ::std::unexpected(::std::move(result).error())
