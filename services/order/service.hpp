#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "basket.hpp"
#include "cancellations.hpp"
#include "captures.hpp"
#include "core/runtime.hpp"
#include "core/task_group.hpp"
#include "events/idempotency.hpp"
#include "events/outbox.hpp"
#include "executor.hpp"
#include "fulfilment.hpp"
#include "order/api.hpp"
#include "rates.hpp"
#include "recovery.hpp"
#include "repository.hpp"
#include "return_repository.hpp"
#include "returns.hpp"
#include "saga_repository.hpp"
#include "sold_out.hpp"
#include "undo.hpp"
#include "user/api.hpp"
#include "writes.hpp"

namespace souk::order {

struct Options {
  std::string secret;           // for guests' order tokens
  std::string return_url_base;  // "https://shop.example": where gateways send customers back; empty: nowhere
  std::chrono::milliseconds lease{30'000};
  std::chrono::milliseconds recovery_interval{2'000};
  std::chrono::milliseconds check_waiting_after{30'000};
  SoldOut::Limits sold_out{};
};

class Service final : public Api {
 public:
  Service(Runtime& runtime, pg::Pool& pool, cart::Api& carts, catalog::Api& catalog, inventory::Api& inventory,
          payment::Api& payments, user::Api& users, Options options);

  // Recovery, the payments' events, pruning. When `group` stops, what follows a checkout is finished first.
  void start(TaskGroup& group);
  // Without start(): finishes what follows the checkouts so far.
  Task<> settle();
  // One round of recovery: takes over what is due and goes on with it. Returns how much that was.
  Task<std::size_t> recover(Context context);

  Task<Result<QuoteResult>> quote(Context context, Quote request) override;
  Task<Result<CheckoutResult>> checkout(Context context, StartCheckout request) override;
  Task<Result<Checkout>> get_checkout(Context context, OrderRef request) override;
  Task<Result<CheckoutResult>> resume_checkout(Context context, OrderRef request) override;
  Task<Result<Order>> get_order(Context context, OrderRef request) override;
  Task<Result<OrderPage>> list_orders(Context context, ListOrders request) override;
  Task<Result<OrderPage>> search_orders(Context context, SearchOrders request) override;
  Task<Result<Order>> cancel_order(Context context, OrderRef request) override;
  Task<Result<Order>> start_processing(Context context, OrderRef request) override;
  Task<Result<Order>> ship_order(Context context, ShipOrder request) override;
  Task<Result<Order>> deliver_order(Context context, OrderRef request) override;
  Task<Result<Return>> request_return(Context context, RequestReturn request) override;
  Task<Result<OrderReturns>> list_order_returns(Context context, OrderRef request) override;
  Task<Result<ReturnPage>> list_returns(Context context, ListReturns request) override;
  Task<Result<Return>> get_return(Context context, ReturnRef request) override;
  Task<Result<Return>> decide_return(Context context, DecideReturn request) override;
  Task<Result<Return>> receive_return(Context context, ReceiveReturn request) override;
  Task<Result<Purchased>> has_purchased(Context context, HasPurchased request) override;
  Task<Result<Coupon>> create_coupon(Context context, NewCoupon request) override;
  Task<Result<Coupon>> get_coupon(Context context, CouponRef request) override;
  Task<Result<CouponPage>> list_coupons(Context context, ListCoupons request) override;
  Task<Result<Coupon>> patch_coupon(Context context, PatchCoupon request) override;
  Task<Result<CapturesChecked>> check_captures(Context context, CheckCaptures request) override;
  Task<Result<events::EventPage>> events(Context context, events::ReadEvents request) override;

 private:
  Task<Result<Intent>> prepare(Context context, const StartCheckout& request, idempotency::Key key);
  Task<Result<Address>> shipping_address(Context context, const CheckoutBody& body);
  Task<Result<CheckoutResult>> begin(Context context, Intent intent, idempotency::Key key);
  Task<Result<CheckoutResult>> drive(Context context, Run run);
  // What a key that was used before has come to; waits a little for it. Empty: the key was never used.
  Task<std::optional<Result<CheckoutResult>>> known_reply(Context context, idempotency::Key key);
  // What the row says of a checkout that this request goes on with no longer.
  Task<Result<CheckoutResult>> later_reply(Context context, const Run& run);
  Task<std::optional<Result<CheckoutResult>>> look_at(Context context, Uuid id);
  Result<CheckoutResult> answer(const Checkpoint& checkpoint) const;
  Task<Result<Checkpoint>> visible_checkout(Context context, const OrderRef& request);
  bool may_see(const Context& context, const Uuid& user_id, const OrderRef& request) const;

  Options options_;
  pg::Pool& pool_;
  user::Api& users_;
  events::Outbox outbox_;
  Repository repository_;
  SagaRepository sagas_;
  Coupons coupons_;
  RatesCache rates_;
  Baskets baskets_;
  Cancellations cancellations_;
  Fulfilment fulfilment_;
  ReturnRepository return_repository_;
  Returns returns_;
  Captures captures_;
  Writes writes_;
  SoldOut sold_out_;
  Executor executor_;
  Undo undo_;
  Recovery recovery_;
};

}  // namespace souk::order
