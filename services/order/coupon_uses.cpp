#include "coupon_uses.hpp"

#include <algorithm>
#include <unordered_set>

#include "core/seeded_bug.hpp"

namespace souk::order::coupon_uses {
namespace {

// In the order of their ids, so that two writers of several coupons do not wait for each other.
constexpr pg::Statement lock_coupons{"order.lock_coupons",
                                     "SELECT id FROM coupons WHERE id = ANY ($1) ORDER BY id FOR UPDATE"};

// The first come get what is left. Of one customer's checkouts in the same batch each counts those before it.
constexpr pg::Statement take_coupon_uses{
    "order.take_coupon_uses",
    "WITH input AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY "
    "    AS i (order_id, coupon_id, user_id, email, n)), "
    "missing AS (SELECT * FROM input i WHERE NOT EXISTS (SELECT FROM coupon_uses u WHERE u.order_id = i.order_id)), "
    "allowed AS (SELECT m.*, c.uses, c.max_uses, row_number() OVER (PARTITION BY m.coupon_id ORDER BY m.n) AS nth "
    "    FROM missing m JOIN coupons c ON c.id = m.coupon_id "
    "    WHERE c.is_active AND (c.max_uses_per_customer IS NULL OR c.max_uses_per_customer > "
    "        (SELECT count(*) FROM coupon_uses u WHERE u.coupon_id = m.coupon_id "
    "            AND (u.user_id = m.user_id OR u.email = m.email)) "
    "        + (SELECT count(*) FROM missing b WHERE b.coupon_id = m.coupon_id AND b.n < m.n "
    "            AND (b.user_id = m.user_id OR b.email = m.email)))), "
    "taken AS (INSERT INTO coupon_uses (order_id, coupon_id, user_id, email) "
    "    SELECT order_id, coupon_id, user_id, email FROM allowed WHERE max_uses IS NULL OR uses + nth <= max_uses "
    "    RETURNING order_id, coupon_id), "
    "counted AS (UPDATE coupons c SET uses = c.uses + t.n "
    "    FROM (SELECT coupon_id, count(*) AS n FROM taken GROUP BY coupon_id) t WHERE c.id = t.coupon_id), "
    "undone AS (DELETE FROM checkout_sagas s USING missing m WHERE s.id = m.order_id "
    "    AND NOT EXISTS (SELECT FROM taken t WHERE t.order_id = m.order_id) "
    "    RETURNING s.id, s.scope, s.idempotency_key), "
    "keys AS (DELETE FROM idempotency_keys k USING undone d WHERE k.scope = d.scope AND k.operation = 'checkout' "
    "    AND k.key = d.idempotency_key AND k.subject = d.id) "
    "SELECT id FROM undone"};

}  // namespace

Task<> lock(pg::Transaction& tx, const std::vector<Intent>& intents) {
  std::vector<Uuid> ids;
  for (const auto& intent : intents) {
    if (intent.details.coupon_id) ids.push_back(*intent.details.coupon_id);
  }
  co_await tx.query(lock_coupons, ids);
}

Task<> take(pg::Transaction& tx, const std::vector<Intent>& intents, std::vector<Started>& started) {
  std::vector<Uuid> orders;
  std::vector<Uuid> wanted;
  std::vector<std::optional<Uuid>> users;
  std::vector<std::optional<std::string>> emails;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    const auto& details = intents[i].details;
    if (!started[i].started || !details.coupon_id) continue;
    orders.push_back(intents[i].id);
    wanted.push_back(*details.coupon_id);
    users.push_back(details.is_guest ? std::nullopt : std::optional(details.user_id));
    emails.push_back(details.coupon_email);
  }
  if (orders.empty()) co_return;
  const auto statement =
      SOUK_SEEDED_SQL("order.coupon_use_not_counted", take_coupon_uses, "uses = c.uses + t.n", "uses = c.uses");
  const auto rows = co_await tx.query(statement, orders, wanted, users, emails);
  std::unordered_set<Uuid> undone;
  for (const pg::Row row : rows) undone.insert(row.get<Uuid>(0));
  for (std::size_t i = 0; i < intents.size(); ++i) {
    if (undone.contains(intents[i].id)) started[i] = {.coupon_refused = true};
  }
}

}  // namespace souk::order::coupon_uses
