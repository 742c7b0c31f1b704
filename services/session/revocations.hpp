#pragma once

#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "session/api.hpp"

namespace souk::session {

// Which sessions this process knows to be revoked. Shared by all workers. What is older than any session could still
// live is forgotten.
class Revocations {
 public:
  void add_session(const std::string& session_id, Timestamp revoked_at, Timestamp now);
  // All of a user's that were made before `before`, but for one.
  void add_user(Uuid user_id, std::optional<std::string> except_session_id, Timestamp before, Timestamp now);

  bool revoked(const Session& session) const;
  std::size_t size() const;

 private:
  struct OfUser {
    Timestamp before;
    std::optional<std::string> except;
  };

  void forget_old(Timestamp now);

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Timestamp> sessions_;  // and when they were revoked
  std::unordered_map<Uuid, std::vector<OfUser>> users_;
  std::size_t next_cleaning_ = 1024;
};

}  // namespace souk::session
