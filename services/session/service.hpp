#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "repository.hpp"
#include "revocations.hpp"
#include "session/api.hpp"
#include "user/api.hpp"

namespace souk::session {

class Service final : public Api {
 public:
  Service(Runtime& runtime, redis::Client& redis);

  using Feed = std::function<Task<Result<events::EventPage>>(Context, events::ReadEvents)>;

  // Follows the user service's events from the feed's beginning. Until it has seen all of them once, no session is
  // believed. Not called: only what this process itself revokes is known (tests).
  void follow(TaskGroup& group, Feed user_events);
  void follow(TaskGroup& group, user::Api& users);

  Task<Result<NewSession>> create_session(Context context, CreateSession request) override;
  Task<Result<Session>> authenticate(Context context, Authenticate request) override;
  Task<Result<Sessions>> list_sessions(Context context, ListSessions request) override;
  Task<Result<Done>> revoke_session(Context context, RevokeSession request) override;
  Task<Result<Done>> revoke_all(Context context, RevokeAll request) override;

 private:
  // Sessions that Redis had less than a second ago, of one worker.
  struct Seen {
    Session session;
    Deadline until;
  };
  using Cache = std::unordered_map<std::string, Seen>;

  Task<std::optional<Session>> find(Context context, std::string session_id);
  void remember(Cache& cache, const Session& session);
  Task<> restart(Context context, Session session, Timestamp now);
  Task<Result<events::EventPage>> read_feed(Context context, events::ReadEvents request);
  Task<> apply(Context context, const events::EventPage& page);
  Task<bool> revocations_known(Context context);

  Repository repository_;
  Revocations revocations_;
  std::vector<Cache> caches_;
  Feed user_events_;
  std::atomic<bool> knows_revocations_ = true;
};

}  // namespace souk::session
