#include "discounts.hpp"

#include <algorithm>
#include <numeric>

#include "errors.hpp"
#include "pricing.hpp"

namespace souk::order::discounts {
namespace {

constexpr std::int64_t whole = 10'000;  // basis points

Amount sum(const std::vector<Amount>& amounts) { return std::accumulate(amounts.begin(), amounts.end(), Amount()); }

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return !wanted.empty() && std::ranges::find(list, wanted) != list.end();
}

bool is_for(const Coupon& coupon, const Piece& piece) {
  if (coupon.product_ids.empty() && coupon.category_ids.empty()) return true;
  return has(coupon.product_ids, piece.product_id) || has(coupon.category_ids, piece.category_id);
}

// The lines that a coupon is for, with what is left of them; nothing of the others.
struct Scope {
  std::vector<bool> lines;
  std::vector<Amount> left;
  Amount shown;
  std::int64_t quantity = 0;
};

Scope scope_of(const Coupon& coupon, const std::vector<Piece>& pieces, const std::vector<Amount>& left) {
  Scope scope{.lines = std::vector<bool>(pieces.size()), .left = std::vector<Amount>(pieces.size())};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (!is_for(coupon, pieces[i])) continue;
    scope.lines[i] = true;
    scope.left[i] = left[i];
    scope.shown += pieces[i].unit_price * pieces[i].quantity;
    scope.quantity += pieces[i].quantity;
  }
  return scope;
}

// How many pieces of each line are got: the cheapest of all in scope, of lines of one price the first.
std::vector<std::int64_t> got(const Coupon& coupon, const std::vector<Piece>& pieces, const Scope& scope) {
  const auto get = coupon.get_quantity.value();
  auto times = scope.quantity / (coupon.buy_quantity.value() + get);
  if (coupon.max_times) times = std::min(times, *coupon.max_times);
  auto open = times * get;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (scope.lines[i]) order.push_back(i);
  }
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(pieces[i].unit_price, i); });
  std::vector<std::int64_t> quantities(pieces.size());
  for (const auto i : order) {
    quantities[i] = std::min(open, pieces[i].quantity);
    open -= quantities[i];
  }
  return quantities;
}

// Rounded once a line.
std::vector<Amount> off_what_is_got(const Coupon& coupon, const std::vector<Piece>& pieces, const Scope& scope) {
  const auto quantities = got(coupon, pieces, scope);
  std::vector<Amount> lines(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto off = multiply_rounded(pieces[i].unit_price * quantities[i], coupon.basis_points.value(), whole);
    lines[i] = std::min(off, scope.left[i]);
  }
  return lines;
}

Result<void> holds(const Coupon& coupon, std::string_view currency, Timestamp now) {
  if (!coupon.is_active || (coupon.valid_from && now < *coupon.valid_from)) return errors::coupon_unknown();
  if (coupon.valid_until && now >= *coupon.valid_until) return errors::coupon_expired();
  if (coupon.currency && *coupon.currency != currency) return errors::coupon_not_applicable(*coupon.currency);
  if (coupon.max_uses && coupon.uses >= *coupon.max_uses) return errors::coupon_used_up();
  return {};
}

// A set of coupons applied one after the other. Those that do not hold, or take nothing off, are left out; but not the
// cart's coupon: where it holds for the goods as they are shown it is told of.
class Attempt {
 public:
  Attempt(const std::vector<Piece>& pieces, std::string_view currency, Timestamp now, const Shipping& shipping)
      : pieces_(pieces), currency_(currency), now_(now), shipping_(shipping), left_(values_of(pieces)) {
    choice_.lines.resize(pieces.size());
  }

  void apply(const Coupon& coupon, bool always) {
    auto worth = discounts::worth(coupon, pieces_, left_, currency_, now_);
    if (!worth) return;
    const bool ships_cheaper = worth->free_shipping && !choice_.free_shipping && shipping_(choice_.discount) > Amount();
    if (worth->discount == Amount() && !ships_cheaper && !always) return;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      left_[i] -= worth->lines[i];
      choice_.lines[i] += worth->lines[i];
    }
    choice_.discount += worth->discount;
    choice_.free_shipping = choice_.free_shipping || worth->free_shipping;
    choice_.applied.push_back({coupon, *std::move(worth)});
  }

  struct Outcome {
    Choice choice;
    Amount cost;  // of goods and shipping
  };
  Outcome take() {
    const auto goods = sum(left_);
    const auto cost = choice_.free_shipping ? goods : goods + shipping_(choice_.discount);
    return {std::move(choice_), cost};
  }

 private:
  const std::vector<Piece>& pieces_;
  std::string_view currency_;
  Timestamp now_;
  const Shipping& shipping_;
  std::vector<Amount> left_;
  Choice choice_;
};

}  // namespace

std::vector<Amount> values_of(const std::vector<Piece>& pieces) {
  std::vector<Amount> values;
  values.reserve(pieces.size());
  for (const auto& piece : pieces) values.push_back(piece.unit_price * piece.quantity);
  return values;
}

Result<Worth> worth(const Coupon& coupon, const std::vector<Piece>& pieces, const std::vector<Amount>& left,
                    std::string_view currency, Timestamp now) {
  SOUK_CHECK(holds(coupon, currency, now));
  const auto scope = scope_of(coupon, pieces, left);
  if (scope.quantity == 0) return errors::coupon_for_other_goods();
  if (scope.shown < coupon.minimum_order) return errors::coupon_minimum(coupon.minimum_order, currency);
  Worth worth{.lines = std::vector<Amount>(pieces.size())};
  const auto goods = sum(scope.left);
  switch (coupon.kind) {
    case CouponKind::percent:
      worth.lines = pricing::split(multiply_rounded(goods, coupon.basis_points.value(), whole), scope.left);
      break;
    case CouponKind::fixed: worth.lines = pricing::split(std::min(goods, coupon.amount.value()), scope.left); break;
    case CouponKind::buy_x_get_y: {
      const auto least = coupon.buy_quantity.value() + coupon.get_quantity.value();
      if (scope.quantity < least) return errors::coupon_pieces(least);
      worth.lines = off_what_is_got(coupon, pieces, scope);
      break;
    }
    case CouponKind::free_shipping: worth.free_shipping = true; break;
  }
  worth.discount = sum(worth.lines);
  return worth;
}

Result<Choice> choose(const std::optional<Coupon>& coupon, const std::vector<Coupon>& promotions,
                      const std::vector<Piece>& pieces, std::string_view currency, Timestamp now,
                      const Shipping& shipping) {
  if (coupon) {
    SOUK_CHECK(worth(*coupon, pieces, values_of(pieces), currency, now));
  }
  struct Candidate {
    const Coupon* coupon;
    bool is_coupon;
  };
  std::vector<Candidate> candidates;
  if (coupon) candidates.push_back({&*coupon, true});
  for (const auto& promotion : promotions) candidates.push_back({&promotion, false});
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return std::pair(-a.coupon->priority, a.coupon->id) < std::pair(-b.coupon->priority, b.coupon->id);
  });
  Attempt combination(pieces, currency, now, shipping);
  for (const auto& one : candidates) {
    if (one.coupon->is_combinable) combination.apply(*one.coupon, one.is_coupon);
  }
  auto best = combination.take();
  bool has_coupon = coupon && coupon->is_combinable;
  for (const auto& one : candidates) {
    if (one.coupon->is_combinable) continue;
    Attempt alone(pieces, currency, now, shipping);
    alone.apply(*one.coupon, one.is_coupon);
    auto outcome = alone.take();
    const bool better = outcome.cost < best.cost || (outcome.cost == best.cost && one.is_coupon && !has_coupon);
    if (!better) continue;
    best = std::move(outcome);
    has_coupon = one.is_coupon;
  }
  return std::move(best.choice);
}

}  // namespace souk::order::discounts
