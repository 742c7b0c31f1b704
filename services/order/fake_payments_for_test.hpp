#pragma once

#include "fakes_for_test.hpp"

namespace souk::order {

// Payments in memory, by their tokens:
//   tok_ok, tok_decline, tok_action (the customer must act: then approve() or reject()), tok_authorise,
//   tok_silent (charged, and the gateway's answer lost: unknown until resolved), tok_mute (unknown, not charged, and
//   not resolved until answer()), tok_lost (the first charge never arrives at the gateway).
class FakePayments final : public payment::Api {
 public:
  explicit FakePayments(Disturbance& disturbance) : disturbance_(disturbance) {}

  void approve(Uuid order_id) { change(order_id, payment::PaymentStatus::succeeded); }
  // Captured, but nobody is told.
  void capture_quietly(Uuid order_id) {
    const std::lock_guard lock(mutex_);
    payments_.at(order_id).status = payment::PaymentStatus::succeeded;
  }
  // Money for an order that was never told of.
  void capture_from_nowhere(Uuid order_id) {
    const std::lock_guard lock(mutex_);
    payments_[order_id] = {.id = Uuid::v7(),
                           .payment_number = "PAY-1",
                           .order_id = order_id,
                           .amount = Amount(500),
                           .currency = "USD",
                           .status = payment::PaymentStatus::succeeded};
  }
  void give_all_back(Uuid order_id) { change(order_id, payment::PaymentStatus::refunded); }
  void reject(Uuid order_id) { change(order_id, payment::PaymentStatus::failed); }
  void answer() {
    const std::lock_guard lock(mutex_);
    mute_ = false;
  }
  std::optional<payment::Payment> find(Uuid order_id) {
    const std::lock_guard lock(mutex_);
    const auto found = payments_.find(order_id);
    return found == payments_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<payment::Payment> last() {
    const std::lock_guard lock(mutex_);
    return payments_.empty() ? std::nullopt : std::optional(payments_.rbegin()->second);
  }
  // What was taken and not given back, in all.
  std::int64_t money() {
    const std::lock_guard lock(mutex_);
    std::int64_t sum = 0;
    for (const auto& [id, payment] : payments_) {
      using enum payment::PaymentStatus;
      if (payment.status == succeeded || payment.status == refunded) sum += (payment.amount - payment.refunded).minor();
    }
    return sum;
  }
  void block_charges(bool block) { blocked_ = block; }

  Task<Result<payment::Payment>> charge(Context, payment::Charge request) override {
    disturbance_.before("payment.charge");
    while (blocked_) {
      Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(5));
      co_await timer.async_wait(use_task);
    }
    auto result = charge_now(request);
    disturbance_.after("payment.charge");
    co_return result;
  }
  Task<Result<payment::Payment>> get_payment(Context, payment::OrderRef request) override {
    disturbance_.before("payment.get_payment");
    const auto found = find(request.order_id);
    if (!found) co_return not_found();
    co_return *found;
  }
  Task<Result<payment::Payment>> resolve(Context, payment::OrderRef request) override {
    disturbance_.before("payment.resolve");
    const std::lock_guard lock(mutex_);
    const auto found = payments_.find(request.order_id);
    if (found == payments_.end()) co_return not_found();
    resolve_now(found->second);
    co_return found->second;
  }
  Task<Result<payment::Payment>> cancel(Context, payment::OrderRef request) override {
    disturbance_.before("payment.cancel");
    const std::lock_guard lock(mutex_);
    auto& payment = payments_[request.order_id];
    payment.order_id = request.order_id;
    resolve_now(payment);
    if (payment.status == payment::PaymentStatus::pending || payment.status == payment::PaymentStatus::processing) {
      if (!payment.outcome_unknown) payment.status = payment::PaymentStatus::cancelled;
    }
    co_return payment;
  }
  Task<Result<payment::Refund>> refund(Context, payment::RefundPayment request) override {
    disturbance_.before("payment.refund");
    auto result = refund_now(request);
    disturbance_.after("payment.refund");
    co_return result;
  }
  Task<Result<payment::MessageReceipt>> receive_message(Context, payment::GatewayMessage) override {
    throw std::logic_error("orders hear no gateway");
  }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents request) override {
    {
      const std::lock_guard lock(mutex_);
      const auto from = request.after.empty() ? 0 : std::stoul(request.after);
      events::EventPage page{.next = request.after};
      for (auto i = from; i < events_.size(); ++i) page.events.push_back(events_[i]);
      if (!page.events.empty()) page.next = std::to_string(events_.size());
      if (!page.events.empty()) co_return page;
    }
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(20));
    co_await timer.async_wait(use_task);
    co_return events::EventPage{.next = request.after};
  }
  Task<Result<payment::Payment>> settle_cash(Context, payment::OrderRef request) override {
    {
      const std::lock_guard lock(mutex_);
      if (!payments_.contains(request.order_id)) co_return not_found();
    }
    change(request.order_id, payment::PaymentStatus::succeeded);
    co_return find(request.order_id).value();
  }
  // Of "tok_lapses" the gateway holds nothing any more.
  Task<Result<payment::Payment>> capture(Context, payment::PaymentRef request) override {
    disturbance_.before("payment.capture");
    auto result = capture_now(request.payment_id);
    disturbance_.after("payment.capture");
    co_return result;
  }
  Task<Result<payment::PaymentDetails>> get_payment_details(Context, payment::PaymentRef) override { not_asked(); }
  // One payment a page, by order id.
  Task<Result<payment::PaymentPage>> list_payments(Context, payment::ListPayments request) override {
    const std::lock_guard lock(mutex_);
    payment::PaymentPage page;
    for (const auto& [id, payment] : payments_) {
      if (request.cursor && id.to_string() <= *request.cursor) continue;
      if (payment.status != request.status.value_or(payment.status)) continue;
      page.has_more = !page.data.empty();
      if (page.has_more) break;
      page.data.push_back(payment);
      page.next_cursor = id.to_string();
    }
    co_return page;
  }
  Task<Result<payment::Reconciliation>> reconcile(Context, payment::Reconcile) override { not_asked(); }
  Task<Result<payment::PaymentMethods>> list_payment_methods(Context, payment::ListPaymentMethods) override {
    not_asked();
  }
  Task<Result<payment::PaymentMethod>> add_payment_method(Context, payment::AddPaymentMethod) override { not_asked(); }
  Task<Result<payment::PaymentMethod>> make_default_payment_method(Context, payment::PaymentMethodRef) override {
    not_asked();
  }
  Task<Result<payment::Done>> delete_payment_method(Context, payment::PaymentMethodRef) override { not_asked(); }

 private:
  static Refusal not_found() { return refuse(ErrorKind::not_found, "payment.not_found", "There is no such payment."); }

  void change(Uuid order_id, payment::PaymentStatus status) {
    const std::lock_guard lock(mutex_);
    auto& payment = payments_.at(order_id);
    payment.status = status;
    payment.next_action.reset();
    if (status == payment::PaymentStatus::failed) payment.failure_reason = "rejected";
    events_.push_back({.cursor = std::to_string(events_.size() + 1),
                       .id = Uuid::v7(),
                       .type = "payment.changed",
                       .key = order_id.to_string(),
                       .payload = {json::write(payment)}});
  }
  static void succeed(payment::Payment& payment) {
    payment.outcome_unknown = false;
    payment.status = payment::PaymentStatus::succeeded;
    payment.gateway_payment_id.reset();
  }
  void resolve_now(payment::Payment& payment) {
    if (!payment.outcome_unknown || payment.gateway_payment_id == "lost") return;
    if (payment.gateway_payment_id == "mute" && mute_) return;
    payment.outcome_unknown = false;
    payment.status =
        payment.gateway_payment_id == "mute" ? payment::PaymentStatus::failed : payment::PaymentStatus::succeeded;
  }
  Result<payment::Payment> charge_now(const payment::Charge& request) {
    const std::lock_guard lock(mutex_);
    if (const auto known = payments_.find(request.order_id); known != payments_.end()) {
      if (known->second.gateway_payment_id == "lost") succeed(known->second);
      return known->second;
    }
    const auto token = request.token.value_or("");
    if (token == "tok_unknown") {
      return refuse(ErrorKind::unprocessable, "payment.method_unavailable", "There is no such gateway.");
    }
    payment::Payment payment{.id = Uuid::v7(),
                             .order_id = request.order_id,
                             .user_id = request.user_id,
                             .amount = request.amount,
                             .currency = request.currency,
                             .status = payment::PaymentStatus::processing,
                             .payment_method = request.method};
    if (request.method != payment::Method::cod) payment.payment_gateway = "simulator";
    if (request.method == payment::Method::cod) payment.status = payment::PaymentStatus::pending;
    if (token == "tok_ok") payment.status = payment::PaymentStatus::succeeded;
    if (token == "tok_decline") {
      payment.status = payment::PaymentStatus::failed;
      payment.failure_reason = "card_declined";
    }
    if (token == "tok_action") {
      payment.next_action = payment::NextAction{payment::NextActionType::redirect, "https://bank.example/"};
    }
    payment.authorized = token == "tok_authorise" || token == "tok_lapses";
    if (token == "tok_lapses") payment.gateway_payment_id = "lapsed";
    payment.outcome_unknown = token == "tok_silent" || token == "tok_mute" || token == "tok_lost";
    if (payment.outcome_unknown && token != "tok_silent") payment.gateway_payment_id = token.substr(4);
    return payments_[request.order_id] = payment;
  }
  Result<payment::Payment> capture_now(Uuid payment_id) {
    const std::lock_guard lock(mutex_);
    for (auto& [order_id, payment] : payments_) {
      if (payment.id != payment_id) continue;
      const bool lapsed = payment.gateway_payment_id == "lapsed";
      if (payment.authorized) {
        payment.status = lapsed ? payment::PaymentStatus::cancelled : payment::PaymentStatus::succeeded;
      }
      payment.authorized = false;
      if (payment.status != payment::PaymentStatus::cancelled) return payment;
      return refuse(ErrorKind::conflict, "payment.not_authorized", "Nothing is held.");
    }
    return not_found();
  }
  Result<payment::Refund> refund_now(const payment::RefundPayment& request) {
    const std::lock_guard lock(mutex_);
    const auto found = payments_.find(request.order_id);
    if (found == payments_.end()) return not_found();
    auto& payment = found->second;
    if (const auto known = refunds_.find({request.order_id, request.cause}); known != refunds_.end()) {
      if (request.amount && *request.amount != known->second.amount) {
        return refuse(ErrorKind::conflict, "payment.refund_differs", "Another amount.");
      }
      return known->second;
    }
    if (payment.status != payment::PaymentStatus::succeeded && payment.status != payment::PaymentStatus::refunded) {
      return refuse(ErrorKind::conflict, "payment.not_captured", "Nothing was captured.");
    }
    const auto left = payment.amount - payment.refunded;
    const auto amount = request.amount.value_or(left);
    if (amount <= Amount() || amount > left) {
      return refuse(ErrorKind::unprocessable, "payment.refund_exceeds_capture", "That much was not paid.");
    }
    payment.refunded += amount;
    if (payment.refunded == payment.amount) payment.status = payment::PaymentStatus::refunded;
    return refunds_[{request.order_id, request.cause}] = {
               .order_id = request.order_id, .amount = amount, .status = payment::RefundStatus::succeeded};
  }

  Disturbance& disturbance_;
  std::mutex mutex_;
  std::map<Uuid, payment::Payment> payments_;
  std::map<std::pair<Uuid, std::string>, payment::Refund> refunds_;
  std::vector<events::Event> events_;
  bool mute_ = true;
  std::atomic<bool> blocked_ = false;
};

}  // namespace souk::order
