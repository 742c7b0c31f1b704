#pragma once

#include <optional>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "session/api.hpp"

namespace souk::session {

// Sessions in Redis: session:{session_id} as the spec has it, with created_at_us (microseconds, for revocations of what
// was made before a moment); and user_sessions:{user_id}, a sorted set of the user's session ids by their expiry.
class Repository {
 public:
  explicit Repository(redis::Client& redis) : redis_(redis) {}

  // Ends the user's sessions that were not used for longest when there are too many.
  Task<> insert(Context context, Session session);
  Task<std::optional<Session>> find(Context context, std::string session_id);
  // Restarts the time to live; of a session that is gone nothing comes back.
  Task<> touch(Context context, Session session, Timestamp now);
  Task<std::vector<Session>> list(Context context, Uuid user_id);
  // False when the user has no such session.
  Task<bool> remove(Context context, Uuid user_id, std::string session_id);
  Task<> remove_all(Context context, Uuid user_id, std::optional<std::string> except_session_id);

 private:
  redis::Client& redis_;
};

}  // namespace souk::session
