#include <algorithm>
#include <charconv>
#include <chrono>
#include <unordered_map>

#include "core/crypto.hpp"
#include "reconciler.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"

// The part of the comparison that looks at what was given back.
namespace souk::payment {
namespace {

using namespace std::chrono_literals;

constexpr Duration gateway_limit = 10s;
constexpr Duration result_limit = 5s;
constexpr std::int64_t our_page = 500;
constexpr std::string_view found_cause = "gateway:";

// Our key at the gateway: "<refund>/<attempt>".
struct RefundKey {
  Uuid id;
  std::int64_t attempt = 1;
};

std::optional<RefundKey> parse_key(const std::optional<std::string>& key) {
  if (!key || key->size() < 38 || (*key)[36] != '/') return std::nullopt;
  const auto id = Uuid::parse(std::string_view(*key).substr(0, 36));
  RefundKey parsed;
  const auto [end, error] = std::from_chars(key->data() + 37, key->data() + key->size(), parsed.attempt);
  if (!id || error != std::errc{} || end != key->data() + key->size()) return std::nullopt;
  parsed.id = *id;
  return parsed;
}

std::string key_of(const BookedRefund& booked) {
  return booked.known.refund.id.to_string() + "/" + std::to_string(booked.known.attempts);
}

GatewayRefundRequest request_of(const BookedRefund& booked) {
  return {.key = key_of(booked),
          .payment_id = booked.gateway_payment_id.value_or(""),
          .amount = booked.known.refund.amount,
          .currency = booked.known.refund.currency};
}

// Once an order and refund of the gateway's.
std::string cause_of(const std::string& gateway_refund_id) {
  return std::string(found_cause) +
         (gateway_refund_id.size() <= 90 ? gateway_refund_id : hex(sha256(gateway_refund_id)));
}

double age_s(const Refund& refund) { return std::chrono::duration<double>(now() - refund.created_at).count(); }

rules::TheirRefund theirs_of(const GatewayRefundRecord& record) {
  return {.state = record.refund.state, .amount = record.amount, .currency = record.currency};
}

bool is_same(const BookedRefund& ours, const GatewayRefundRecord& record) {
  const auto key = parse_key(record.key);
  return (key && key->id == ours.known.refund.id && key->attempt == ours.known.attempts) ||
         ours.gateway_refund_id == record.refund.id;
}

std::optional<BookedRefund> ours_of(const std::vector<BookedRefund>& booked, const GatewayRefundRecord& record) {
  const auto found = std::ranges::find_if(booked, [&](const BookedRefund& one) { return is_same(one, record); });
  return found == booked.end() ? std::nullopt : std::optional(*found);
}

std::optional<rules::Finding> compare(const std::optional<BookedRefund>& ours,
                                      const std::optional<rules::TheirRefund>& theirs) {
  if (!ours) return theirs ? rules::compare(std::nullopt, 0, theirs) : std::nullopt;
  return rules::compare(ours->known.refund, age_s(ours->known.refund), theirs);
}

}  // namespace

Task<> Reconciler::their_refunds(Context context, At at) {
  std::string cursor;
  do {
    auto page = co_await at.gateway.list_refunds(context.limited(gateway_limit), range(std::move(cursor)));
    // A refund of a payment that was not made through us is none of ours.
    std::erase_if(page.records, [](const auto& record) { return !record.payment_key && !record.key; });
    std::vector<Uuid> ids;
    std::vector<std::string> gateway_ids;
    for (const auto& record : page.records) {
      if (const auto key = parse_key(record.key)) ids.push_back(key->id);
      gateway_ids.push_back(record.refund.id);
    }
    result_.refunds += std::ssize(page.records);
    const auto booked =
        co_await service_.reconcile_repository_.find_refunds(context, std::move(ids), std::move(gateway_ids));
    for (auto& record : page.records) {
      const auto ours = ours_of(booked, record);
      if (ours) seen_refunds_.insert(ours->known.refund.id);
      if (!compare(ours, theirs_of(record))) continue;
      if (over(context)) co_return;
      co_await examine_refund(context, at, ours, std::move(record));
    }
    cursor = std::move(page.next);
  } while (!cursor.empty() && !over(context));
}

Task<> Reconciler::our_refunds(Context context, At at) {
  std::optional<Refund> after;
  for (;;) {
    const auto page =
        co_await service_.reconcile_repository_.list_refunds(context, at.name, result_.since, after, our_page);
    for (const auto& ours : page) {
      if (!seen_refunds_.insert(ours.known.refund.id).second) continue;
      ++result_.refunds;
      // One that was found at the gateway cannot be asked for: it has no key of ours.
      if (ours.known.refund.status != RefundStatus::succeeded || ours.known.cause.starts_with(found_cause)) continue;
      if (over(context)) co_return;
      co_await examine_refund(context, at, ours, std::nullopt);
    }
    if (std::ssize(page) < our_page || over(context)) co_return;
    after = page.back().known.refund;
  }
}

Task<Reconciler::RefundLook> Reconciler::look_at_refund(Context context, At at, std::optional<BookedRefund> ours,
                                                        std::optional<GatewayRefundRecord> record) {
  RefundLook look{.ours = std::move(ours), .theirs = {}, .finding = {}};
  if (record) look.theirs = theirs_of(*record);
  if (look.ours || record) {
    std::vector<Uuid> ids;
    if (look.ours) ids.push_back(look.ours->known.refund.id);
    if (!look.ours && record && parse_key(record->key)) ids.push_back(parse_key(record->key)->id);
    std::vector<std::string> gateway_ids;
    if (record) gateway_ids.push_back(record->refund.id);
    const auto booked = co_await service_.reconcile_repository_.find_refunds(context, ids, gateway_ids);
    if (record) {
      look.ours = ours_of(booked, *record);
    } else if (!booked.empty()) {
      look.ours = booked.front();
    }
  }
  // What the gateway knows by our key is asked for anew; what it has without one stays as it was listed.
  if (look.ours && (!record || record->key == key_of(*look.ours))) {
    const auto told = co_await at.gateway.find_refund(context.limited(gateway_limit), request_of(*look.ours));
    const auto& refund = look.ours->known.refund;
    const auto amount = record ? record->amount : refund.amount;
    const auto currency = record ? record->currency : refund.currency;
    look.theirs = told ? std::optional(rules::TheirRefund{told->state, amount, currency}) : std::nullopt;
  }
  look.finding = compare(look.ours, look.theirs);
  co_return look;
}

Task<> Reconciler::examine_refund(Context context, At at, std::optional<BookedRefund> ours,
                                  std::optional<GatewayRefundRecord> record) {
  Difference difference{.kind = DifferenceKind::no_answer, .gateway = at.name};
  if (ours) difference.order_id = ours->known.refund.order_id;
  if (!ours) difference.order_id = record->payment_key ? Uuid::parse(*record->payment_key) : std::nullopt;
  if (ours) difference.number = ours->known.refund.refund_number;
  if (record) difference.gateway_id = record->refund.id;
  try {
    auto first = co_await look_at_refund(context, at, ours, record);
    if (!first.finding) co_return;
    difference.kind = first.finding->kind;
    difference.advice = first.finding->advice;
    if (first.ours) difference.ours = rules::describe(first.ours->known.refund);
    if (first.theirs) difference.theirs = rules::describe(*first.theirs);
    if (first.finding->remedy != rules::Remedy::none) difference.state = DifferenceState::repairable;
    if (request_.repair && difference.state == DifferenceState::repairable) {
      co_await repair_refund(context, first, record);
      const auto then = co_await look_at_refund(context, at, first.ours, record);
      difference.state = then.finding ? DifferenceState::open : DifferenceState::repaired;
      if (then.finding) difference.advice = "it does not fit in our books: somebody must look at the order's payment";
    }
  } catch (const std::exception& error) {
    const std::string what = error.what();
    log::warning(context, "a refund could not be compared with the gateway's", log::kv("gateway", at.name),
                 log::kv("refund", difference.gateway_id.value_or("")), log::kv("error", what));
    difference.advice = "it could not be looked at to the end; the log says why, and the next run tries again";
  }
  note(std::move(difference));
}

Task<> Reconciler::repair_refund(Context context, RefundLook look, std::optional<GatewayRefundRecord> record) {
  if (look.finding->remedy == rules::Remedy::take_word) {
    const auto paid = co_await service_.repository_.find(context, look.ours.value().known.refund.order_id);
    co_await service_.resolve_refund(std::move(context), look.ours->known, paid.value().payment);
    co_return;
  }
  if (!record) co_return;
  const auto order_id =
      look.ours ? std::optional(look.ours->known.refund.order_id) : Uuid::parse(record->payment_key.value_or(""));
  if (order_id) co_await write_down(std::move(context), *order_id, std::move(look.ours), *std::move(record));
}

// Begun and finished in one transaction: nobody ever sees it under way and asks the gateway to give back once more.
Task<> Reconciler::write_down(Context context, Uuid order_id, std::optional<BookedRefund> ours,
                              GatewayRefundRecord record) {
  auto& repository = service_.repository_;
  auto tx = co_await service_.pool_.begin(context.extended(result_limit));
  const auto paid = co_await repository.lock(tx, order_id);
  if (!paid || paid->payment.currency != record.currency) co_return;
  KnownRefund known{.cause = ours ? ours->known.cause : cause_of(record.refund.id)};
  const auto before = co_await repository.find_refund(tx, order_id, known.cause);
  if (ours) {
    if (!before || before->refund.status != RefundStatus::failed || before->attempts != ours->known.attempts) co_return;
    known = *before;
  } else {
    if (before) co_return;
    known.refund = {.id = Uuid::v7(),
                    .refund_number = rules::new_number("REF", now()),
                    .payment_id = paid->payment.id,
                    .order_id = order_id,
                    .amount = record.amount,
                    .currency = record.currency,
                    .reason = "given back at the gateway",
                    .created_at = record.created_at};
  }
  if (!rules::refundable(paid->payment, paid->refunding, known.refund.amount)) co_return;
  known.refund.status = RefundStatus::succeeded;
  known.refund.succeeded_at = now();
  co_await repository.begin_refund(tx, known);
  co_await repository.finish_refund(tx, known.refund, record.refund.id, std::nullopt);
  const auto then = co_await repository.lock(tx, order_id);
  co_await service_.outbox_.append(tx, "payment.changed", order_id.to_string(), then.value().payment);
  co_await commit(std::move(tx));
  log::warning(context, "a refund that was made at the gateway was written down", log::kv("order_id", order_id),
               log::kv("refund", known.refund.refund_number), log::kv("amount", known.refund.amount));
}

}  // namespace souk::payment
