#include "returns.hpp"

#include <algorithm>
#include <ranges>

#include "answers.hpp"
#include "core/crypto.hpp"
#include "core/failpoint.hpp"
#include "details.hpp"
#include "errors.hpp"
#include "events/idempotency.hpp"
#include "telemetry/log.hpp"

namespace souk::order {
namespace {

// One order's keys: guests have no other name.
idempotency::Key key_of(const RequestReturn& request) {
  return {.scope = "order:" + request.order.order_id.to_string(),
          .operation = "return",
          .key = request.idempotency_key,
          .body_hash = hex(sha256(json::write(request.body)))};
}

std::string cause_of(const Uuid& return_id) { return "return:" + return_id.to_string(); }

Result<void> check_returnable(const LockedOrder& order) {
  if (order.status != OrderStatus::shipped && order.status != OrderStatus::delivered) {
    return errors::return_not_shipped(json::enum_name(order.status));
  }
  // Cash on delivery that was not paid at the door: there is nothing to give back.
  if (order.payment_status != PaymentStatus::paid && order.payment_status != PaymentStatus::refunded) {
    return errors::not_paid();
  }
  return {};
}

// Marks what does not go back into the stock. order.unknown_item
Result<std::vector<ReturnedItem>> marked(std::vector<ReturnedItem> items,
                                         const std::optional<std::vector<ReceivedItem>>& received) {
  for (auto& item : items) item.restock = true;
  std::vector<FieldError> unknown;
  for (std::size_t i = 0; received && i < received->size(); ++i) {
    const auto found = std::ranges::find(items, (*received)[i].order_item_id, &ReturnedItem::order_item_id);
    if (found == items.end()) {
      unknown.push_back({"items[" + std::to_string(i) + "].order_item_id", "unknown", "is not an item of this return"});
    } else {
      found->restock = (*received)[i].restock;
    }
  }
  if (!unknown.empty()) return errors::unknown_item(std::move(unknown));
  return items;
}

bool is_used_up(const Error& error) {
  return error.code == "payment.refund_exceeds_capture" || error.code == "payment.refund_differs";
}

}  // namespace

Task<Result<Return>> Returns::request(Context context, RequestReturn request,
                                      std::function<bool(const LockedOrder&)> may) {
  auto tx = co_await pool_.begin(context);
  const auto order_id = request.order.order_id;
  const auto locked = co_await orders_.lock(tx, order_id);
  if (!locked || !may(*locked)) co_return errors::order_not_found();
  const auto key = key_of(request);
  const auto id = Uuid::v7();
  SOUK_CO_TRY(const auto claim, co_await idempotency::claim(tx, key, id));
  if (claim.reply) co_return json::read_trusted<Return>(claim.reply->body);
  SOUK_CO_CHECK(check_returnable(*locked));
  const auto bought = co_await repository_.bought(tx, order_id);
  SOUK_CO_TRY(auto items, return_rules::check(bought, request.body.items));
  co_await repository_.insert(tx, id, order_id, std::string(request.body.reason), context.caller().to_string(),
                              std::move(items));
  auto made = co_await repository_.get(tx, id);
  co_await idempotency::finish(tx, key, {.status = 201, .body = json::write(made)});
  SOUK_FAILPOINT("order.before_return_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("order.after_return_commit");
  log::info(context, "return requested", log::kv("order_id", order_id), log::kv("return_id", id));
  co_return made;
}

Task<Result<Return>> Returns::decide(Context context, DecideReturn request) {
  const auto found = co_await repository_.find(context, request.return_id);
  if (!found) co_return errors::return_not_found();
  auto tx = co_await pool_.begin(context);
  co_await orders_.lock(tx, found->order_id);
  auto known = co_await repository_.get(tx, request.return_id);
  const auto status = request.approve ? ReturnStatus::approved : ReturnStatus::rejected;
  if (known.status == status) co_return known;
  SOUK_CO_CHECK(return_rules::check_change(known.status, status));
  std::optional<std::string> notes;
  if (request.notes) notes = *request.notes;
  co_await repository_.decide(tx, request.return_id, status, std::move(notes));
  auto decided = co_await repository_.get(tx, request.return_id);
  co_await tx.commit();
  co_return decided;
}

Task<Result<Returns::Received>> Returns::receive(Context context, ReceiveReturn request) {
  const auto found = co_await repository_.find(context, request.return_id);
  if (!found) co_return errors::return_not_found();
  auto tx = co_await pool_.begin(context);
  const auto locked = (co_await orders_.lock(tx, found->order_id)).value();
  auto known = co_await repository_.get(tx, request.return_id);
  if (known.status == ReturnStatus::received || known.status == ReturnStatus::refunded) {
    co_return Received{.returned = std::move(known)};
  }
  SOUK_CO_CHECK(return_rules::check_change(known.status, ReturnStatus::received));
  SOUK_CO_TRY(auto items, marked(std::move(known.items), request.receipt.items));
  const bool shipping = request.receipt.refund_shipping.value_or(false);
  if (shipping && co_await repository_.has_refunded_shipping(tx, locked.id)) co_return errors::shipping_refunded();
  const auto order = co_await orders_.get(tx, locked.id);
  const auto bought = co_await repository_.bought(tx, locked.id);
  items = return_rules::values(bought, order.tax, std::move(items));
  Amount refund = shipping ? order.shipping_cost : Amount();
  for (const auto& item : items) refund += item.refund.value();
  co_await repository_.receive(tx, request.return_id, std::move(items), shipping, refund);
  auto received = co_await repository_.get(tx, request.return_id);
  auto event = event_of(order);
  event.return_id = request.return_id;
  event.refund = refund;
  co_await outbox_.append(tx, "order.returned", locked.id.to_string(), event);
  SOUK_FAILPOINT("order.before_receive_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("order.after_receive_commit");
  outbox_.committed();
  log::info(context, "return received", log::kv("order_id", locked.id), log::kv("return_id", request.return_id));
  co_return Received{std::move(received), true};
}

Task<> Returns::run(Context context, OpenReturn open) {
  const auto service = context.as_service("order");
  std::string reason = "refused, or on its way";
  try {
    if (co_await go_on(service, open)) co_return;
  } catch (...) {
    reason = answers::reason_of_no_answer(std::current_exception());
  }
  log::warning(service, "a return is not finished yet", log::kv("return_id", open.return_id), log::kv("why", reason));
  co_await repository_.hand_over(service.extended(answers::call_limit), open, answers::check_after(open.age));
}

Task<bool> Returns::go_on(Context context, OpenReturn open) {
  const auto returned = (co_await repository_.find(context, open.return_id)).value();
  if (!co_await restock(context, returned)) co_return false;
  const auto refunded = co_await refund(context, returned);
  if (!refunded) co_return false;
  co_await write_refunded(context, open, returned, *refunded);
  co_return true;
}

Task<bool> Returns::restock(Context context, const Return& returned) {
  auto lines = co_await repository_.to_restock(context, returned.id);
  if (lines.empty()) co_return true;
  SOUK_FAILPOINT("order.before_restock");
  inventory::ReturnStock request{
      .order_id = returned.order_id, .lines = std::move(lines), .cause = cause_of(returned.id)};
  const auto done = co_await inventory_.return_stock(context.limited(answers::call_limit), std::move(request));
  SOUK_FAILPOINT("order.after_restock");
  if (!done) {
    log::error(context, "the stock of a return cannot be booked", log::kv("return_id", returned.id),
               log::kv("code", done.error().code));
  }
  co_return done.has_value();
}

// An administrator may have given money back before for another reason: then what is left, if anything is.
Task<std::optional<Amount>> Returns::refund(Context context, const Return& returned) {
  if (*returned.refund == Amount()) co_return Amount();
  const auto limited = context.limited(answers::charge_limit);
  payment::RefundPayment request{
      .order_id = returned.order_id, .amount = returned.refund, .cause = cause_of(returned.id), .reason = "return"};
  SOUK_FAILPOINT("order.before_return_refund");
  auto given = co_await payments_.refund(limited, request);
  if (!given && is_used_up(given.error())) {
    request.amount.reset();
    given = co_await payments_.refund(limited, request);
    if (!given && is_used_up(given.error())) {
      log::warning(context, "nothing is left to give back for a return", log::kv("return_id", returned.id));
      co_return Amount();
    }
  }
  SOUK_FAILPOINT("order.after_return_refund");
  if (given && given->status == payment::RefundStatus::succeeded) co_return given->amount;
  if (!given || given->status == payment::RefundStatus::failed) {
    log::error(context, "a return is not refunded yet", log::kv("return_id", returned.id),
               log::kv("code", given ? std::string("payment.refund_failed") : given.error().code));
  }
  co_return std::nullopt;
}

Task<> Returns::write_refunded(Context context, OpenReturn open, const Return& returned, Amount refunded) {
  const auto payment =
      co_await payments_.get_payment(context.limited(answers::call_limit), {.order_id = returned.order_id});
  if (!payment && answers::is_no_answer(payment.error())) throw Unavailable(payment.error().detail);
  // An order of total 0 has no payment, and nothing to give back.
  const bool all = !payment || payment->status == payment::PaymentStatus::refunded;
  auto tx = co_await pool_.begin(context);
  if (!co_await orders_.lock(tx, returned.order_id)) co_return;
  if (!co_await repository_.finish(tx, open, refunded)) co_return;
  if (payment && all) co_await repository_.note_refunded(tx, returned.order_id);
  if (!payment && co_await repository_.is_all_back(tx, returned.order_id)) {
    co_await repository_.note_refunded(tx, returned.order_id);
  }
  co_await close(tx, context, returned.order_id);
  SOUK_FAILPOINT("order.before_returned_commit");
  co_await tx.commit();
  SOUK_FAILPOINT("order.after_returned_commit");
  outbox_.committed();
}

Task<> Returns::close_order(Context context, Uuid order_id) {
  auto tx = co_await pool_.begin(context);
  if (!co_await orders_.lock(tx, order_id)) co_return;
  co_await close(tx, context.as_service("order"), order_id);
  co_await tx.commit();
  outbox_.committed();
}

Task<> Returns::close(pg::Transaction& tx, Context context, Uuid order_id) {
  const auto order = (co_await orders_.lock(tx, order_id)).value();
  const bool may = order.status == OrderStatus::shipped || order.status == OrderStatus::delivered;
  if (!may || order.payment_status != PaymentStatus::refunded) co_return;
  if (!co_await repository_.is_all_back(tx, order_id)) co_return;
  co_await orders_.save_status(tx, order_id, OrderStatus::refunded, std::nullopt, context.caller().to_string());
  co_await outbox_.append(tx, "order.refunded", order_id.to_string(), event_of(co_await orders_.get(tx, order_id)));
}

}  // namespace souk::order
