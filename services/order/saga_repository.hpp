#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/context.hpp"
#include "details.hpp"
#include "postgres/pool.hpp"

namespace souk::order {

inline constexpr const char* checkout_operation = "checkout";  // of the idempotency keys

// The intent: the first durable point of a checkout.
struct Intent {
  Uuid id;
  std::string scope;
  std::string key;
  std::string body_hash;
  std::string cart_key;
  std::optional<std::string> payment_token;
  Details details;
};

// What came of an intent.
struct Started {
  bool started = false;  // or, with the same id, it had been before
  // Otherwise why not: the key was used, or the cart in this version is bought by a checkout in this state.
  bool key_taken = false;
  std::optional<saga::Phase> cart_taken{};
  // Or this coupon or promotion is used as often as it may be, by all or by this customer.
  std::optional<Uuid> refused_coupon{};
};

// The pivot: order, items, addresses, history, event, reply and saga in one commit.
struct OrderToWrite {
  Uuid id;
  std::int64_t step_version = 1;
  Details details;
  PaymentStatus payment_status = PaymentStatus::pending;
  std::optional<std::string> gateway;
};
// The order that was written, now or by the same step before; empty when another worker has the saga.
struct OrderWritten {
  std::optional<Timestamp> confirmed_at{};
};

// Whether it was written, now or by the same step before; otherwise another worker has the saga.
struct Written {
  bool written = false;
};

struct RefusalToWrite {
  Uuid id;
  std::int64_t step_version = 1;
  Error refusal;
};

// A step of a saga, by whoever holds its lease.
struct Step {
  Uuid id;
  std::int64_t step_version = 1;
};

struct OpenCancellation {
  Uuid order_id;
  std::int64_t step_version = 1;
  std::chrono::seconds age{};
};

// The SQL of sagas. Writes of many are one statement each; they are idempotent by id and step version, and a worker
// whose step version is not the row's writes nothing.
class SagaRepository {
 public:
  SagaRepository(pg::Pool& pool, std::chrono::milliseconds lease) : pool_(pool), lease_(lease) {}

  // No two of the same key or cart. Takes a use of each one's coupon with it, which its refusal gives back.
  Task<std::vector<Started>> start(Context context, const std::vector<Intent>& intents);
  Task<std::vector<OrderWritten>> write_orders(Context context, const std::vector<OrderToWrite>& orders);
  Task<std::vector<Written>> write_refusals(Context context, const std::vector<RefusalToWrite>& refusals);
  // Says that a checkout is undone, by whoever takes it over, and why. False when another worker has the saga.
  Task<bool> write_undoing(Context context, Step step, const Error& refusal);
  Task<std::vector<Written>> write_completed(Context context, const std::vector<Step>& steps);

  // Gives up the lease until the customer has acted, or recovery looks again. False when another worker has the saga.
  Task<bool> park(Context context, Step step, std::optional<payment::NextAction> next_action,
                  std::chrono::milliseconds check_after);
  Task<bool> hand_over(Context context, Step step, std::chrono::milliseconds check_after);

  Task<std::optional<Checkpoint>> find(Context context, Uuid id);
  // Takes over what nobody holds and is due; at most `limit`.
  Task<std::vector<Checkpoint>> take_due(Context context, std::int64_t limit);
  // Takes over this one; empty when somebody holds it, it is over, or there is none.
  Task<std::optional<Checkpoint>> take(Context context, Uuid id);
  // Has recovery look at those that wait for their customers at once. False when none of them waits.
  Task<bool> make_due(Context context, std::vector<Uuid> ids);
  // Writes on orders what became of their payments after they were written: `paid` on one that is pending, `refunded`
  // on one that is not yet; nothing else. Returns the checkouts among them that ended without an order.
  Task<std::vector<Uuid>> note_payments(Context context, std::map<Uuid, PaymentStatus> told);
  Task<std::map<std::string, std::int64_t>> count_open(Context context);
  // Forgets checkouts that ended more than 30 days ago. Returns how many.
  Task<std::int64_t> prune(Context context);

  Task<std::vector<OpenCancellation>> take_due_cancellations(Context context, std::int64_t limit);
  Task<bool> hand_over(Context context, OpenCancellation cancellation, std::chrono::milliseconds check_after);
  // `refunded`: the order's payment_status follows. False when another worker has it.
  Task<bool> write_cancelled(Context context, OpenCancellation cancellation, bool refunded);

 private:
  pg::Pool& pool_;
  std::chrono::milliseconds lease_;
};

}  // namespace souk::order
