#include "coupons.hpp"

#include <algorithm>

#include "errors.hpp"
#include "postgres/error.hpp"

namespace souk::order {
namespace {

#define SOUK_COUPON                                                                                               \
  "id, code, kind, basis_points, amount, currency, minimum_order, valid_from, valid_until, is_active, max_uses, " \
  "max_uses_per_customer, uses, created_at, updated_at "

constexpr pg::Statement insert_coupon{
    "order.insert_coupon",
    "INSERT INTO coupons (id, code, kind, basis_points, amount, currency, minimum_order, valid_from, valid_until, "
    "    max_uses, max_uses_per_customer) "
    "VALUES ($1, $2, $3, $4, $5, $6, COALESCE($7::numeric, 0), $8, $9, $10, $11) "
    "ON CONFLICT (code) DO NOTHING RETURNING " SOUK_COUPON};

constexpr pg::Statement find_coupon{"order.find_coupon", "SELECT " SOUK_COUPON "FROM coupons WHERE code = $1"};
constexpr pg::Statement get_coupon{"order.get_coupon", "SELECT " SOUK_COUPON "FROM coupons WHERE id = $1"};
constexpr pg::Statement list_coupons{"order.list_coupons",
                                     "SELECT " SOUK_COUPON "FROM coupons WHERE code > $1 ORDER BY code LIMIT $2"};

constexpr pg::Statement lock_coupon{"order.lock_coupon", "SELECT " SOUK_COUPON "FROM coupons WHERE id = $1 FOR UPDATE"};
constexpr pg::Statement change_coupon{
    "order.change_coupon",
    "UPDATE coupons SET is_active = COALESCE($2, is_active), valid_until = COALESCE($3, valid_until), "
    "    max_uses = COALESCE($4, max_uses), max_uses_per_customer = COALESCE($5, max_uses_per_customer), "
    "    updated_at = now() WHERE id = $1 RETURNING " SOUK_COUPON};

Coupon to_coupon(const pg::Row& row) {
  return {.id = row.get<Uuid>(0),
          .code = row.get<std::string>(1),
          .kind = row.get<CouponKind>(2),
          .basis_points = row.get<std::optional<std::int64_t>>(3),
          .amount = row.get<std::optional<Amount>>(4),
          .currency = row.get<std::optional<std::string>>(5),
          .minimum_order = row.get<Amount>(6),
          .valid_from = row.get<std::optional<Timestamp>>(7),
          .valid_until = row.get<std::optional<Timestamp>>(8),
          .is_active = row.get<bool>(9),
          .max_uses = row.get<std::optional<std::int64_t>>(10),
          .max_uses_per_customer = row.get<std::optional<std::int64_t>>(11),
          .uses = row.get<std::int64_t>(12),
          .created_at = row.get<Timestamp>(13),
          .updated_at = row.get<Timestamp>(14)};
}

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

// What belongs to a kind is there, and nothing that belongs to another.
void check_kind(const NewCoupon& coupon, std::vector<FieldError>& wrong) {
  const auto belongs = [&](const char* field, bool given, bool wanted) {
    if (given && !wanted) wrong.push_back({field, "conflict", "is not for this kind of coupon"});
    if (!given && wanted) wrong.push_back({field, "missing", "is required of this kind of coupon"});
  };
  belongs("basis_points", coupon.basis_points.has_value(), coupon.kind == CouponKind::percent);
  belongs("amount", coupon.amount.has_value(), coupon.kind == CouponKind::fixed);
}

}  // namespace

namespace coupons {

Result<Worth> worth(const Coupon& coupon, Amount goods, std::string_view currency, Timestamp now) {
  if (!coupon.is_active || (coupon.valid_from && now < *coupon.valid_from)) return errors::coupon_unknown();
  if (coupon.valid_until && now >= *coupon.valid_until) return errors::coupon_expired();
  if (coupon.currency && *coupon.currency != currency) return errors::coupon_not_applicable(*coupon.currency);
  if (goods < coupon.minimum_order) return errors::coupon_minimum(coupon.minimum_order, currency);
  if (coupon.max_uses && coupon.uses >= *coupon.max_uses) return errors::coupon_used_up();
  switch (coupon.kind) {
    case CouponKind::percent: return Worth{.discount = multiply_rounded(goods, coupon.basis_points.value(), 10'000)};
    case CouponKind::fixed: return Worth{.discount = std::min(goods, coupon.amount.value())};
    case CouponKind::free_shipping: break;
  }
  return Worth{.free_shipping = true};
}

Result<void> check(const NewCoupon& coupon) {
  std::vector<FieldError> wrong;
  if (!is_code(coupon.code)) {
    wrong.push_back({"code", "format", "must be letters, digits, hyphens and underscores"});
  }
  check_kind(coupon, wrong);
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
  if (coupon.valid_from && coupon.valid_until && *coupon.valid_from >= *coupon.valid_until) {
    wrong.push_back({"valid_until", "too_early", "must be after valid_from"});
  }
  if (!wrong.empty()) return errors::invalid_fields(std::move(wrong));
  return {};
}

}  // namespace coupons

Task<std::optional<Coupon>> Coupons::find(Context context, std::string code) {
  const auto rows = co_await pool_.query(std::move(context), find_coupon, in_capitals(code));
  if (rows.empty()) co_return std::nullopt;
  co_return to_coupon(rows.front());
}

Task<Result<Coupon>> Coupons::create(Context context, NewCoupon request) {
  SOUK_CO_CHECK(coupons::check(request));
  const auto currency = request.currency ? std::optional<std::string>(*request.currency) : std::nullopt;
  const auto rows = co_await pool_.query(std::move(context), insert_coupon, Uuid::v7(), in_capitals(request.code),
                                         request.kind, plain(request.basis_points), request.amount, currency,
                                         request.minimum_order, request.valid_from, request.valid_until,
                                         plain(request.max_uses), plain(request.max_uses_per_customer));
  if (rows.empty()) co_return errors::coupon_code_taken();
  co_return to_coupon(rows.front());
}

Task<Result<Coupon>> Coupons::get(Context context, Uuid id) {
  const auto rows = co_await pool_.query(std::move(context), get_coupon, id);
  if (rows.empty()) co_return errors::coupon_not_found();
  co_return to_coupon(rows.front());
}

Task<Result<CouponPage>> Coupons::list(Context context, ListCoupons request) {
  const auto after = request.cursor ? std::string(*request.cursor) : std::string();
  CouponPage page;
  // One more than asked for tells whether there are more.
  for (const pg::Row row : co_await pool_.query(std::move(context), list_coupons, after, request.limit.value + 1)) {
    page.data.push_back(to_coupon(row));
  }
  page.has_more = page.data.size() > static_cast<std::size_t>(request.limit.value);
  if (page.has_more) {
    page.data.pop_back();
    page.next_cursor = page.data.back().code;
  }
  co_return page;
}

Task<Result<Coupon>> Coupons::patch(Context context, PatchCoupon request) {
  auto tx = co_await pool_.begin(std::move(context));
  const auto locked = co_await tx.query(lock_coupon, request.coupon_id);
  if (locked.empty()) co_return errors::coupon_not_found();
  const auto coupon = to_coupon(locked.front());
  const auto& changes = request.changes;
  if (changes.max_uses && changes.max_uses->value < coupon.uses) co_return errors::coupon_limit_below_uses(coupon.uses);
  if (changes.valid_until && coupon.valid_from && *changes.valid_until <= *coupon.valid_from) {
    co_return errors::invalid_fields({{"valid_until", "too_early", "must be after valid_from"}});
  }
  const auto rows = co_await tx.query(change_coupon, request.coupon_id, changes.is_active, changes.valid_until,
                                      plain(changes.max_uses), plain(changes.max_uses_per_customer));
  auto changed = to_coupon(rows.front());
  co_await tx.commit();
  co_return changed;
}

}  // namespace souk::order
