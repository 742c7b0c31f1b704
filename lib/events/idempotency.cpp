#include "events/idempotency.hpp"

#include <stdexcept>

namespace souk::idempotency {
namespace {

// Waits for a transaction that has just claimed the same key. A key past its time is claimed anew.
constexpr pg::Statement claim_key{
    "idempotency.claim",
    "INSERT INTO idempotency_keys AS k (scope, operation, key, body_hash, subject) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (scope, operation, key) DO UPDATE SET body_hash = excluded.body_hash, subject = excluded.subject, "
    "    status = NULL, reply = NULL, created_at = now(), finished_at = NULL "
    "WHERE k.created_at < now() - INTERVAL '72 hours' RETURNING 1"};

constexpr pg::Statement find_key{
    "idempotency.find",
    "SELECT body_hash, subject, status, reply FROM idempotency_keys "
    "WHERE scope = $1 AND operation = $2 AND key = $3 AND created_at >= now() - INTERVAL '72 hours'"};

constexpr pg::Statement finish_key{"idempotency.finish",
                                   "UPDATE idempotency_keys SET status = $4, reply = $5, finished_at = now() "
                                   "WHERE scope = $1 AND operation = $2 AND key = $3"};

constexpr pg::Statement prune_keys{
    "idempotency.prune",
    "DELETE FROM idempotency_keys WHERE (scope, operation, key) IN (SELECT scope, operation, key "
    "FROM idempotency_keys WHERE created_at < now() - INTERVAL '72 hours' ORDER BY created_at LIMIT 5000)"};

Result<Claim> known_claim(const pg::Row& row, const Key& key) {
  if (row.get<std::string>(0) != key.body_hash) {
    return refuse(ErrorKind::unprocessable, "idempotency.body_mismatch",
                  "This Idempotency-Key was used for a different request; use a new key.");
  }
  Claim claim{.subject = row.get<Uuid>(1)};
  if (!row.is_null(2)) claim.reply = StoredReply{row.get<int>(2), row.get<std::string>(3)};
  return claim;
}

// Two rounds, for a key that was pruned between the two statements.
Task<Result<Claim>> claim_or_find(pg::Transaction& tx, Key key, Uuid subject) {
  for (int round = 0; round < 2; ++round) {
    const auto claimed = co_await tx.query(claim_key, key.scope, key.operation, key.key, key.body_hash, subject);
    if (!claimed.empty()) co_return Claim{.fresh = true, .subject = subject};
    const auto known = co_await tx.query(find_key, key.scope, key.operation, key.key);
    if (!known.empty()) co_return known_claim(known.front(), key);
  }
  throw std::runtime_error("an idempotency key can neither be claimed nor found");
}

}  // namespace

Task<Result<Claim>> claim(pg::Transaction& tx, Key key, Uuid subject) {
  try {
    co_return co_await claim_or_find(tx, std::move(key), subject);
  } catch (const pg::ServerBusy& busy) {
    if (!busy.is_lock_timeout()) throw;
  }
  // The transaction that has claimed the key has not ended.
  auto refusal = refuse(ErrorKind::conflict, "idempotency.in_progress",
                        "A request with this Idempotency-Key is still under way; repeat it later.");
  refusal.error().retry_after_s = 1;
  co_return refusal;
}

Task<> finish(pg::Transaction& tx, Key key, StoredReply reply) {
  const auto rows = co_await tx.query(finish_key, key.scope, key.operation, key.key, reply.status, reply.body);
  if (rows.affected() != 1) throw std::logic_error("an idempotency key was finished that nobody had claimed");
}

Task<Result<Claim>> find(pg::Pool& pool, Context context, Key key) {
  const auto known = co_await pool.query(context, find_key, key.scope, key.operation, key.key);
  if (known.empty()) co_return Claim{};
  co_return known_claim(known.front(), key);
}

Task<std::int64_t> prune(pg::Pool& pool, Context context) {
  std::int64_t total = 0;
  for (;;) {
    const auto gone = (co_await pool.query(context, prune_keys)).affected();
    total += gone;
    if (gone == 0) co_return total;
  }
}

}  // namespace souk::idempotency
