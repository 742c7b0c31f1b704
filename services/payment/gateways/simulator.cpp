#include "simulator.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "core/failure.hpp"
#include "currency.hpp"

namespace souk::payment {

// A row of simulator.payments.
struct Simulator::Stored {
  std::string id;
  std::string key;
  std::int64_t amount = 0;
  std::string currency;
  std::string token;
  GatewayState status{};
  std::optional<std::string> failure_reason;
  std::optional<NextActionType> action;
  std::optional<std::string> return_url;

  BOOST_DESCRIBE_CLASS(Stored, (), (id, key, amount, currency, token, status, failure_reason, action, return_url), (),
                       ())
};

namespace {

using pg::Statement;

enum class Fault { none, slow, timeout_before, timeout_after, error_before, error_after, unavailable };

struct Behaviour {
  std::string_view token;
  GatewayState state = GatewayState::succeeded;
  std::string_view failure_reason{};
  std::optional<NextActionType> action{};
  Fault fault = Fault::none;
};

constexpr auto behaviours = std::to_array<Behaviour>({
    {.token = "tok_success"},
    {.token = "tok_upi_success"},
    {.token = "tok_wallet_success"},
    {.token = "tok_authorize", .state = GatewayState::authorized},
    {.token = "tok_capture_timeout", .state = GatewayState::authorized},
    {.token = "tok_authorization_lapses", .state = GatewayState::authorized},
    {.token = "tok_declined", .state = GatewayState::failed, .failure_reason = "card_declined"},
    {.token = "tok_insufficient_funds", .state = GatewayState::failed, .failure_reason = "insufficient_funds"},
    {.token = "tok_expired_card", .state = GatewayState::failed, .failure_reason = "expired_card"},
    {.token = "tok_requires_action", .state = GatewayState::requires_action, .action = NextActionType::redirect},
    {.token = "tok_three_d_secure", .state = GatewayState::requires_action, .action = NextActionType::three_d_secure},
    {.token = "tok_upi_approval", .state = GatewayState::requires_action, .action = NextActionType::upi_approval},
    {.token = "tok_slow", .fault = Fault::slow},
    {.token = "tok_timeout_before_charge", .fault = Fault::timeout_before},
    {.token = "tok_timeout_after_charge", .fault = Fault::timeout_after},
    {.token = "tok_error_before_charge", .fault = Fault::error_before},
    {.token = "tok_error_after_charge", .fault = Fault::error_after},
    {.token = "tok_unavailable", .fault = Fault::unavailable},
    {.token = "tok_refund_fails"},
    {.token = "tok_refund_timeout"},
    {.token = "tok_refund_pending"},
});

constexpr Behaviour unknown_token{.token = "", .state = GatewayState::failed, .failure_reason = "invalid_token"};

Behaviour behaviour_of(std::string_view token) {
  const auto* found = std::ranges::find(behaviours, token, &Behaviour::token);
  return found == behaviours.end() ? unknown_token : *found;
}

constexpr Statement insert_payments{
    "simulator.insert",
    "INSERT INTO simulator.payments (id, key, amount, currency, method, token, status, failure_reason, action, "
    "                                return_url) "
    "SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], "
    "                     $8::text[], $9::text[], $10::text[]) "
    "ON CONFLICT (key) DO NOTHING RETURNING id"};

#define SOUK_SIMULATED "id, key, amount, currency, token, status, failure_reason, action, return_url"
constexpr Statement find_by_key{"simulator.find", "SELECT " SOUK_SIMULATED " FROM simulator.payments WHERE key = $1"};
constexpr Statement find_by_id{"simulator.find_hosted",
                               "SELECT " SOUK_SIMULATED " FROM simulator.payments WHERE id = $1"};
constexpr Statement decide_payment{"simulator.decide",
                                   "UPDATE simulator.payments SET status = $2, failure_reason = $3, updated_at = now() "
                                   "WHERE id = $1 AND status = 'requires_action' RETURNING " SOUK_SIMULATED};
constexpr Statement capture_payment{
    "simulator.capture",
    "UPDATE simulator.payments SET updated_at = now(), "
    "       status = CASE token WHEN 'tok_authorization_lapses' THEN 'cancelled' ELSE 'succeeded' END "
    "WHERE key = $1 AND status = 'authorized'"};
// A key that nobody has used is taken, so that a charge which arrives later finds a cancelled payment.
constexpr Statement cancel_payment{
    "simulator.cancel",
    "INSERT INTO simulator.payments AS p (id, key, amount, currency, method, token, status) "
    "VALUES ($2, $1, 0, '', '', '', 'cancelled') ON CONFLICT (key) DO UPDATE "
    "SET status = 'cancelled', updated_at = now() WHERE p.status IN ('requires_action', 'authorized')"};
constexpr Statement lock_payment{"simulator.lock",
                                 "SELECT " SOUK_SIMULATED " FROM simulator.payments WHERE id = $1 FOR UPDATE"};
#undef SOUK_SIMULATED

// Of two refunds with one key the second does nothing; the balance is checked by the lock of the payment's row.
constexpr Statement insert_refund{
    "simulator.refund",
    "WITH made AS (INSERT INTO simulator.refunds (id, key, payment_id, amount, status, failure_reason) "
    "              SELECT $1, $2, id, $4::bigint, CASE WHEN $5::text IS NULL AND amount - refunded >= $4 THEN $6 "
    "                                                  ELSE 'failed' END, "
    "                     CASE WHEN amount - refunded < $4 THEN 'insufficient_balance' ELSE $5 END "
    "              FROM simulator.payments WHERE id = $3 AND status = 'succeeded' "
    "              ON CONFLICT (key) DO NOTHING RETURNING payment_id, amount, status) "
    "UPDATE simulator.payments AS p SET refunded = refunded + made.amount, updated_at = now() FROM made "
    "WHERE p.id = made.payment_id AND made.status <> 'failed'"};
constexpr Statement find_refund_by_key{"simulator.find_refund",
                                       "SELECT id, status, failure_reason FROM simulator.refunds WHERE key = $1"};
// A refund that was pending is done when somebody asks for it.
constexpr Statement settle_refund{
    "simulator.settle_refund",
    "UPDATE simulator.refunds SET status = 'succeeded' WHERE key = $1 AND status = 'pending'"};

// Only the first attempt for a key meets a fault that comes before the charge.
constexpr Statement note_fault{
    "simulator.note_fault", "INSERT INTO simulator.faults (key) VALUES ($1) ON CONFLICT (key) DO NOTHING RETURNING 1"};

std::string new_id(std::string_view prefix) { return std::string(prefix) + Uuid::v7().to_string(); }

Task<> wait(Context context, Duration duration) {
  Timer timer(co_await asio::this_coro::executor, std::min(duration, std::max(context.time_left(), Duration::zero())));
  co_await timer.async_wait(use_task);
}

// What a real gateway would answer. Without the token: whoever has it could charge again.
struct Reply {
  std::string id;
  GatewayState status{};
  std::int64_t amount = 0;
  std::string currency;
  std::optional<std::string> failure_reason;
};
BOOST_DESCRIBE_STRUCT(Reply, (), (id, status, amount, currency, failure_reason))

struct RefundReply {
  std::string id;
  GatewayRefundState status{};
  std::optional<std::string> failure_reason;
};
BOOST_DESCRIBE_STRUCT(RefundReply, (), (id, status, failure_reason))

GatewayRefund to_gateway_refund(const RefundReply& reply) {
  return {
      .id = reply.id, .state = reply.status, .failure_reason = reply.failure_reason, .response = {json::write(reply)}};
}

}  // namespace

Simulator::Simulator(Runtime& runtime, pg::Pool& pool) : Simulator(runtime, pool, Delays{}) {}

Simulator::Simulator(Runtime& runtime, pg::Pool& pool, Delays delays)
    : pool_(pool),
      delays_(delays),
      inserts_(runtime.executor(runtime.size() - 1), {.max_batch = 256},
               [&pool](std::vector<NewPayment> payments) { return insert(pool, std::move(payments)); }) {}

Task<std::vector<bool>> Simulator::insert(pg::Pool& pool, std::vector<NewPayment> payments) {
  std::vector<std::string> ids, keys, currencies, tokens;
  std::vector<std::int64_t> units;
  std::vector<Method> methods;
  std::vector<GatewayState> states;
  std::vector<std::optional<std::string>> reasons, return_urls;
  std::vector<std::optional<NextActionType>> actions;
  Deadline latest = Deadline::min();
  for (const auto& payment : payments) {
    ids.push_back(payment.id);
    keys.push_back(payment.request.key);
    units.push_back(payment.units);
    currencies.push_back(payment.request.currency);
    methods.push_back(payment.request.method);
    tokens.push_back(payment.request.token);
    states.push_back(payment.state);
    reasons.push_back(payment.failure_reason);
    actions.push_back(payment.action);
    return_urls.push_back(payment.request.return_url);
    latest = std::max(latest, payment.deadline);
  }
  const Context context("simulator batch", "", Caller{}, latest);
  const auto rows = co_await pool.query(context, insert_payments, ids, keys, units, currencies, methods, tokens, states,
                                        reasons, actions, return_urls);
  std::vector<std::string> inserted;
  for (const pg::Row row : rows) inserted.push_back(row.get<std::string>(0));
  std::vector<bool> answers;
  for (const auto& id : ids) answers.push_back(std::ranges::find(inserted, id) != inserted.end());
  co_return answers;
}

Task<bool> Simulator::record(Context context, NewPayment payment) {
  payment.deadline = context.deadline();
  co_return co_await inserts_.submit(std::move(payment));
}

Task<GatewayPayment> Simulator::charge(Context context, GatewayCharge request) {
  const auto behaviour = behaviour_of(request.token);
  if (behaviour.fault == Fault::unavailable) throw Unavailable("the simulated gateway cannot be reached");
  if (behaviour.fault == Fault::slow) co_await wait(context, delays_.slow);
  const bool before = behaviour.fault == Fault::error_before || behaviour.fault == Fault::timeout_before;
  if (before && co_await first_attempt(context, request.key)) {
    if (behaviour.fault == Fault::error_before) throw UnknownOutcome("the simulated gateway answers HTTP 500");
    co_await wait(context, delays_.timeout);
    throw UnknownOutcome("the simulated gateway does not answer");
  }
  NewPayment payment{.id = new_id("sim_"), .request = request, .state = behaviour.state, .action = behaviour.action};
  payment.units = to_units(request.amount, request.currency).value();
  if (!behaviour.failure_reason.empty()) payment.failure_reason = behaviour.failure_reason;
  if (request.capture_later && payment.state == GatewayState::succeeded) payment.state = GatewayState::authorized;
  if (!co_await record(context, payment)) {
    const auto known = co_await find_stored(context, request.key);
    const bool closed = known && known->amount == 0;
    if (!known || (!closed && known->amount != payment.units)) {
      throw std::runtime_error("the key was used for another amount at the simulated gateway");
    }
    co_return to_gateway(*known);
  }
  if (behaviour.fault == Fault::error_after) throw UnknownOutcome("the simulated gateway answers HTTP 500");
  if (behaviour.fault == Fault::timeout_after) {
    co_await wait(context, delays_.timeout);
    throw UnknownOutcome("the simulated gateway does not answer");
  }
  co_return to_gateway(to_stored(std::move(payment)));
}

Task<bool> Simulator::first_attempt(Context context, std::string key) {
  co_return !(co_await pool_.query(std::move(context), note_fault, key)).empty();
}

Task<std::optional<Simulator::Stored>> Simulator::find_stored(Context context, std::string key) {
  const auto rows = co_await pool_.query(std::move(context), find_by_key, key);
  if (rows.empty()) co_return std::nullopt;
  co_return rows.front().to<Stored>();
}

Task<std::optional<GatewayPayment>> Simulator::find(Context context, GatewayRef payment) {
  const auto stored = co_await find_stored(std::move(context), std::move(payment.key));
  if (!stored) co_return std::nullopt;
  co_return to_gateway(*stored);
}

Task<GatewayPayment> Simulator::capture(Context context, GatewayRef payment) {
  const bool taken = (co_await pool_.query(context, capture_payment, payment.key)).affected() > 0;
  const auto stored = co_await find_stored(context, std::move(payment.key));
  if (!stored) throw std::runtime_error("the simulated gateway has no such payment to capture");
  if (taken && stored->token == "tok_capture_timeout") {
    co_await wait(context, delays_.timeout);
    throw UnknownOutcome("the simulated gateway does not answer");
  }
  co_return to_gateway(*stored);
}

Task<std::optional<GatewayPayment>> Simulator::cancel(Context context, GatewayRef payment) {
  co_await pool_.query(context, cancel_payment, payment.key, new_id("sim_"));
  co_return co_await find(std::move(context), std::move(payment));
}

Task<GatewayRefund> Simulator::refund(Context context, GatewayRefundRequest request) {
  auto tx = co_await pool_.begin(context);
  const auto locked = co_await tx.query(lock_payment, request.payment_id);
  if (locked.empty()) throw std::runtime_error("the simulated gateway has no such payment to refund");
  const auto payment = locked.front().to<Stored>();
  std::optional<std::string> failure;
  if (payment.token == "tok_refund_fails") failure = "refund_refused";
  const auto state =
      payment.token == "tok_refund_pending" ? GatewayRefundState::pending : GatewayRefundState::succeeded;
  const auto units = to_units(request.amount, request.currency).value();
  const auto made =
      co_await tx.query(insert_refund, new_id("simre_"), request.key, request.payment_id, units, failure, state);
  co_await tx.commit();
  if (payment.token == "tok_refund_timeout" && made.affected() > 0) {
    co_await wait(context, delays_.timeout);
    throw UnknownOutcome("the simulated gateway does not answer");
  }
  const auto rows = co_await pool_.query(std::move(context), find_refund_by_key, request.key);
  if (rows.empty()) throw std::runtime_error("the simulated gateway has not captured the payment to refund");
  co_return to_gateway_refund(rows.front().to<RefundReply>());
}

Task<std::optional<GatewayRefund>> Simulator::find_refund(Context context, GatewayRefundRequest request) {
  co_await pool_.query(context, settle_refund, request.key);
  const auto rows = co_await pool_.query(std::move(context), find_refund_by_key, request.key);
  if (rows.empty()) co_return std::nullopt;
  co_return to_gateway_refund(rows.front().to<RefundReply>());
}

Task<std::optional<Simulator::Hosted>> Simulator::find_hosted(Context context, std::string id) {
  const auto rows = co_await pool_.query(std::move(context), find_by_id, id);
  if (rows.empty()) co_return std::nullopt;
  co_return to_hosted(rows.front().to<Stored>());
}

Task<std::optional<Simulator::Hosted>> Simulator::decide(Context context, std::string id, bool approved) {
  const auto state = approved ? GatewayState::succeeded : GatewayState::failed;
  const auto reason = approved ? std::nullopt : std::optional<std::string>("rejected_by_customer");
  const auto rows = co_await pool_.query(std::move(context), decide_payment, id, state, reason);
  if (rows.empty()) co_return std::nullopt;
  co_return to_hosted(rows.front().to<Stored>());
}

Simulator::Stored Simulator::to_stored(NewPayment payment) {
  return {.id = std::move(payment.id),
          .key = std::move(payment.request.key),
          .amount = payment.units,
          .currency = std::move(payment.request.currency),
          .token = std::move(payment.request.token),
          .status = payment.state,
          .failure_reason = std::move(payment.failure_reason),
          .action = payment.action,
          .return_url = std::move(payment.request.return_url)};
}

GatewayPayment Simulator::to_gateway(const Stored& stored) {
  GatewayPayment payment{.id = stored.id,
                         .state = stored.status,
                         .amount = from_units(stored.amount, stored.currency),
                         .currency = stored.currency,
                         .failure_reason = stored.failure_reason};
  if (stored.status == GatewayState::requires_action && stored.action) {
    payment.next_action = NextAction{.type = *stored.action, .url = "/simulator/payments/" + stored.id};
  }
  const Reply reply{stored.id, stored.status, stored.amount, stored.currency, stored.failure_reason};
  payment.response = {json::write(reply)};
  return payment;
}

Simulator::Hosted Simulator::to_hosted(const Stored& stored) {
  return {.payment = to_gateway(stored), .key = stored.key, .return_url = stored.return_url};
}

}  // namespace souk::payment
