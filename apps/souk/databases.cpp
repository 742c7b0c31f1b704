#include "databases.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "core/crypto.hpp"
#include "events/idempotency.hpp"
#include "events/outbox.hpp"
#include "settings.hpp"

// Made by souk_embed() from each service's folder of migrations.
#define SOUK_DECLARE_MIGRATIONS(service)          \
  namespace souk::service::migrations {           \
  std::span<const EmbeddedFile> embedded_files(); \
  }
SOUK_DECLARE_MIGRATIONS(user)
SOUK_DECLARE_MIGRATIONS(order)
SOUK_DECLARE_MIGRATIONS(payment)
SOUK_DECLARE_MIGRATIONS(inventory)
SOUK_DECLARE_MIGRATIONS(notification)
SOUK_DECLARE_MIGRATIONS(catalog)
SOUK_DECLARE_MIGRATIONS(review)
#undef SOUK_DECLARE_MIGRATIONS

namespace souk {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

// These services find their rows by key. A connection keeps the plan of a statement, and of a foreign key's check, that
// it made when the table was nearly empty and reading all of it was cheapest; docs/performance.md says what that costs.
const Settings by_key{{"enable_seqscan", "off"}};
// All statements work on arrays. The server takes a short one for cheaper than the plan that it keeps, and would plan
// each batch anew.
const Settings by_key_in_batches{{"enable_seqscan", "off"}, {"plan_cache_mode", "force_generic_plan"}};

}  // namespace

std::string read_secret() {
  const auto path =
      settings::secret_file.get().empty() ? settings::home.get() + "/secret" : settings::secret_file.get();
  std::ifstream file(path);
  std::string secret;
  if (!(file >> secret)) {
    throw std::runtime_error(fmt::format(
        "cannot read the secret file {}; make one with: openssl rand -hex 32 > {} (SOUK_SECRET_FILE names it)", path,
        path));
  }
  if (secret.size() < 64) throw std::runtime_error(fmt::format("the secret in {} is shorter than 64 characters", path));
  return secret;
}

std::string derive_secret(const std::string& secret, const std::string& purpose) {
  return hex(hmac_sha256(secret, purpose));
}

std::vector<ServiceDatabase> service_databases(const std::string& secret) {
  const pg::MigrationSet events{"events", events::migrations::embedded_files()};
  const pg::MigrationSet idempotency{"idempotency", idempotency::migrations::embedded_files()};
  const auto database = [&](const std::string& name, const std::string& service, std::vector<pg::MigrationSet> sets,
                            Settings settings = {}) {
    const auto role = "souk_" + service;
    return ServiceDatabase{{name, role, derive_secret(secret, "role:" + role), std::move(settings)}, std::move(sets)};
  };
  return {
      database("user_db", "user", {events, {"user", user::migrations::embedded_files()}}),
      database("order_db", "order", {events, idempotency, {"order", order::migrations::embedded_files()}}, by_key),
      database("payment_db", "payment", {events, idempotency, {"payment", payment::migrations::embedded_files()}},
               by_key),
      database("inventory_db", "inventory",
               {events, idempotency, {"inventory", inventory::migrations::embedded_files()}}, by_key_in_batches),
      database("notification_db", "notification",
               {events, {"notification", notification::migrations::embedded_files()}}, by_key),
      database("product_db", "catalog", {events, {"catalog", catalog::migrations::embedded_files()}}),
      database("review_db", "review", {events, {"review", review::migrations::embedded_files()}}),
  };
}

std::string database_url(const std::string& secret, const std::string& database) {
  for (const auto& candidate : service_databases(secret)) {
    if (candidate.spec.database == database) return pg::url_for(settings::postgres_url.get(), candidate.spec);
  }
  throw std::logic_error("no database " + database);
}

}  // namespace souk
