#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "events/outbox.hpp"
#include "gateways/gateway.hpp"
#include "method_repository.hpp"
#include "payment/api.hpp"
#include "postgres/pool.hpp"
#include "reconcile_repository.hpp"
#include "repository.hpp"
#include "writer.hpp"

namespace souk::payment {

// The gateways by their names, and the one that is used when a charge names none.
struct Gateways {
  std::map<std::string, Gateway*, std::less<>> by_name;
  std::string standard;
  bool capture_later = false;  // money is held first, and taken by capture()
};

class Service final : public Api {
 public:
  // `pool` is of payment_db, migrated with the sets events, idempotency and payment. The gateways outlive the service.
  Service(Runtime& runtime, pg::Pool& pool, Gateways gateways);

  // Asks the gateways for what is not known, again and again.
  void start(TaskGroup& group);
  // One round of that: what is due now. Returns how many payments and refunds were asked for.
  Task<std::int64_t> resolve_due(Context context);

  Task<Result<Payment>> charge(Context context, Charge request) override;
  Task<Result<Payment>> get_payment(Context context, OrderRef request) override;
  Task<Result<Payment>> resolve(Context context, OrderRef request) override;
  Task<Result<Payment>> cancel(Context context, OrderRef request) override;
  Task<Result<Refund>> refund(Context context, RefundPayment request) override;
  Task<Result<Payment>> settle_cash(Context context, OrderRef request) override;
  Task<Result<Payment>> capture(Context context, PaymentRef request) override;
  Task<Result<PaymentDetails>> get_payment_details(Context context, PaymentRef request) override;
  Task<Result<PaymentPage>> list_payments(Context context, ListPayments request) override;
  Task<Result<Reconciliation>> reconcile(Context context, Reconcile request) override;
  Task<Result<PaymentMethods>> list_payment_methods(Context context, ListPaymentMethods request) override;
  Task<Result<PaymentMethod>> add_payment_method(Context context, AddPaymentMethod request) override;
  Task<Result<PaymentMethod>> make_default_payment_method(Context context, PaymentMethodRef request) override;
  Task<Result<Done>> delete_payment_method(Context context, PaymentMethodRef request) override;
  Task<Result<MessageReceipt>> receive_message(Context context, GatewayMessage message) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  static Task<> resolve_again_and_again(Service& service, TaskGroup& group);
  static Task<> prune_again_and_again(Service& service, TaskGroup& group);
  static Task<> reconcile_again_and_again(Service& service, TaskGroup& group);

  // The gateway and the token that pay for it; neither for cash.
  struct Means {
    std::optional<std::string> gateway;
    std::string token;
  };
  Task<Result<Means>> means_of(Context context, Charge request);
  GatewayCharge charge_of(const Payment& payment, Charge request, std::string token) const;
  Task<Payment> charge_at_gateway(Context context, Payment payment, GatewayCharge request);
  // The payment with the gateway's id in its row, where the gateway wants that; or as somebody else has ended it.
  Task<Payment> opened(Context context, Payment payment);
  Task<std::optional<GatewayPayment>> find_at_gateway(Context context, const Payment& payment);
  Task<Result<Payment>> charge_again(Context context, Charge request, std::string token);
  Task<Payment> ask(Context context, KnownPayment known);
  Task<Payment> cancel_at_gateway(Context context, KnownPayment known);
  Task<Payment> capture_at_gateway(Context context, Payment payment);
  Task<Payment> store(Context context, Payment before, GatewayPayment told);
  static void count(const Payment& payment);
  Task<Payment> fail(Context context, Payment payment, std::string reason);
  Task<Payment> end_cash(Context context, Payment payment, PaymentStatus status);

  // A refund that was begun now, or is known.
  struct BegunRefund {
    KnownRefund known;
    Payment payment;
    bool fresh = false;
  };
  Task<Result<BegunRefund>> begin_refund(Context context, RefundPayment request);
  Task<Refund> refund_at_gateway(Context context, BegunRefund begun);
  Task<std::optional<GatewayRefund>> find_refund_at_gateway(Context context, const KnownRefund& known,
                                                            const Payment& payment);
  Task<Refund> resolve_refund(Context context, KnownRefund known, Payment payment);
  Task<Refund> finish_refund(Context context, KnownRefund known, GatewayRefund told);
  Task<Refund> finish_refund(pg::Transaction& tx, Refund refund, GatewayRefund told);

  // What a message has the gateway tell, and what is stored of it.
  struct Heard {
    TakenMessage message;
    std::optional<Payment> before;
    std::optional<GatewayPayment> told;
    std::vector<std::pair<KnownRefund, GatewayRefund>> refunds;
  };
  Task<Heard> heard_of(Context context, std::string gateway, GatewayEvent event);
  Task<Heard> ask_about(Context context, Heard heard);
  Task<MessageOutcome> take(Context context, Heard heard);
  Task<> give_back_late(Context context, Payment payment, GatewayPayment told);

  Gateway& gateway_of(const Payment& payment) const;

  friend class Reconciler;
  // Ends early, with what it has found so far, where `stopping` says so.
  Task<Reconciliation> reconcile_until(Context context, Reconcile request, std::function<bool()> stopping);

  pg::Pool& pool_;
  Gateways gateways_;
  Repository repository_;
  ReconcileRepository reconcile_repository_;
  MethodRepository methods_;
  events::Outbox outbox_;
  Writer writer_;
};

}  // namespace souk::payment
