#include "routes.hpp"

#include <algorithm>

#include "errors.hpp"

namespace souk::session {

// A session as its owner sees it.
struct MySession {
  std::string id;
  std::string ip_address;
  std::string user_agent;
  bool is_current = false;
  Timestamp created_at;
  Timestamp last_accessed_at;
};
BOOST_DESCRIBE_STRUCT(MySession, (), (id, ip_address, user_agent, is_current, created_at, last_accessed_at))

struct MySessions {
  std::vector<MySession> data;
  bool has_more = false;
};
BOOST_DESCRIBE_STRUCT(MySessions, (), (data, has_more))

namespace {

Task<Result<MySessions>> list(Api& sessions, http::Request request) {
  const auto& caller = request.context.caller();
  SOUK_CO_TRY(auto all, co_await sessions.list_sessions(request.context, {.user_id = caller.user_id.value()}));
  MySessions mine;
  for (auto& session : all.data) {
    mine.data.push_back({.id = session.id,
                         .ip_address = std::move(session.ip_address),
                         .user_agent = std::move(session.user_agent),
                         .is_current = session.id == caller.session_id,
                         .created_at = session.created_at,
                         .last_accessed_at = session.last_accessed_at});
  }
  co_return mine;
}

Task<Result<void>> end(Api& sessions, user::Api& users, http::Request request) {
  auto caller = request.context.caller();
  const auto user_id = caller.user_id.value();
  SOUK_CO_TRY(const auto all, co_await sessions.list_sessions(request.context, {.user_id = user_id}));
  const auto& id = request.parameter("id");
  if (std::ranges::find(all.data, id, &Session::id) == all.data.end()) co_return errors::not_found();
  // Ending a session is logging it out: the user service makes that last and ends its refresh tokens.
  caller.session_id = id;
  SOUK_CO_CHECK(co_await users.logout(request.context.with_caller(std::move(caller)), {}));
  const auto revoked = co_await sessions.revoke_session(request.context, {.user_id = user_id, .session_id = id});
  // The logout has ended it already: then it is no longer found.
  if (!revoked && revoked.error().kind != ErrorKind::not_found) co_return std::unexpected(revoked.error());
  co_return Result<void>{};
}

}  // namespace

void add_routes(http::Router& router, Api& sessions, user::Api& users) {
  using http::Method, http::NoBody, http::NoQuery, http::Request;
  router.add<NoBody, NoQuery, MySessions>(
      Method::GET, "/v1/me/sessions",
      {.operation_id = "list_my_sessions",
       .summary = "The places where you are logged in, last used first.",
       .tag = "Account",
       .access = http::Access::customer},
      [&sessions](Request request, NoBody, NoQuery) { return list(sessions, std::move(request)); });
  router.add<NoBody, NoQuery, void>(
      Method::DELETE, "/v1/me/sessions/{id}",
      {.operation_id = "end_my_session",
       .summary = "Logs one of your sessions out.",
       .tag = "Account",
       .access = http::Access::customer,
       .success_status = 204,
       .errors = {"session.not_found"}},
      [&sessions, &users](Request request, NoBody, NoQuery) { return end(sessions, users, std::move(request)); });
}

}  // namespace souk::session
