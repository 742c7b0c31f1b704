#include "revocations.hpp"

#include <algorithm>
#include <mutex>

#include "rules.hpp"

namespace souk::session {
namespace {

// A revoked session is not used, so its key expires a time to live after its last use. The rest is for clocks that
// differ.
constexpr auto keep = rules::time_to_live + std::chrono::hours(1);

}  // namespace

void Revocations::add_session(const std::string& session_id, Timestamp revoked_at, Timestamp now) {
  if (revoked_at + keep < now) return;
  const std::lock_guard lock(mutex_);
  sessions_[session_id] = revoked_at;
  forget_old(now);
}

void Revocations::add_user(Uuid user_id, std::optional<std::string> except_session_id, Timestamp before,
                           Timestamp now) {
  if (before + keep < now) return;
  const std::lock_guard lock(mutex_);
  auto& all = users_[user_id];
  const auto covered_by = [](const OfUser& a, const OfUser& b) {
    return a.before <= b.before && (!b.except || a.except == b.except);
  };
  OfUser added{before, std::move(except_session_id)};
  if (std::ranges::any_of(all, [&](const OfUser& one) { return covered_by(added, one); })) return;
  std::erase_if(all, [&](const OfUser& one) { return covered_by(one, added); });
  all.push_back(std::move(added));
  forget_old(now);
}

bool Revocations::revoked(const Session& session) const {
  const std::shared_lock lock(mutex_);
  if (sessions_.contains(session.id)) return true;
  const auto found = users_.find(session.user_id);
  return found != users_.end() && std::ranges::any_of(found->second, [&](const OfUser& one) {
           return session.created_at < one.before && one.except != session.id;
         });
}

std::size_t Revocations::size() const {
  const std::shared_lock lock(mutex_);
  return sessions_.size() + users_.size();
}

void Revocations::forget_old(Timestamp now) {
  if (sessions_.size() + users_.size() < next_cleaning_) return;
  std::erase_if(sessions_, [&](const auto& one) { return one.second + keep < now; });
  for (auto& [user, all] : users_) {
    std::erase_if(all, [&](const OfUser& one) { return one.before + keep < now; });
  }
  std::erase_if(users_, [](const auto& one) { return one.second.empty(); });
  next_cleaning_ = std::max<std::size_t>(1024, 2 * (sessions_.size() + users_.size()));
}

}  // namespace souk::session
