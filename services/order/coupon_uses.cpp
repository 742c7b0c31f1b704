#include "coupon_uses.hpp"

#include <algorithm>
#include <utility>

#include "core/seeded_bug.hpp"

namespace souk::order::coupon_uses {
namespace {

// In the order of their ids, so that two writers of several coupons do not wait for each other.
constexpr pg::Statement lock_coupons{
    "order.lock_coupons",
    "SELECT id, is_active, uses, max_uses, max_uses_per_customer FROM coupons WHERE id = ANY ($1) "
    "ORDER BY id FOR UPDATE"};

// Of each customer and coupon, how often; and whether the order has its uses already.
constexpr pg::Statement count_uses{
    "order.count_coupon_uses",
    "SELECT EXISTS (SELECT FROM coupon_uses u WHERE u.order_id = i.order_id), CASE WHEN i.counts = 1 THEN "
    "    (SELECT count(*) FROM coupon_uses u WHERE u.coupon_id = i.coupon_id "
    "        AND (u.user_id = i.user_id OR u.email = i.email)) ELSE 0 END "
    "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[]) WITH ORDINALITY "
    "    AS i (order_id, coupon_id, user_id, email, counts, n) ORDER BY i.n"};

constexpr pg::Statement write_uses{
    "order.write_coupon_uses",
    "WITH taken AS (INSERT INTO coupon_uses (order_id, coupon_id, user_id, email, discount) "
    "    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::numeric[]) RETURNING coupon_id), "
    "counted AS (UPDATE coupons c SET uses = c.uses + t.n "
    "    FROM (SELECT coupon_id, count(*) AS n FROM taken GROUP BY coupon_id) t WHERE c.id = t.coupon_id), "
    "undone AS (DELETE FROM checkout_sagas s WHERE s.id = ANY ($6) RETURNING s.id, s.scope, s.idempotency_key) "
    "DELETE FROM idempotency_keys k USING undone d WHERE k.scope = d.scope AND k.operation = 'checkout' "
    "    AND k.key = d.idempotency_key AND k.subject = d.id"};

// The uses that a batch wants, one below the other.
struct Wanted {
  std::vector<std::size_t> intents;  // their place in the batch
  std::vector<Uuid> orders;
  std::vector<Uuid> coupons;
  std::vector<std::optional<Uuid>> users;
  std::vector<std::optional<std::string>> emails;
  std::vector<Amount> discounts;

  std::size_t size() const { return orders.size(); }
  void add(const Wanted& other, std::size_t i) {
    intents.push_back(other.intents[i]);
    orders.push_back(other.orders[i]);
    coupons.push_back(other.coupons[i]);
    users.push_back(other.users[i]);
    emails.push_back(other.emails[i]);
    discounts.push_back(other.discounts[i]);
  }
  bool same_customer(std::size_t i, const Wanted& other, std::size_t k) const {
    return (users[i] && users[i] == other.users[k]) || (emails[i] && emails[i] == other.emails[k]);
  }
};

Wanted wanted_by(const std::vector<Intent>& intents, const std::vector<Started>& started) {
  Wanted wanted;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    if (!started[i].started) continue;
    const auto& details = intents[i].details;
    for (const auto& discount : details.discounts) {
      wanted.intents.push_back(i);
      wanted.orders.push_back(intents[i].id);
      wanted.coupons.push_back(discount.coupon_id);
      wanted.users.push_back(details.is_guest ? std::nullopt : std::optional(details.user_id));
      wanted.emails.push_back(details.coupon_email);
      wanted.discounts.push_back(discount.amount);
    }
  }
  return wanted;
}

// Whether there is a use left of what line `i` wants, with what the batch has taken so far.
bool is_left(const Limits& limits, const Wanted& wanted, std::size_t i, std::int64_t used_before, const Wanted& taken) {
  const auto limit = limits.find(wanted.coupons[i]);
  if (limit == limits.end() || limit->second.left <= 0) return false;
  if (!limit->second.per_customer) return true;
  auto used = used_before;
  for (std::size_t k = 0; k < taken.size(); ++k) {
    if (taken.coupons[k] == wanted.coupons[i] && wanted.same_customer(i, taken, k)) ++used;
  }
  return used < *limit->second.per_customer;
}

}  // namespace

Task<Limits> lock(pg::Transaction& tx, const std::vector<Intent>& intents) {
  std::vector<Uuid> ids;
  for (const auto& intent : intents) {
    for (const auto& discount : intent.details.discounts) ids.push_back(discount.coupon_id);
  }
  Limits limits;
  for (const pg::Row row : co_await tx.query(lock_coupons, ids)) {
    if (!row.get<bool>(1)) continue;
    const auto most = row.get<std::optional<std::int64_t>>(3);
    limits.emplace(row.get<Uuid>(0), Limit{.left = most ? *most - row.get<std::int64_t>(2) : INT64_MAX,
                                           .per_customer = row.get<std::optional<std::int64_t>>(4)});
  }
  co_return limits;
}

Task<> take(pg::Transaction& tx, const std::vector<Intent>& intents, Limits limits, std::vector<Started>& started) {
  const auto wanted = wanted_by(intents, started);
  if (wanted.size() == 0) co_return;
  std::vector<int> counts;
  for (const auto& coupon : wanted.coupons) {
    const auto limit = limits.find(coupon);
    counts.push_back(limit != limits.end() && limit->second.per_customer ? 1 : 0);
  }
  const auto used = co_await tx.query(count_uses, wanted.orders, wanted.coupons, wanted.users, wanted.emails, counts);
  Wanted taken;
  std::vector<Uuid> undone;
  for (std::size_t i = 0; i < wanted.size();) {
    auto end = i;
    while (end < wanted.size() && wanted.intents[end] == wanted.intents[i]) ++end;
    const auto first = std::exchange(i, end);
    if (used[first].get<bool>(0)) continue;
    auto refused = first;
    while (refused < end && is_left(limits, wanted, refused, used[refused].get<std::int64_t>(1), taken)) ++refused;
    if (refused < end) {
      undone.push_back(wanted.orders[first]);
      started[wanted.intents[first]] = {.refused_coupon = wanted.coupons[refused]};
      continue;
    }
    for (auto k = first; k < end; ++k) {
      taken.add(wanted, k);
      --limits.at(wanted.coupons[k]).left;
    }
  }
  const auto statement =
      SOUK_SEEDED_SQL("order.coupon_use_not_counted", write_uses, "uses = c.uses + t.n", "uses = c.uses");
  co_await tx.query(statement, taken.orders, taken.coupons, taken.users, taken.emails, taken.discounts, undone);
}

}  // namespace souk::order::coupon_uses
