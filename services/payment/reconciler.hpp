#pragma once

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "gateways/gateway.hpp"
#include "reconcile_rules.hpp"
#include "service.hpp"

namespace souk::payment {

// One comparison of our books with the gateways'. What the lists show to differ is looked at again on both sides, each
// alone, before it counts: lists are old when they arrive.
class Reconciler {
 public:
  Reconciler(Service& service, Reconcile request, std::function<bool()> stopping);
  Task<Reconciliation> run(Context context);

 private:
  struct At {
    std::string name;
    Gateway& gateway;
  };
  // What both say of a payment at one moment.
  struct PaymentLook {
    Uuid order_id;
    std::optional<KnownPayment> ours;
    std::optional<GatewayPayment> theirs;
    std::optional<rules::Finding> finding;
  };
  struct RefundLook {
    std::optional<BookedRefund> ours;
    std::optional<rules::TheirRefund> theirs;
    std::optional<rules::Finding> finding;
  };

  Task<> their_payments(Context context, At at);
  Task<> our_payments(Context context, At at);
  Task<> examine(Context context, At at, Uuid order_id, std::optional<GatewayPaymentRecord> record);
  Task<PaymentLook> look(Context context, At at, Uuid order_id, std::optional<GatewayPaymentRecord> record);
  Task<std::optional<GatewayPayment>> ask(Context context, At at, PaymentLook look,
                                          std::optional<GatewayPaymentRecord> record);
  Task<> repair(Context context, At at, PaymentLook look, Method method, Timestamp created_at);
  Task<> adopt(Context context, At at, Uuid order_id, GatewayPayment theirs, Method method, Timestamp created_at);
  Task<> mark_captured(Context context, Payment payment, GatewayPayment theirs);
  Task<> commit(pg::Transaction tx);

  Task<> their_refunds(Context context, At at);
  Task<> our_refunds(Context context, At at);
  Task<> examine_refund(Context context, At at, std::optional<BookedRefund> ours,
                        std::optional<GatewayRefundRecord> record);
  Task<RefundLook> look_at_refund(Context context, At at, std::optional<BookedRefund> ours,
                                  std::optional<GatewayRefundRecord> record);
  Task<> repair_refund(Context context, RefundLook look, std::optional<GatewayRefundRecord> record);
  // A refund that the gateway has made comes into our books; nothing where it does not fit in there.
  Task<> write_down(Context context, Uuid order_id, std::optional<BookedRefund> ours, GatewayRefundRecord record);

  GatewayRange range(std::string cursor) const;
  bool over(const Context& context) const;
  void note(Difference difference);

  Service& service_;
  Reconcile request_;
  std::function<bool()> stopping_;
  Reconciliation result_;
  std::unordered_set<Uuid> seen_payments_;  // order ids
  std::unordered_set<Uuid> seen_refunds_;
};

}  // namespace souk::payment
