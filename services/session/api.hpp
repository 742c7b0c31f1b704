#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/time.hpp"
#include "core/uuid.hpp"
#include "json/json.hpp"

// Sessions, in Redis. A session is valid if Redis has it and it is not revoked.
// While Redis is gone every call throws redis::Unavailable (503), but for sessions seen less than a second ago.
namespace souk::session {

BOOST_DEFINE_ENUM_CLASS(Role, customer, admin)

struct CreateSession {
  Uuid user_id;
  std::string email;
  Role role = Role::customer;
  std::string ip_address;
  std::string user_agent;
};
BOOST_DESCRIBE_STRUCT(CreateSession, (), (user_id, email, role, ip_address, user_agent))

struct NewSession {
  std::string token;       // the secret that the client sends; never stored
  std::string session_id;  // public: a hash of the token
  Timestamp expires_at;
};
BOOST_DESCRIBE_STRUCT(NewSession, (), (token, session_id, expires_at))

struct Session {
  std::string id;
  Uuid user_id;
  std::string email;
  Role role = Role::customer;
  std::string ip_address;
  std::string user_agent;
  Timestamp created_at;
  Timestamp last_accessed_at;
};
BOOST_DESCRIBE_STRUCT(Session, (), (id, user_id, email, role, ip_address, user_agent, created_at, last_accessed_at))

struct Authenticate {
  std::string token;
};
BOOST_DESCRIBE_STRUCT(Authenticate, (), (token))
struct ListSessions {
  Uuid user_id;
};
BOOST_DESCRIBE_STRUCT(ListSessions, (), (user_id))
struct Sessions {
  std::vector<Session> data;  // last used first; at most 50 a user, more end the one that was not used for longest
};
BOOST_DESCRIBE_STRUCT(Sessions, (), (data))
struct RevokeSession {
  Uuid user_id;
  std::string session_id;
};
BOOST_DESCRIBE_STRUCT(RevokeSession, (), (user_id, session_id))
struct RevokeAll {
  Uuid user_id;
  std::optional<std::string> except_session_id;
};
BOOST_DESCRIBE_STRUCT(RevokeAll, (), (user_id, except_session_id))
struct Done {};
BOOST_DESCRIBE_STRUCT(Done, (), ())

class Api {
 public:
  virtual ~Api() = default;
  virtual Task<Result<NewSession>> create_session(Context context, CreateSession request) = 0;
  // auth.invalid_token; session.not_ready (503) while it is not yet known which sessions are revoked.
  virtual Task<Result<Session>> authenticate(Context context, Authenticate request) = 0;
  virtual Task<Result<Sessions>> list_sessions(Context context, ListSessions request) = 0;
  // session.not_found, also for another user's. Holds in this process at once; what makes it last is the user service's
  // event "session.revoked", which its caller has written before.
  virtual Task<Result<Done>> revoke_session(Context context, RevokeSession request) = 0;
  virtual Task<Result<Done>> revoke_all(Context context, RevokeAll request) = 0;
};

}  // namespace souk::session
