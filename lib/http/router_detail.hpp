#pragma once

#include "http/router.hpp"

// The templates of router.hpp.

namespace souk::http {

namespace detail {

// 400 / 413 / 415 for a body that is not wanted or not JSON.
Result<void> check_body(const Request& request, bool expects_body);

template <class Body>
Result<Body> decode_body(const Request& request) {
  if constexpr (std::same_as<Body, NoBody>) {
    SOUK_CHECK(check_body(request, false));
    return NoBody{};
  } else {
    SOUK_CHECK(check_body(request, true));
    return json::read<Body>(request.body);
  }
}

template <class Value, class F, class Body, class Query>
Task<Response> call(F handler, Request request, Body body, Query query, int status) {
  if constexpr (std::same_as<Value, Response>) {
    (void)status;
    co_return co_await handler(std::move(request), std::move(body), std::move(query));
  } else {
    const auto request_id = request.context.request_id();
    auto result = co_await handler(std::move(request), std::move(body), std::move(query));
    if (!result) co_return problem(result.error(), request_id);
    if constexpr (std::is_void_v<typename Value::value_type>) {
      co_return no_content();
    } else {
      co_return reply(*result, status);
    }
  }
}

inline Task<Response> ready(Response response) { co_return response; }

template <class T>
struct TaskValue;
template <class T>
struct TaskValue<Task<T>> {
  using type = T;
};

}  // namespace detail

template <class Body, class Query, class Reply, class F>
void Router::add(Method method, std::string path, RouteInfo info, F handler) {
  using Value = typename detail::TaskValue<std::invoke_result_t<F, Request, Body, Query>>::type;
  Route route{.method = method, .path = std::move(path), .info = std::move(info)};
  route.request_schema = [](json::Schemas& schemas) {
    if constexpr (std::same_as<Body, NoBody>)
      return (void)schemas, std::string();
    else
      return schemas.of<Body>();
  };
  route.reply_schema = [](json::Schemas& schemas) {
    if constexpr (std::is_void_v<Reply>)
      return (void)schemas, std::string();
    else
      return schemas.of<Reply>();
  };
  route.query_schema = [](json::Schemas& schemas) {
    std::vector<std::pair<std::string, std::string>> parameters;
    boost::mp11::mp_for_each<json::Members<Query>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(std::declval<Query&>().*member.pointer)>;
      parameters.emplace_back(member.name, schemas.of<Field>());
    });
    return parameters;
  };
  boost::mp11::mp_for_each<json::Members<Query>>([&](auto member) {
    using Field = std::remove_cvref_t<decltype(std::declval<Query&>().*member.pointer)>;
    if constexpr (!json::is_optional<Field>) route.required_query.emplace_back(member.name);
  });
  route.handler = [handler = std::move(handler), status = route.info.success_status](Request request) {
    auto body = detail::decode_body<Body>(request);
    if (!body) return detail::ready(problem(body.error(), request.context.request_id()));
    auto query = json::read_parameters<Query>(request.query);
    if (!query) return detail::ready(problem(query.error(), request.context.request_id()));
    return detail::call<Value>(handler, std::move(request), *std::move(body), *std::move(query), status);
  };
  insert(std::move(route));
}

}  // namespace souk::http
