#include "captures.hpp"

#include <algorithm>
#include <chrono>

#include "core/failure.hpp"
#include "telemetry/log.hpp"

namespace souk::order {

struct Captures::Known {
  Uuid order_id;
  std::optional<OrderStatus> status;
  std::optional<std::string> checkout;  // state of its saga, which is kept for 30 days
  bool cancelling = false;              // its money is on the way back

  BOOST_DESCRIBE_CLASS(Known, (), (order_id, status, checkout, cancelling), (), ())
};

namespace {

using namespace std::chrono_literals;

constexpr Duration call_limit = 12s;  // the gateway has 10
constexpr std::int64_t page_size = 100;
constexpr std::size_t most_told = 1000;
// A payment of this moment may be ahead of what follows it.
constexpr auto young = 20s;

constexpr pg::Statement find_statement{
    "order.known_of_captures",
    "SELECT t.id, o.status, s.state, c.order_id IS NOT NULL AND c.finished_at IS NULL "
    "FROM unnest($1::uuid[]) AS t (id) LEFT JOIN orders o ON o.id = t.id LEFT JOIN checkout_sagas s ON s.id = t.id "
    "LEFT JOIN cancellation_sagas c ON c.order_id = t.id"};

struct Verdict {
  std::string cause;  // of the refund that is safe; empty: none is
  std::string advice;
};

// Empty where the money has its order, or will have it in a moment.
std::optional<Verdict> judge(const std::optional<OrderStatus>& status, const std::string& checkout, bool cancelling) {
  if (status == OrderStatus::cancelled) {
    if (cancelling) return std::nullopt;
    return Verdict{"cancel", "the order is cancelled: the money is given back"};
  }
  if (status == OrderStatus::refunded) {
    return Verdict{"", "the order is refunded, and some of its money is still here: give it back or say why not"};
  }
  if (status) return std::nullopt;
  if (checkout == "compensated")
    return Verdict{"compensation", "its checkout has ended without an order: the money is given back"};
  if (checkout.empty())
    return Verdict{"", "neither an order nor a checkout is known of it: find out whose it is, or give it back"};
  if (checkout == "completed")
    return Verdict{"", "its checkout is completed and its order is gone: restore it, or give the money back"};
  return std::nullopt;
}

}  // namespace

Task<std::vector<Captures::Known>> Captures::find(Context context, std::vector<Uuid> order_ids) {
  co_return (co_await pool_.query(std::move(context), find_statement, order_ids)).to<Known>();
}

Task<Result<CapturesChecked>> Captures::check(Context context, CheckCaptures request) {
  const auto service = context.as_service("order");
  CapturesChecked result;
  payment::ListPayments page{.status = payment::PaymentStatus::succeeded, .created_from = request.since};
  page.limit = page_size;
  for (;;) {
    SOUK_CO_TRY(const auto captured, co_await payments_.list_payments(service.limited(call_limit), page));
    std::vector<Uuid> order_ids;
    for (const auto& payment : captured.data) order_ids.push_back(payment.order_id);
    const auto known = co_await find(context, order_ids);
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (context.expired()) throw Unavailable("the time was not enough to look at all payments");
      const auto payment = std::ranges::find(captured.data, known[i].order_id, &payment::Payment::order_id);
      co_await look_at(service, *payment, known[i], request.repair, result);
    }
    result.payments += std::ssize(captured.data);
    if (!captured.has_more) co_return result;
    page.cursor = *captured.next_cursor;
  }
}

Task<> Captures::look_at(Context context, payment::Payment payment, Known known, bool repair, CapturesChecked& result) {
  if (now() - payment.succeeded_at.value_or(payment.created_at) < young && !known.checkout) co_return;
  auto verdict = judge(known.status, known.checkout.value_or(""), known.cancelling);
  if (!verdict) co_return;
  OrphanedCapture orphan{.state = payment::DifferenceState::open,
                         .order_id = payment.order_id,
                         .payment_number = payment.payment_number,
                         .left = payment.amount - payment.refunded,
                         .currency = payment.currency,
                         .order_status = known.status,
                         .advice = std::move(verdict->advice)};
  if (!verdict->cause.empty()) orphan.state = payment::DifferenceState::repairable;
  if (repair && !verdict->cause.empty() && co_await give_back(context, payment.order_id, verdict->cause)) {
    orphan.state = payment::DifferenceState::repaired;
  }
  ++(orphan.state == payment::DifferenceState::repaired ? result.repaired : result.remaining);
  if (result.orphaned.size() < most_told) result.orphaned.push_back(std::move(orphan));
}

// The same refund as the checkout's or the cancellation's own: by its cause it is made once.
Task<bool> Captures::give_back(Context context, Uuid order_id, std::string cause) {
  log::warning(context, "money without an order is given back", log::kv("order_id", order_id));
  payment::RefundPayment request{.order_id = order_id, .cause = cause};
  const auto refund = co_await payments_.refund(context.limited(call_limit), std::move(request));
  if (!refund) {
    log::error(context, "money without an order cannot be given back", log::kv("order_id", order_id),
               log::kv("code", refund.error().code));
    co_return false;
  }
  const auto payment = co_await payments_.get_payment(context.limited(call_limit), {.order_id = order_id});
  co_return payment && payment->status == payment::PaymentStatus::refunded;
}

}  // namespace souk::order
