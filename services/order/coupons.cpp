#include "coupons.hpp"

#include <algorithm>

#include "errors.hpp"
#include "postgres/error.hpp"

namespace souk::order {
namespace {

#define SOUK_COUPON                                                                                              \
  "id, code, name, kind, basis_points, amount, currency, minimum_order, buy_quantity, get_quantity, max_times, " \
  "product_ids, category_ids, is_combinable, priority, valid_from, valid_until, is_active, max_uses, "           \
  "max_uses_per_customer, uses, created_at, updated_at "

constexpr pg::Statement insert_coupon{
    "order.insert_coupon",
    "INSERT INTO coupons (id, code, name, kind, basis_points, amount, currency, minimum_order, buy_quantity, "
    "    get_quantity, max_times, product_ids, category_ids, is_combinable, priority, valid_from, valid_until, "
    "    max_uses, max_uses_per_customer) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE($8::numeric, 0), $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "    $19) "
    "ON CONFLICT (code) DO NOTHING RETURNING " SOUK_COUPON};

constexpr pg::Statement find_coupon{"order.find_coupon", "SELECT " SOUK_COUPON "FROM coupons WHERE code = $1"};
constexpr pg::Statement get_coupon{"order.get_coupon",
                                   "SELECT " SOUK_COUPON "FROM coupons WHERE id = $1 AND (code IS NULL) = $2"};
constexpr pg::Statement list_coupons{"order.list_coupons",
                                     "SELECT " SOUK_COUPON "FROM coupons WHERE code > $1 ORDER BY code LIMIT $2"};
constexpr pg::Statement list_promotions{
    "order.list_promotions",
    "SELECT " SOUK_COUPON "FROM coupons WHERE code IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2"};

// Those that have ended or are used up cost quotes nothing, and count for no limit.
#define SOUK_RUNS                                                                                                \
  "code IS NULL AND is_active AND (valid_until IS NULL OR valid_until > now()) AND (max_uses IS NULL OR uses < " \
  "max_uses) "
constexpr pg::Statement read_promotions{"order.read_promotions", "SELECT " SOUK_COUPON "FROM coupons WHERE " SOUK_RUNS
                                                                 "ORDER BY priority DESC, id LIMIT $1"};
constexpr pg::Statement count_promotions{"order.count_promotions",
                                         "SELECT count(*) FROM coupons WHERE " SOUK_RUNS "AND id <> $1"};

constexpr pg::Statement find_used_up{"order.find_used_up",
                                     "SELECT c.id FROM coupons c JOIN coupon_uses u ON u.coupon_id = c.id "
                                     "WHERE c.id = ANY ($1) AND (u.user_id = $2 OR u.email = $3) "
                                     "GROUP BY c.id HAVING count(*) >= c.max_uses_per_customer"};

constexpr pg::Statement lock_coupon{
    "order.lock_coupon", "SELECT " SOUK_COUPON "FROM coupons WHERE id = $1 AND (code IS NULL) = $2 FOR UPDATE"};
constexpr pg::Statement change_coupon{
    "order.change_coupon",
    "UPDATE coupons SET is_active = COALESCE($2, is_active), valid_until = COALESCE($3, valid_until), "
    "    max_uses = COALESCE($4, max_uses), max_uses_per_customer = COALESCE($5, max_uses_per_customer), "
    "    updated_at = now() WHERE id = $1 RETURNING " SOUK_COUPON};

// The members of Coupon are the columns, in their order.
Coupon to_coupon(const pg::Row& row) { return row.to<Coupon>(); }

std::string in_capitals(std::string_view text) {
  std::string capitals(text);
  for (auto& c : capitals) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return capitals;
}

bool is_code(std::string_view code) {
  return std::ranges::all_of(code, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_currency(std::string_view currency) {
  return std::ranges::all_of(currency, [](char c) { return c >= 'A' && c <= 'Z'; });
}

template <class Number>
std::optional<std::int64_t> plain(const std::optional<Number>& number) {
  return number ? std::optional<std::int64_t>(number->value) : std::nullopt;
}

std::vector<std::string> plain(const std::optional<ScopeIds>& ids) {
  if (!ids) return {};
  return {ids->begin(), ids->end()};
}

using Wrong = std::vector<FieldError>;

// What belongs to a kind is there, and nothing that belongs to another.
void check_kind(const NewCoupon& coupon, Wrong& wrong) {
  const auto belongs = [&](const char* field, bool given, bool may, bool must) {
    if (given && !may) wrong.push_back({field, "conflict", "is not for this kind"});
    if (!given && must) wrong.push_back({field, "missing", "is required of this kind"});
  };
  const bool percent = coupon.kind == CouponKind::percent;
  const bool fixed = coupon.kind == CouponKind::fixed;
  const bool buy = coupon.kind == CouponKind::buy_x_get_y;
  belongs("basis_points", coupon.basis_points.has_value(), percent || buy, percent);
  belongs("amount", coupon.amount.has_value(), fixed, fixed);
  belongs("buy_quantity", coupon.buy_quantity.has_value(), buy, buy);
  belongs("get_quantity", coupon.get_quantity.has_value(), buy, buy);
  belongs("max_times", coupon.max_times.has_value(), buy, false);
}

void check_money(const NewCoupon& coupon, Wrong& wrong) {
  if (coupon.amount && *coupon.amount <= Amount()) wrong.push_back({"amount", "too_small", "must be more than 0"});
  const bool has_minimum = coupon.minimum_order && *coupon.minimum_order > Amount();
  if (coupon.minimum_order && *coupon.minimum_order < Amount()) {
    wrong.push_back({"minimum_order", "too_small", "must not be less than 0"});
  }
  if (!coupon.currency && (coupon.amount || has_minimum)) {
    wrong.push_back({"currency", "missing", "is required with an amount or a minimum"});
  }
  if (coupon.currency && !is_currency(*coupon.currency)) {
    wrong.push_back({"currency", "format", "must be three capital letters"});
  }
}

void check_scope(const char* field, const std::optional<ScopeIds>& ids, Wrong& wrong) {
  if (ids && ids->size() > 100) wrong.push_back({field, "too_long", "must have at most 100 elements"});
}

pg::Params to_row(const NewCoupon& coupon, Uuid id) {
  const auto text = [](const auto& given) { return given ? std::optional<std::string>(*given) : std::nullopt; };
  auto basis_points = plain(coupon.basis_points);
  if (coupon.kind == CouponKind::buy_x_get_y && !basis_points) basis_points = 10'000;
  const auto code = coupon.code ? std::optional(in_capitals(*coupon.code)) : std::nullopt;
  return pg::Params::of(id, code, text(coupon.name), coupon.kind, basis_points, coupon.amount, text(coupon.currency),
                        coupon.minimum_order, plain(coupon.buy_quantity), plain(coupon.get_quantity),
                        plain(coupon.max_times), plain(coupon.product_ids), plain(coupon.category_ids),
                        coupon.is_combinable.value_or(false), plain(coupon.priority).value_or(0), coupon.valid_from,
                        coupon.valid_until, plain(coupon.max_uses), plain(coupon.max_uses_per_customer));
}

// Two that are made at once may be one more than the limit, which is there to bound the work of a quote.
Task<Result<void>> check_count(pg::Transaction& tx, Uuid but) {
  const auto rows = co_await tx.query(count_promotions, but);
  if (rows.front().get<std::int64_t>(0) >= coupons::max_promotions) co_return errors::too_many_promotions();
  co_return Result<void>();
}

}  // namespace

Result<void> coupons::check(const NewCoupon& coupon) {
  Wrong wrong;
  if (coupon.code && !is_code(*coupon.code)) {
    wrong.push_back({"code", "format", "must be letters, digits, hyphens and underscores"});
  }
  if (!coupon.code && !coupon.name) wrong.push_back({"name", "missing", "is required of a promotion"});
  check_kind(coupon, wrong);
  check_money(coupon, wrong);
  check_scope("product_ids", coupon.product_ids, wrong);
  check_scope("category_ids", coupon.category_ids, wrong);
  if (coupon.valid_from && coupon.valid_until && *coupon.valid_from >= *coupon.valid_until) {
    wrong.push_back({"valid_until", "too_early", "must be after valid_from"});
  }
  if (!wrong.empty()) return errors::invalid_fields(std::move(wrong));
  return {};
}

Task<std::optional<Coupon>> Coupons::find(Context context, std::string code) {
  const auto rows = co_await pool_.query(std::move(context), find_coupon, in_capitals(code));
  if (rows.empty()) co_return std::nullopt;
  co_return to_coupon(rows.front());
}

Task<std::vector<Coupon>> Coupons::promotions(Context context) {
  std::vector<Coupon> promotions;
  for (const pg::Row row : co_await pool_.query(std::move(context), read_promotions, coupons::max_promotions)) {
    promotions.push_back(to_coupon(row));
  }
  co_return promotions;
}

Task<std::vector<Uuid>> Coupons::used_up(Context context, std::vector<Uuid> ids, std::optional<Uuid> user_id,
                                         std::optional<std::string> email) {
  std::vector<Uuid> used_up;
  for (const pg::Row row : co_await pool_.query(std::move(context), find_used_up, ids, user_id, email)) {
    used_up.push_back(row.get<Uuid>(0));
  }
  co_return used_up;
}

Task<Result<Coupon>> Coupons::create(Context context, NewCoupon request) {
  SOUK_CO_CHECK(coupons::check(request));
  auto tx = co_await pool_.begin(std::move(context));
  const auto id = Uuid::v7();
  if (!request.code) {
    SOUK_CO_CHECK(co_await check_count(tx, id));
  }
  const auto rows = co_await tx.execute(insert_coupon, to_row(request, id));
  if (rows.empty()) co_return errors::coupon_code_taken();
  auto made = to_coupon(rows.front());
  co_await tx.commit();
  co_return made;
}

Task<Result<Coupon>> Coupons::get(Context context, CouponRef request) {
  const auto rows = co_await pool_.query(std::move(context), get_coupon, request.coupon_id, request.is_promotion);
  if (rows.empty()) co_return errors::coupon_not_found(request.is_promotion);
  co_return to_coupon(rows.front());
}

Task<Result<CouponPage>> Coupons::list(Context context, ListCoupons request) {
  const auto after = request.cursor ? std::string(*request.cursor) : std::string();
  const auto from = request.promotions && request.cursor ? Uuid::parse(after) : std::nullopt;
  if (request.promotions && request.cursor && !from) co_return errors::bad_cursor();
  CouponPage page;
  // One more than asked for tells whether there are more.
  const auto count = request.limit.value + 1;
  const auto rows = request.promotions ? co_await pool_.query(std::move(context), list_promotions, from, count)
                                       : co_await pool_.query(std::move(context), list_coupons, after, count);
  for (const pg::Row row : rows) page.data.push_back(to_coupon(row));
  page.has_more = page.data.size() > static_cast<std::size_t>(request.limit.value);
  if (page.has_more) {
    page.data.pop_back();
    const auto& last = page.data.back();
    page.next_cursor = last.code ? *last.code : last.id.to_string();
  }
  co_return page;
}

Task<Result<Coupon>> Coupons::patch(Context context, PatchCoupon request) {
  auto tx = co_await pool_.begin(std::move(context));
  const auto locked = co_await tx.query(lock_coupon, request.coupon_id, request.is_promotion);
  if (locked.empty()) co_return errors::coupon_not_found(request.is_promotion);
  const auto coupon = to_coupon(locked.front());
  const auto& changes = request.changes;
  if (changes.max_uses && changes.max_uses->value < coupon.uses) co_return errors::coupon_limit_below_uses(coupon.uses);
  if (changes.valid_until && coupon.valid_from && *changes.valid_until <= *coupon.valid_from) {
    co_return errors::invalid_fields({{"valid_until", "too_early", "must be after valid_from"}});
  }
  if (request.is_promotion && changes.is_active.value_or(coupon.is_active)) {
    SOUK_CO_CHECK(co_await check_count(tx, coupon.id));
  }
  const auto rows = co_await tx.query(change_coupon, request.coupon_id, changes.is_active, changes.valid_until,
                                      plain(changes.max_uses), plain(changes.max_uses_per_customer));
  auto changed = to_coupon(rows.front());
  co_await tx.commit();
  co_return changed;
}

}  // namespace souk::order
