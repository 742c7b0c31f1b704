#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postgres/pool.hpp"
#include "rules.hpp"
#include "user/api.hpp"

namespace souk::user {

struct RefreshToken {
  Uuid id;
  Uuid user_id;
  Uuid family;
  Timestamp expires_at;
  std::optional<Timestamp> used_at;
  std::optional<Timestamp> revoked_at;
  std::optional<std::string> successor_sealed;

  rules::TokenTimes times() const { return {expires_at, used_at, revoked_at}; }
};
BOOST_DESCRIBE_STRUCT(RefreshToken, (), (id, user_id, family, expires_at, used_at, revoked_at, successor_sealed))

struct NewRefreshToken {
  Uuid user_id;
  Uuid family;
  std::optional<Uuid> parent_id;
  std::string token_hash;
  ClientInfo client;
};

// A session that a family of refresh tokens has made.
struct LoginSession {
  std::string session_id;
  Uuid user_id;
  Uuid family;
};
BOOST_DESCRIBE_STRUCT(LoginSession, (), (session_id, user_id, family))

// The tables refresh_tokens, login_sessions and login_failures. Expiry is compared with the database's clock.
class LoginRepository {
 public:
  explicit LoginRepository(pg::Pool& pool) : pool_(pool) {}

  // The time of the database, which expiry is compared with.
  struct Found {
    RefreshToken token;
    Timestamp now;
  };
  Task<std::optional<Found>> find_token(Context context, std::string token_hash);
  Task<std::optional<Found>> find_token(pg::Transaction& tx, std::string token_hash);
  // One transaction at a time changes a family: otherwise a logout could miss the successor that a refresh just makes.
  Task<> lock_family(pg::Transaction& tx, Uuid family);
  // Returns when it expires.
  Task<Timestamp> insert_token(pg::Transaction& tx, NewRefreshToken token);
  Task<> mark_used(pg::Transaction& tx, Uuid id, std::string successor_sealed);

  Task<> insert_session(pg::Transaction& tx, LoginSession session);
  Task<std::optional<Uuid>> find_family(pg::Transaction& tx, std::string session_id, Uuid user_id);
  // Locks the family, ends its tokens and forgets its sessions, which it returns.
  Task<std::vector<LoginSession>> revoke_family(pg::Transaction& tx, Uuid family);

  // Seconds until these may try again; 0 when they may now.
  Task<std::int64_t> seconds_closed(Context context, std::string account, std::string address);
  Task<std::int64_t> seconds_closed(pg::Transaction& tx, std::string account, std::string address);
  // Counts one failed login; the number of those in a row. 0 while the account is closed: then they do not count.
  Task<std::int64_t> add_account_failure(pg::Transaction& tx, std::string account);
  Task<> add_address_failure(pg::Transaction& tx, std::string address);
  Task<> close_account(pg::Transaction& tx, std::string account, std::chrono::seconds duration);
  Task<> forget_failures(pg::Transaction& tx, std::string account);

  // Deletes what nobody needs any more. Returns how many rows.
  Task<std::int64_t> prune(Context context);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::user
