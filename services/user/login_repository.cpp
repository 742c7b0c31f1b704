#include "login_repository.hpp"

#define SOUK_TOKEN_COLUMNS \
  "id, user_id, COALESCE(family, id), expires_at, used_at, revoked_at, successor_sealed, clock_timestamp()::timestamp"

namespace souk::user {
namespace {

constexpr pg::Statement find_token_by_hash{"user.find_refresh_token",
                                           "SELECT " SOUK_TOKEN_COLUMNS " FROM refresh_tokens WHERE token_hash = $1"};

constexpr pg::Statement lock_family_of_tokens{"user.lock_family",
                                              "SELECT pg_advisory_xact_lock(hashtextextended($1, 7701))"};

constexpr pg::Statement insert_token_row{
    "user.insert_refresh_token",
    "INSERT INTO refresh_tokens (id, user_id, family, parent_id, token_hash, expires_at, ip_address, user_agent) "
    "VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6), $7::inet, $8) RETURNING expires_at"};

constexpr pg::Statement mark_token_used{
    "user.use_refresh_token",
    "UPDATE refresh_tokens SET used_at = clock_timestamp(), successor_sealed = $2 WHERE id = $1"};

constexpr pg::Statement revoke_tokens_of_family{
    "user.revoke_family",
    "UPDATE refresh_tokens SET revoked_at = clock_timestamp() WHERE family = $1 AND revoked_at IS NULL"};

constexpr pg::Statement insert_session_row{
    "user.insert_login_session",
    "INSERT INTO login_sessions (session_id, user_id, family) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};

constexpr pg::Statement find_family_of_session{
    "user.find_family", "SELECT family FROM login_sessions WHERE session_id = $1 AND user_id = $2"};

constexpr pg::Statement delete_sessions_of_family{
    "user.delete_login_sessions", "DELETE FROM login_sessions WHERE family = $1 RETURNING session_id, user_id, family"};

constexpr pg::Statement read_seconds_closed{
    "user.seconds_closed",
    "SELECT GREATEST(COALESCE(max(ceil(extract(epoch FROM CASE WHEN subject = $1 THEN blocked_until "
    "         WHEN failures >= $3::int THEN since + INTERVAL '1 minute' END - clock_timestamp()::timestamp))), "
    "       0)::bigint, 0) FROM login_failures WHERE subject IN ($1, $2)"};

constexpr pg::Statement count_account_failure{
    "user.count_account_failure",
    "INSERT INTO login_failures AS f (subject, failures) VALUES ($1, 1) ON CONFLICT (subject) DO UPDATE SET "
    "  failures = CASE WHEN f.updated_at < LOCALTIMESTAMP - INTERVAL '24 hours' THEN 1 ELSE f.failures + 1 END, "
    "  updated_at = LOCALTIMESTAMP, blocked_until = NULL "
    "WHERE f.blocked_until IS NULL OR f.blocked_until <= LOCALTIMESTAMP RETURNING failures"};

constexpr pg::Statement count_address_failure{
    "user.count_address_failure",
    "INSERT INTO login_failures AS f (subject, failures) VALUES ($1, 1) ON CONFLICT (subject) DO UPDATE SET "
    "  failures = CASE WHEN f.since < LOCALTIMESTAMP - INTERVAL '1 minute' THEN 1 ELSE f.failures + 1 END, "
    "  since = CASE WHEN f.since < LOCALTIMESTAMP - INTERVAL '1 minute' THEN LOCALTIMESTAMP ELSE f.since END, "
    "  updated_at = LOCALTIMESTAMP"};

constexpr pg::Statement close_account_until{
    "user.close_account",
    "UPDATE login_failures SET blocked_until = clock_timestamp() + make_interval(secs => $2) WHERE subject = $1"};

constexpr pg::Statement delete_failures{"user.forget_failures", "DELETE FROM login_failures WHERE subject = $1"};

// A used token is kept until it expires: its reuse must be noticed as long.
constexpr pg::Statement prune_tokens{
    "user.prune_refresh_tokens",
    "DELETE FROM refresh_tokens WHERE id IN ("
    "  SELECT id FROM refresh_tokens WHERE expires_at < LOCALTIMESTAMP - INTERVAL '1 day' LIMIT 5000)"};

constexpr pg::Statement prune_sessions{
    "user.prune_login_sessions",
    "DELETE FROM login_sessions WHERE session_id IN ("
    "  SELECT session_id FROM login_sessions s WHERE created_at < LOCALTIMESTAMP - INTERVAL '31 days' "
    "    AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family = s.family) LIMIT 5000)"};

constexpr pg::Statement prune_failures{
    "user.prune_login_failures",
    "DELETE FROM login_failures WHERE subject IN ("
    "  SELECT subject FROM login_failures WHERE updated_at < LOCALTIMESTAMP - INTERVAL '25 hours' LIMIT 5000)"};

constexpr int token_columns = boost::mp11::mp_size<json::Members<RefreshToken>>::value;

std::optional<LoginRepository::Found> found_in(const pg::Rows& rows) {
  if (rows.empty()) return std::nullopt;
  return LoginRepository::Found{.token = rows.front().to<RefreshToken>(),
                                .now = rows.front().get<Timestamp>(token_columns)};
}

}  // namespace

Task<std::optional<LoginRepository::Found>> LoginRepository::find_token(Context context, std::string token_hash) {
  co_return found_in(co_await pool_.query(std::move(context), find_token_by_hash, token_hash));
}

Task<std::optional<LoginRepository::Found>> LoginRepository::find_token(pg::Transaction& tx, std::string token_hash) {
  co_return found_in(co_await tx.query(find_token_by_hash, token_hash));
}

Task<> LoginRepository::lock_family(pg::Transaction& tx, Uuid family) {
  co_await tx.query(lock_family_of_tokens, family);
}

Task<Timestamp> LoginRepository::insert_token(pg::Transaction& tx, NewRefreshToken token) {
  const auto lives_s = static_cast<std::int64_t>(std::chrono::seconds(rules::refresh_lives).count());
  const auto rows = co_await tx.query(insert_token_row, Uuid::v7(), token.user_id, token.family, token.parent_id,
                                      token.token_hash, lives_s, rules::clean_ip(token.client.ip_address),
                                      rules::clean_user_agent(token.client.user_agent));
  co_return rows.front().get<Timestamp>(0);
}

Task<> LoginRepository::mark_used(pg::Transaction& tx, Uuid id, std::string successor_sealed) {
  co_await tx.query(mark_token_used, id, successor_sealed);
}

Task<> LoginRepository::insert_session(pg::Transaction& tx, LoginSession session) {
  co_await tx.query(insert_session_row, session.session_id, session.user_id, session.family);
}

Task<std::optional<Uuid>> LoginRepository::find_family(pg::Transaction& tx, std::string session_id, Uuid user_id) {
  const auto rows = co_await tx.query(find_family_of_session, session_id, user_id);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().get<Uuid>(0);
}

Task<std::vector<LoginSession>> LoginRepository::revoke_family(pg::Transaction& tx, Uuid family) {
  co_await lock_family(tx, family);
  co_await tx.query(revoke_tokens_of_family, family);
  const auto rows = co_await tx.query(delete_sessions_of_family, family);
  co_return rows.to<LoginSession>();
}

Task<std::int64_t> LoginRepository::seconds_closed(Context context, std::string account, std::string address) {
  const auto rows = co_await pool_.query(std::move(context), read_seconds_closed, account, address,
                                         rules::failures_of_address_a_minute);
  co_return rows.front().get<std::int64_t>(0);
}

Task<std::int64_t> LoginRepository::seconds_closed(pg::Transaction& tx, std::string account, std::string address) {
  const auto rows = co_await tx.query(read_seconds_closed, account, address, rules::failures_of_address_a_minute);
  co_return rows.front().get<std::int64_t>(0);
}

Task<std::int64_t> LoginRepository::add_account_failure(pg::Transaction& tx, std::string account) {
  const auto rows = co_await tx.query(count_account_failure, account);
  co_return rows.empty() ? 0 : rows.front().get<std::int64_t>(0);
}

Task<> LoginRepository::add_address_failure(pg::Transaction& tx, std::string address) {
  co_await tx.query(count_address_failure, address);
}

Task<> LoginRepository::close_account(pg::Transaction& tx, std::string account, std::chrono::seconds duration) {
  co_await tx.query(close_account_until, account, static_cast<std::int64_t>(duration.count()));
}

Task<> LoginRepository::forget_failures(pg::Transaction& tx, std::string account) {
  co_await tx.query(delete_failures, account);
}

Task<std::int64_t> LoginRepository::prune(Context context) {
  std::int64_t total = 0;
  for (const auto* statement : {&prune_tokens, &prune_sessions, &prune_failures}) {
    for (std::int64_t gone = 1; gone > 0; total += gone) {
      gone = (co_await pool_.query(context, *statement)).affected();
    }
  }
  co_return total;
}

}  // namespace souk::user
