#include "reconciler.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "core/failpoint.hpp"
#include "core/failure.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"

namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;
constexpr Duration result_limit = 5s;
constexpr std::int64_t our_page = 500;
constexpr std::size_t most_told = 1000;
constexpr int looks = 3;
// Their clock is not ours.
constexpr auto clock_slack = 1min;

std::optional<Uuid> order_of(const std::optional<std::string>& key) { return key ? Uuid::parse(*key) : std::nullopt; }

// The order has a payment with us that is not this one: in cash, at another gateway, or another one at this.
bool is_another(const std::optional<KnownPayment>& ours, const std::string& gateway,
                const std::optional<GatewayPayment>& theirs) {
  if (!ours || !theirs) return false;
  if (ours->payment.payment_gateway != gateway) return true;
  return ours->payment.gateway_payment_id.value_or(theirs->id) != theirs->id;
}

std::optional<rules::Finding> compare(const std::string& gateway, const std::optional<KnownPayment>& ours,
                                      const std::optional<GatewayPayment>& theirs) {
  if (!ours && !theirs) return std::nullopt;
  if (!is_another(ours, gateway, theirs)) return rules::compare(ours, theirs);
  if (theirs->state != GatewayState::succeeded && theirs->state != GatewayState::authorized) return std::nullopt;
  return rules::Finding{DifferenceKind::payment_unknown_here, rules::Remedy::none,
                        "the order has another payment with us: give this money back at the gateway"};
}

std::string fingerprint(const std::optional<KnownPayment>& known) {
  return known ? json::write(known->payment) : std::string();
}

Difference difference_of(const std::string& gateway, Uuid order_id, const rules::Finding& finding,
                         const std::optional<KnownPayment>& ours, const std::optional<GatewayPayment>& theirs) {
  Difference difference{.kind = finding.kind, .gateway = gateway, .order_id = order_id, .advice = finding.advice};
  if (ours) difference.number = ours->payment.payment_number;
  if (ours) difference.ours = rules::describe(ours->payment);
  if (theirs) difference.gateway_id = theirs->id;
  if (theirs) difference.theirs = rules::describe(*theirs);
  return difference;
}

}  // namespace

Reconciler::Reconciler(Service& service, Reconcile request, std::function<bool()> stopping)
    : service_(service), request_(request), stopping_(std::move(stopping)) {
  result_.since = request_.since;
  result_.until = now();
}

Task<Reconciliation> Reconciler::run(Context context) {
  for (const auto& [name, gateway] : service_.gateways_.by_name) {
    if (!gateway->lists()) {
      result_.not_listed.push_back(name);
      continue;
    }
    const At at{name, *gateway};
    co_await their_payments(context, at);
    co_await our_payments(context, at);
    co_await their_refunds(context, at);
    co_await our_refunds(context, at);
  }
  co_return std::move(result_);
}

GatewayRange Reconciler::range(std::string cursor) const {
  return {.from = result_.since - clock_slack, .before = result_.until + clock_slack, .cursor = std::move(cursor)};
}

bool Reconciler::over(const Context& context) const {
  if (context.expired()) throw Unavailable("the time was not enough to compare all payments");
  return stopping_();
}

void Reconciler::note(Difference difference) {
  auto& count = difference.state == DifferenceState::repaired ? result_.repaired : result_.remaining;
  ++count;
  if (result_.differences.size() < most_told) result_.differences.push_back(std::move(difference));
}

Task<> Reconciler::their_payments(Context context, At at) {
  std::string cursor;
  do {
    auto page = co_await at.gateway.list_payments(context.limited(gateway_limit), range(std::move(cursor)));
    std::vector<Uuid> order_ids;
    for (const auto& record : page.records) {
      const auto order_id = order_of(record.key);
      if (!order_id) continue;
      order_ids.push_back(*order_id);
      if (seen_payments_.insert(*order_id).second) ++result_.payments;
    }
    std::unordered_map<Uuid, KnownPayment> ours;
    for (auto& known : co_await service_.repository_.find_all(context, order_ids)) {
      ours.emplace(known.payment.order_id, known);
    }
    for (auto& record : page.records) {
      const auto order_id = order_of(record.key);
      if (!order_id) continue;
      const auto known = ours.find(*order_id);
      const auto mine = known == ours.end() ? std::nullopt : std::optional(known->second);
      if (!compare(at.name, mine, record.payment)) continue;
      if (over(context)) co_return;
      co_await examine(context, at, *order_id, std::move(record));
    }
    cursor = std::move(page.next);
  } while (!cursor.empty() && !over(context));
}

Task<> Reconciler::our_payments(Context context, At at) {
  const ListPayments filter{.payment_gateway = at.name, .created_from = result_.since};
  std::optional<PaymentCursor> after;
  for (;;) {
    const auto page = co_await service_.repository_.list(context, filter, after, our_page);
    for (const auto& payment : page) {
      if (!seen_payments_.insert(payment.order_id).second) continue;
      ++result_.payments;
      const bool counts =
          payment.status == PaymentStatus::succeeded || payment.status == PaymentStatus::refunded || payment.authorized;
      if (!counts) continue;
      if (over(context)) co_return;
      co_await examine(context, at, payment.order_id, std::nullopt);
    }
    if (std::ssize(page) < our_page || over(context)) co_return;
    after = PaymentCursor{page.back().created_at, page.back().id};
  }
}

// Ours is read before and after theirs, so that both are of one moment.
Task<Reconciler::PaymentLook> Reconciler::look(Context context, At at, Uuid order_id,
                                               std::optional<GatewayPaymentRecord> record) {
  PaymentLook look{.order_id = order_id, .ours = {}, .theirs = {}, .finding = {}};
  look.ours = co_await service_.repository_.find(context, order_id);
  for (int i = 0; i < looks; ++i) {
    look.theirs = co_await ask(context, at, look, record);
    auto again = co_await service_.repository_.find(context, order_id);
    const bool quiet = fingerprint(again) == fingerprint(look.ours);
    look.ours = std::move(again);
    if (quiet) break;
  }
  look.finding = compare(at.name, look.ours, look.theirs);
  co_return look;
}

// What was listed and is not our payment cannot be asked for by our key.
Task<std::optional<GatewayPayment>> Reconciler::ask(Context context, At at, PaymentLook look,
                                                    std::optional<GatewayPaymentRecord> record) {
  if (record && is_another(look.ours, at.name, record->payment)) co_return std::move(record->payment);
  GatewayRef ref{.key = look.order_id.to_string(), .id = std::nullopt};
  if (record) ref.id = record->payment.id;
  if (!record && look.ours) ref.id = look.ours->payment.gateway_payment_id;
  if (at.gateway.opens() && !ref.id) co_return std::nullopt;
  co_return co_await at.gateway.find(context.limited(gateway_limit), std::move(ref));
}

// One that fails must not keep the others from being compared.
Task<> Reconciler::examine(Context context, At at, Uuid order_id, std::optional<GatewayPaymentRecord> record) {
  Difference difference{.kind = DifferenceKind::no_answer, .gateway = at.name, .order_id = order_id};
  try {
    auto first = co_await look(context, at, order_id, record);
    if (!first.finding) co_return;
    difference = difference_of(at.name, order_id, *first.finding, first.ours, first.theirs);
    if (first.finding->remedy != rules::Remedy::none) difference.state = DifferenceState::repairable;
    if (request_.repair && difference.state == DifferenceState::repairable) {
      const auto method = record ? record->method : Method::card;
      co_await repair(context, at, std::move(first), method, record ? record->created_at : now());
      const auto then = co_await look(context, at, order_id, record);
      if (!then.finding) difference.state = DifferenceState::repaired;
    }
  } catch (const std::exception& error) {
    const std::string what = error.what();
    log::warning(context, "a payment could not be compared with the gateway's", log::kv("order_id", order_id),
                 log::kv("gateway", at.name), log::kv("error", what));
    difference.advice = "it could not be looked at to the end; the log says why, and the next run tries again";
  }
  note(std::move(difference));
}

Task<> Reconciler::repair(Context context, At at, PaymentLook look, Method method, Timestamp created_at) {
  switch (look.finding->remedy) {
    case rules::Remedy::none: break;
    case rules::Remedy::take_word:
      co_await service_.store(std::move(context), look.ours.value().payment, look.theirs.value());
      break;
    case rules::Remedy::write_down:
      if (look.ours) {
        co_await mark_captured(std::move(context), look.ours->payment, look.theirs.value());
      } else {
        co_await adopt(std::move(context), at, look.order_id, look.theirs.value(), method, created_at);
      }
      break;
    case rules::Remedy::give_up_hold:
      co_await at.gateway.cancel(context.limited(gateway_limit),
                                 {.key = look.order_id.to_string(), .id = look.theirs.value().id});
      break;
  }
}

Task<> Reconciler::commit(pg::Transaction tx) {
  SOUK_FAILPOINT("payment.before_correction_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("payment.after_correction_commit");
  service_.outbox_.committed();
}

// Whose it is we do not know: the customer is the nil UUID.
Task<> Reconciler::adopt(Context context, At at, Uuid order_id, GatewayPayment theirs, Method method,
                         Timestamp created_at) {
  Payment payment{.id = Uuid::v7(), .order_id = order_id, .amount = theirs.amount, .currency = theirs.currency};
  payment.payment_number = rules::new_number("PAY", now());
  payment.status = PaymentStatus::succeeded;
  payment.payment_method = method;
  payment.payment_gateway = at.name;
  payment.gateway_payment_id = theirs.id;
  payment.created_at = created_at;
  payment.succeeded_at = now();
  auto tx = co_await service_.pool_.begin(context.extended(result_limit));
  if (!co_await service_.reconcile_repository_.adopt(tx, payment, std::move(theirs.response))) co_return;
  co_await service_.outbox_.append(tx, "payment.changed", order_id.to_string(), payment);
  co_await commit(std::move(tx));
  log::warning(context, "a payment that only the gateway knew was written down", log::kv("order_id", order_id),
               log::kv("amount", payment.amount));
}

Task<> Reconciler::mark_captured(Context context, Payment payment, GatewayPayment theirs) {
  payment.status = PaymentStatus::succeeded;
  payment.gateway_payment_id = theirs.id;
  payment.succeeded_at = now();
  payment.failed_at.reset();
  payment.failure_reason.reset();
  payment.next_action.reset();
  payment.outcome_unknown = false;
  auto tx = co_await service_.pool_.begin(context.extended(result_limit));
  if (!co_await service_.reconcile_repository_.mark_captured(tx, payment, std::move(theirs.response))) co_return;
  co_await service_.outbox_.append(tx, "payment.changed", payment.order_id.to_string(), payment);
  co_await commit(std::move(tx));
  log::warning(context, "a payment that had ended was captured at the gateway", log::kv("order_id", payment.order_id),
               log::kv("amount", payment.amount));
}

}  // namespace souk::payment
