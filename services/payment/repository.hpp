#pragma once

#include <optional>
#include <string>
#include <vector>

#include "payment/api.hpp"
#include "postgres/pool.hpp"

namespace souk::payment {

// A payment and what only this service needs to know of it.
struct KnownPayment {
  Payment payment;
  Amount refunding;  // refunds that are under way
  double age_s = 0;  // by the database's clock
  bool capture_asked = false;
};

// A payment as it is to be, where its row still has the status `from`.
struct Change {
  PaymentStatus from{};
  Payment payment;
  std::optional<json::Raw> response;  // the gateway's
};

// A gateway's message that was taken.
struct TakenMessage {
  std::string gateway;
  std::string id;
  std::string type;
  std::optional<Uuid> payment_id;
  std::optional<std::string> gateway_payment_id;
  MessageOutcome outcome{};
};

struct KnownRefund {
  Refund refund;
  std::string cause;
  std::int64_t attempts = 1;
};

// Where a page of the list ends.
struct PaymentCursor {
  Timestamp created_at;
  Uuid id;

  static std::optional<PaymentCursor> parse(const std::string& text);
  std::string to_string() const;
};

// All SQL of the service. Whoever changes a refund holds the lock of its payment's row.
class Repository {
 public:
  explicit Repository(pg::Pool& pool) : pool_(pool) {}

  // Inserts the payments of orders that were neither charged nor closed, with one statement. Their created_at in the
  // order given; empty for the others.
  Task<std::vector<std::optional<Timestamp>>> begin(Context context, std::vector<Payment> payments);
  // Writes the changes and their events with one statement. False where the row has moved on.
  Task<std::vector<bool>> change(Context context, std::vector<Change> changes);

  // The same for one change, with what else the transaction does.
  Task<bool> change(pg::Transaction& tx, Change change);

  Task<std::optional<KnownPayment>> find(Context context, Uuid order_id);
  // Those of the orders that have one, in no order.
  Task<std::vector<KnownPayment>> find_all(Context context, std::vector<Uuid> order_ids);
  Task<std::optional<KnownPayment>> lock(pg::Transaction& tx, Uuid order_id);
  Task<std::optional<KnownPayment>> find_by_id(Context context, Uuid id);
  // The gateway's id of a payment that is under way: the one given, or the one that was stored before. Empty where the
  // payment has ended.
  Task<std::optional<std::string>> store_gateway_id(Context context, Uuid id, std::string gateway_payment_id);
  Task<std::optional<KnownPayment>> find_by_gateway_id(Context context, std::string gateway,
                                                       std::string gateway_payment_id);
  // Whether the gateway's message was taken before.
  Task<bool> has_message(Context context, std::string gateway, std::string id);
  // False where it was taken before; whoever takes it at the same time is waited for.
  Task<bool> take_message(pg::Transaction& tx, TakenMessage message);
  // Deletes messages that no gateway sends again. Returns how many.
  Task<std::int64_t> prune_messages(Context context);
  // Refunds of the payment that are under way.
  Task<std::vector<KnownRefund>> list_open_refunds(Context context, Uuid payment_id);
  // From now on the held money is to be captured. False where it is not held any more.
  Task<bool> ask_capture(Context context, Uuid id);
  // Those that the filter wants, after the cursor; at most `limit`, which may be one more than the request's.
  Task<std::vector<Payment>> list(Context context, ListPayments filter, std::optional<PaymentCursor> after,
                                  std::int64_t limit);
  Task<std::vector<Refund>> list_refunds(Context context, Uuid payment_id);
  // An order without a payment can never be charged after this. False when it has one.
  Task<bool> close_order(Context context, Uuid order_id);
  // Orders whose payment is to be asked for, each put off for a while: another process then takes others.
  Task<std::vector<Uuid>> take_due(Context context, std::int64_t limit);
  Task<std::optional<KnownRefund>> find_refund(pg::Transaction& tx, Uuid order_id, std::string cause);
  // A new refund, or one that failed and is tried again.
  Task<> begin_refund(pg::Transaction& tx, KnownRefund refund);
  // The end of a refund; the payment's row follows. Nothing where it has ended before.
  Task<> finish_refund(pg::Transaction& tx, Refund refund, std::optional<std::string> gateway_refund_id,
                       std::optional<std::string> failure_reason);
  Task<std::vector<KnownRefund>> take_due_refunds(Context context, std::int64_t limit);

 private:
  pg::Pool& pool_;
};

}  // namespace souk::payment
