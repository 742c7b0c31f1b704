#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/context.hpp"
#include "core/embedded.hpp"
#include "core/result.hpp"
#include "core/uuid.hpp"
#include "postgres/pool.hpp"

namespace souk::idempotency {

namespace migrations {
std::span<const EmbeddedFile> embedded_files();  // idempotency_keys
}

// A client's Idempotency-Key in the scope of its caller ("user:<id>", "cart:<id>"), for one operation.
struct Key {
  std::string scope;
  std::string operation;  // "checkout"
  std::string key;        // as the client sent it, 1 to 255 characters
  std::string body_hash;  // hex SHA-256 of what was asked
};

struct StoredReply {
  int status = 0;
  std::string body;  // JSON
};

// What is known of a key.
struct Claim {
  bool fresh = false;                  // ours now: go on, and finish() in the commit that makes the effect durable
  std::optional<StoredReply> reply{};  // it was finished: give the same reply again
  std::optional<Uuid> subject{};       // it is under way for this object (the saga of a checkout)
};

// Claims the key in `tx` for `subject`. Refusals: 422 idempotency.body_mismatch for the same key with another body;
// 409 idempotency.in_progress when a transaction that claims it does not end in time (`tx` is then lost).
// Two claims at once: the second waits for the first transaction. A key is kept 72 hours.
Task<Result<Claim>> claim(pg::Transaction& tx, Key key, Uuid subject);
// Stores the reply, in the transaction that makes the effect durable.
Task<> finish(pg::Transaction& tx, Key key, StoredReply reply);
// Looks without claiming: a Claim with neither reply nor subject when the key is not known.
Task<Result<Claim>> find(pg::Pool& pool, Context context, Key key);
// Deletes keys older than 72 hours. Returns how many.
Task<std::int64_t> prune(pg::Pool& pool, Context context);

}  // namespace souk::idempotency
