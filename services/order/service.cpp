#include "service.hpp"

#include <algorithm>
#include <chrono>

#include "core/card_number.hpp"
#include "core/crypto.hpp"
#include "core/random.hpp"
#include "errors.hpp"
#include "rules.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace souk::order {
namespace {

using namespace std::chrono_literals;

constexpr Duration time_to_reply = 500ms;  // of a checkout's limit, kept for saying 202
constexpr Duration wait_for_other = 2s;    // for the first request of a key that is repeated
constexpr std::size_t longest_key = 255;

struct Measures {
  metrics::Counter& count(const std::string& outcome) {
    return metrics::counter("souk_checkouts_total", "Checkouts by what the customer was told.", {{"outcome", outcome}});
  }
  metrics::Counter& confirmed = count("confirmed");
  metrics::Counter& refused = count("refused");
  metrics::Counter& later = count("later");
  metrics::Histogram& seconds =
      metrics::histogram("souk_checkout_seconds", "Time of a checkout from its intent to what the customer is told.");
};

Measures& measures() {
  static Measures instance;
  return instance;
}

// Who buys: a customer, or whoever has the guest cart.
std::string scope_of(const Context& context, const std::string& cart_id) {
  const auto& caller = context.caller();
  return caller.is_customer() && caller.user_id ? "user:" + caller.user_id->to_string() : "cart:" + cart_id;
}

std::string cart_key_of(const Context& context, const std::string& cart_id) {
  return cart_id == "me" ? scope_of(context, cart_id) : "cart:" + cart_id;
}

Result<std::optional<std::string>> email_of(const Context& context, const CheckoutBody& body) {
  if (body.email) {
    if (!rules::is_email(*body.email)) {
      return errors::invalid_fields({{"email", "format", "must be an e-mail address"}});
    }
    return std::optional<std::string>(*body.email);
  }
  if (!context.caller().is_customer()) return errors::email_required();
  const auto& email = context.caller().email;
  return email.empty() ? std::optional<std::string>() : email;
}

Result<void> check_payment(const PaymentChoice& payment) {
  const bool has_means = payment.token || payment.payment_method_id || payment.gateway;
  if (payment.method == payment::Method::cod && has_means) {
    return errors::invalid_fields(
        {{"payment", "conflict", "cash on delivery takes no gateway, token or saved method"}});
  }
  // Here already: an intent keeps its token until the order is written.
  if (payment.token && has_card_number(*payment.token)) return errors::card_number_refused();
  if (payment.token && payment.payment_method_id) {
    return errors::invalid_fields({{"payment", "conflict", "give a token or a saved method, not both"}});
  }
  return {};
}

Address from_saved(const user::Address& saved) {
  Address address{.full_name = saved.full_name,
                  .phone = saved.phone,
                  .address_line1 = saved.address_line1,
                  .city = saved.city,
                  .state = saved.state,
                  .postal_code = saved.postal_code,
                  .country = saved.country};
  if (saved.address_line2) address.address_line2 = *saved.address_line2;
  return address;
}

std::vector<BoughtLine> to_bought(const Basket& basket) {
  std::vector<BoughtLine> lines;
  lines.reserve(basket.items.size());
  for (std::size_t i = 0; i < basket.items.size(); ++i) {
    const auto& item = basket.items[i];
    lines.push_back({.item_id = basket.cart.lines[i].item_id,
                     .product_id = item.product_id,
                     .variant_id = item.variant_id,
                     .sellable_id = item.sellable_id,
                     .sku = item.sku,
                     .name = rules::short_name(item.name),
                     .size = item.size,
                     .color = item.color,
                     .quantity = basket.cart.lines[i].quantity,
                     .unit_price = item.unit_price,
                     .total = basket.totals.lines[i].total,
                     .discount = basket.totals.lines[i].discount,
                     .tax = basket.totals.lines[i].tax});
  }
  return lines;
}

// Everything but who buys and where it goes.
Details to_details(const Basket& basket) {
  std::vector<TakenDiscount> taken;
  for (const auto& [coupon, worth] : basket.discounts.applied) {
    taken.push_back({.coupon_id = coupon.id, .is_promotion = !coupon.code, .amount = worth.discount});
  }
  return {.order_number = rules::new_order_number(now()),
          .cart_id = basket.cart.cart_id,
          .cart_version = basket.cart.version,
          .lines = to_bought(basket),
          .shipping_method = basket.shipping_method,
          .subtotal = basket.totals.subtotal,
          .discount = basket.totals.discount,
          .shipping_cost = basket.totals.shipping,
          .tax = basket.totals.tax,
          .total = basket.totals.total,
          .currency = basket.currency,
          .discounts = std::move(taken)};
}

// Whose promotions they are: a customer's, or whoever has the e-mail address.
Destination destination_of(const Context& context, const std::optional<std::string>& email) {
  const auto& caller = context.caller();
  Destination destination;
  if (caller.is_customer()) destination.user_id = caller.user_id;
  const auto known = email ? *email : caller.is_customer() ? caller.email : std::string();
  if (!known.empty()) destination.email = rules::normal_email(known);
  return destination;
}

// How long somebody else's work is waited for.
Deadline wait_until(const Context& context) {
  return std::min(Clock::now() + wait_for_other, context.deadline() - time_to_reply);
}

bool is_staff(const Context& context) {
  const auto& caller = context.caller();
  return caller.kind == Caller::Kind::admin || caller.kind == Caller::Kind::service;
}

// `orders` has one more than the page where there are more.
OrderPage to_page(std::vector<Order> orders, std::int64_t limit) {
  OrderPage page{.data = std::move(orders)};
  page.has_more = page.data.size() > static_cast<std::size_t>(limit);
  if (page.has_more) {
    page.data.pop_back();
    page.next_cursor = OrderCursor{page.data.back().created_at, page.data.back().id}.to_string();
  }
  return page;
}

Task<> sleep(Duration time) {
  Timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

template <class Text>
std::optional<std::string> plain(const std::optional<Text>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

Service::Service(Runtime& runtime, pg::Pool& pool, cart::Api& carts, catalog::Api& catalog, inventory::Api& inventory,
                 payment::Api& payments, user::Api& users, Options options)
    : options_(std::move(options)),
      pool_(pool),
      users_(users),
      outbox_(pool),
      repository_(pool),
      sagas_(pool, options_.lease),
      coupons_(pool),
      rates_(pool, coupons_),
      baskets_(carts, catalog, rates_, coupons_),
      cancellations_(pool, repository_, outbox_),
      fulfilment_(pool, repository_, outbox_, payments),
      return_repository_(pool, options_.lease),
      returns_(pool, repository_, return_repository_, outbox_, inventory, payments),
      captures_(pool, payments),
      writes_(runtime, sagas_, outbox_),
      sold_out_(options_.sold_out),
      executor_(writes_, sagas_, cancellations_, {carts, inventory, payments},
                {options_.return_url_base, options_.secret, options_.check_waiting_after}),
      undo_(sagas_, inventory, payments),
      recovery_(runtime, pool, sagas_, executor_, undo_, returns_, return_repository_, outbox_, payments,
                {options_.recovery_interval, options_.lease}) {}

void Service::start(TaskGroup& group) { recovery_.start(group); }
Task<> Service::settle() { co_await recovery_.settle(); }
Task<std::size_t> Service::recover(Context context) { co_return co_await recovery_.run_once(std::move(context)); }

Task<Result<QuoteResult>> Service::quote(Context context, Quote request) {
  auto destination = destination_of(context, plain(request.email));
  destination.shipping_method = plain(request.shipping_method);
  if (request.shipping_address) {
    SOUK_CO_TRY(destination.address, rules::checked_address(*std::move(request.shipping_address), "shipping_address"));
  }
  SOUK_CO_TRY(const auto basket,
              co_await baskets_.price(std::move(context), std::move(request.cart_id), std::move(destination)));
  co_return to_quote(basket);
}

Task<Result<CheckoutResult>> Service::checkout(Context context, StartCheckout request) {
  if (request.idempotency_key.empty() || request.idempotency_key.size() > longest_key) co_return errors::key_required();
  const auto body_hash = hex(sha256(request.cart_id + "\n" + json::write(request.body)));
  idempotency::Key key{scope_of(context, request.cart_id), checkout_operation, request.idempotency_key, body_hash};
  auto intent = co_await prepare(context, request, key);
  if (intent) {
    auto sold_out = sold_out_.refusal_of(intent->details, Clock::now());
    if (!sold_out) co_return co_await begin(std::move(context), *std::move(intent), std::move(key));
    measures().refused.add();
    intent = std::unexpected(*std::move(sold_out));
  }
  // The first request with this key may have bought the cart: its reply is the answer, not that the cart is empty, nor
  // that others were refused.
  auto known = co_await known_reply(std::move(context), std::move(key));
  if (known) co_return *std::move(known);
  co_return std::unexpected(std::move(intent).error());
}

Task<Result<Intent>> Service::prepare(Context context, const StartCheckout& request, idempotency::Key key) {
  const auto& body = request.body;
  SOUK_CO_TRY(auto email, email_of(context, body));
  SOUK_CO_CHECK(check_payment(body.payment));
  SOUK_CO_TRY(auto address, co_await shipping_address(context, body));
  auto billing = address;
  if (body.billing_address) {
    SOUK_CO_TRY(billing, rules::checked_address(*body.billing_address, "billing_address"));
  }
  auto destination = destination_of(context, email);
  destination.address = address;
  destination.shipping_method = body.shipping_method;
  SOUK_CO_TRY(const auto basket, co_await baskets_.price(context, request.cart_id, std::move(destination)));
  if (body.expected_total && *body.expected_total != basket.totals.total) {
    co_return errors::price_changed(*body.expected_total, basket.totals.total, basket.currency,
                                    describe(basket.totals));
  }
  const auto& caller = context.caller();
  auto details = to_details(basket);
  details.is_guest = !(caller.is_customer() && caller.user_id);
  details.user_id = details.is_guest ? Uuid::v7() : *caller.user_id;
  if (request.cart_id == "me") details.cart_user_id = caller.user_id;
  details.email = std::move(email);
  if (!details.discounts.empty() && details.email) details.coupon_email = rules::normal_email(*details.email);
  details.created_by = caller.to_string();
  details.shipping_address = std::move(address);
  details.billing_address = std::move(billing);
  details.payment_method = body.payment.method;
  details.gateway = plain(body.payment.gateway);
  details.payment_method_id = body.payment.payment_method_id;
  details.notes = plain(body.notes);
  co_return Intent{.id = Uuid::v7(),
                   .scope = std::move(key.scope),
                   .key = std::move(key.key),
                   .body_hash = std::move(key.body_hash),
                   .cart_key = cart_key_of(context, request.cart_id),
                   .payment_token = plain(body.payment.token),
                   .details = std::move(details)};
}

Task<Result<Address>> Service::shipping_address(Context context, const CheckoutBody& body) {
  if (body.shipping_address.has_value() == body.shipping_address_id.has_value()) co_return errors::address_required();
  if (body.shipping_address) co_return rules::checked_address(*body.shipping_address, "shipping_address");
  const auto& caller = context.caller();
  if (!caller.is_customer() || !caller.user_id) co_return errors::address_not_found();
  user::AddressRef ref{.user_id = *caller.user_id, .address_id = *body.shipping_address_id};
  const auto saved = co_await users_.get_address(context, std::move(ref));
  if (!saved && saved.error().kind == ErrorKind::not_found) co_return errors::address_not_found();
  if (!saved) co_return std::unexpected(saved.error());
  co_return rules::checked_address(from_saved(*saved), "shipping_address_id");
}

Task<Result<CheckoutResult>> Service::begin(Context context, Intent intent, idempotency::Key key) {
  Checkpoint checkpoint{.id = intent.id, .details = intent.details, .payment_token = intent.payment_token};
  const auto started = co_await writes_.start(std::move(intent));
  if (!started.started && started.key_taken) {
    auto known = co_await known_reply(context, std::move(key));
    if (known) co_return *std::move(known);
    co_return errors::in_progress();
  }
  if (!started.started && started.cart_taken) {
    const bool bought = *started.cart_taken == saga::Phase::completing || *started.cart_taken == saga::Phase::completed;
    if (bought) co_return errors::cart_empty();
    co_return errors::cart_in_checkout();
  }
  if (started.refused_coupon) {
    const auto refused =
        std::ranges::find(checkpoint.details.discounts, *started.refused_coupon, &TakenDiscount::coupon_id);
    if (!refused->is_promotion) co_return errors::coupon_used_up();
    rates_.expire();
    co_return errors::promotion_used_up();
  }
  co_return co_await drive(std::move(context), Run::fresh(std::move(checkpoint)));
}

Task<Result<CheckoutResult>> Service::drive(Context context, Run run) {
  const auto begun = Clock::now();
  co_await executor_.decide(context.limited(context.time_left() - time_to_reply), run);
  measures().seconds.observe(std::chrono::duration<double>(Clock::now() - begun).count());
  if (run.state.phase == saga::Phase::completing && !run.state.resting) {
    measures().confirmed.add();
    log::info(context, "order confirmed", log::kv("order_id", run.checkpoint.id));
    co_await executor_.finish_cart(context, run);
    auto reply = answer(run.checkpoint);
    recovery_.complete_later(std::move(run));
    co_return reply;
  }
  if (run.state.phase == saga::Phase::compensated) {
    measures().refused.add();
    if (run.state.stock == saga::Stock::refused) {
      sold_out_.note(run.checkpoint.details, *run.checkpoint.refusal, Clock::now());
    }
    log::info(context, "checkout refused", log::kv("order_id", run.checkpoint.id),
              log::kv("code", run.checkpoint.refusal->code));
    co_return answer(run.checkpoint);
  }
  measures().later.add();
  recovery_.wake();
  co_return co_await later_reply(std::move(context), run);
}

Task<Result<CheckoutResult>> Service::later_reply(Context context, const Run& run) {
  context = context.extended(time_to_reply);
  const auto until = run.state.overtaken ? wait_until(context) : Deadline::min();
  for (Duration nap = 25ms;; nap *= 2) {
    const auto checkpoint = co_await sagas_.find(context, run.checkpoint.id);
    if (!checkpoint) co_return errors::checkout_not_found();
    // Whoever has overtaken this worker is about to write what the customer is told.
    if (checkpoint->phase != saga::Phase::running || Clock::now() + nap >= until) co_return answer(*checkpoint);
    co_await sleep(nap);
  }
}

Task<std::optional<Result<CheckoutResult>>> Service::known_reply(Context context, idempotency::Key key) {
  const auto until = wait_until(context);
  for (Duration nap = 25ms;; nap = std::min<Duration>(nap * 2, 200ms)) {
    const auto claim = co_await idempotency::find(pool_, context, key);
    if (!claim) co_return Result<CheckoutResult>(std::unexpected(claim.error()));
    if (!claim->subject) co_return std::nullopt;
    if (auto known = co_await look_at(context, *claim->subject)) co_return std::move(known);
    if (Clock::now() + nap >= until) co_return Result<CheckoutResult>(errors::in_progress());
    co_await sleep(nap);
  }
}

// Empty while somebody works on it.
Task<std::optional<Result<CheckoutResult>>> Service::look_at(Context context, Uuid id) {
  auto checkpoint = co_await sagas_.find(context, id);
  if (!checkpoint) co_return Result<CheckoutResult>(errors::checkout_not_found());
  if (checkpoint->phase != saga::Phase::running) co_return answer(*checkpoint);
  if (checkpoint->is_leased) co_return std::nullopt;
  // Whoever worked on it is gone.
  auto taken = co_await sagas_.take(context, id);
  if (!taken) co_return std::nullopt;
  co_return co_await drive(std::move(context), Run::taken_over(*std::move(taken)));
}

Result<CheckoutResult> Service::answer(const Checkpoint& checkpoint) const {
  if (checkpoint.phase == saga::Phase::compensated && checkpoint.refusal) return std::unexpected(*checkpoint.refusal);
  CheckoutResult result;
  if (checkpoint.confirmed_at) {
    result.order = confirmed_order(checkpoint);
  } else {
    result.checkout = to_checkout(checkpoint);
  }
  if (checkpoint.details.is_guest) {
    auto& token = result.order ? result.order->access_token : result.checkout->access_token;
    token = rules::access_token(options_.secret, checkpoint.id);
  }
  return result;
}

bool Service::may_see(const Context& context, const Uuid& user_id, const OrderRef& request) const {
  const auto& caller = context.caller();
  if (is_staff(context)) return true;
  if (caller.kind == Caller::Kind::customer && caller.user_id == user_id) return true;
  return rules::opens(options_.secret, request.order_id, request.access_token);
}

Task<Result<Checkpoint>> Service::visible_checkout(Context context, const OrderRef& request) {
  auto checkpoint = co_await sagas_.find(context, request.order_id);
  if (!checkpoint || !may_see(context, checkpoint->details.user_id, request)) co_return errors::checkout_not_found();
  co_return *std::move(checkpoint);
}

Task<Result<Checkout>> Service::get_checkout(Context context, OrderRef request) {
  SOUK_CO_TRY(const auto checkpoint, co_await visible_checkout(std::move(context), request));
  co_return to_checkout(checkpoint);
}

Task<Result<CheckoutResult>> Service::resume_checkout(Context context, OrderRef request) {
  const auto until = wait_until(context);
  for (Duration nap = 25ms;; nap *= 2) {
    SOUK_CO_TRY(const auto checkpoint, co_await visible_checkout(context, request));
    const bool open = checkpoint.phase == saga::Phase::running || checkpoint.phase == saga::Phase::waiting;
    if (!open) co_return answer(checkpoint);
    if (!checkpoint.is_leased) {
      auto taken = co_await sagas_.take(context, request.order_id);
      if (taken) co_return co_await drive(std::move(context), Run::taken_over(*std::move(taken)));
    }
    // Recovery may have asked for the payment just before the customer paid: what it found is not the answer.
    if (Clock::now() + nap >= until) co_return answer(checkpoint);
    co_await sleep(nap);
  }
}

Task<Result<Order>> Service::get_order(Context context, OrderRef request) {
  auto order = co_await repository_.find(context, request.order_id);
  if (!order || !may_see(context, order->user_id, request)) co_return errors::order_not_found();
  if (rules::opens(options_.secret, request.order_id, request.access_token)) order->access_token = request.access_token;
  co_return *std::move(order);
}

Task<Result<OrderPage>> Service::list_orders(Context context, ListOrders request) {
  if (!may_see(context, request.user_id, {})) co_return errors::order_not_found();
  std::optional<OrderCursor> cursor;
  if (request.cursor) {
    cursor = OrderCursor::parse(*request.cursor);
    if (!cursor) co_return errors::bad_cursor();
  }
  // One more than asked for tells whether there are more.
  co_return to_page(co_await repository_.list(std::move(context), request.user_id, cursor, request.limit + 1),
                    request.limit);
}

Task<Result<OrderPage>> Service::search_orders(Context context, SearchOrders request) {
  if (!is_staff(context)) co_return errors::order_not_found();
  std::optional<OrderCursor> cursor;
  if (request.cursor) {
    cursor = OrderCursor::parse(*request.cursor);
    if (!cursor) co_return errors::bad_cursor();
  }
  const auto limit = request.limit;
  co_return to_page(co_await repository_.search(std::move(context), std::move(request), cursor, limit + 1), limit);
}

Task<Result<Order>> Service::start_processing(Context context, OrderRef request) {
  if (!is_staff(context)) co_return errors::order_not_found();
  co_return co_await fulfilment_.start_processing(std::move(context), request.order_id);
}

Task<Result<Order>> Service::ship_order(Context context, ShipOrder request) {
  if (!is_staff(context)) co_return errors::order_not_found();
  if (request.idempotency_key.empty() || request.idempotency_key.size() > longest_key) co_return errors::key_required();
  co_return co_await fulfilment_.ship(std::move(context), std::move(request));
}

Task<Result<Order>> Service::deliver_order(Context context, OrderRef request) {
  if (!is_staff(context)) co_return errors::order_not_found();
  co_return co_await fulfilment_.deliver(std::move(context), request.order_id);
}

Task<Result<Order>> Service::cancel_order(Context context, OrderRef request) {
  const auto may = [this, &context, &request](const LockedOrder& order) {
    return may_see(context, order.user_id, request);
  };
  SOUK_CO_TRY(auto cancelled, co_await cancellations_.cancel(context, request.order_id, "cancel", std::nullopt, may));
  if (cancelled.changed) {
    log::info(context, "order cancelled", log::kv("order_id", request.order_id));
    recovery_.undo_later();
  }
  co_return std::move(cancelled.order);
}

Task<Result<Purchased>> Service::has_purchased(Context context, HasPurchased request) {
  co_return Purchased{
      co_await repository_.find_with_product(std::move(context), request.user_id, std::move(request.product_id))};
}

Task<Result<Coupon>> Service::create_coupon(Context context, NewCoupon request) {
  auto made = co_await coupons_.create(std::move(context), std::move(request));
  rates_.expire();
  co_return made;
}

Task<Result<Coupon>> Service::get_coupon(Context context, CouponRef request) {
  co_return co_await coupons_.get(std::move(context), request);
}

Task<Result<CouponPage>> Service::list_coupons(Context context, ListCoupons request) {
  co_return co_await coupons_.list(std::move(context), std::move(request));
}

Task<Result<Coupon>> Service::patch_coupon(Context context, PatchCoupon request) {
  auto changed = co_await coupons_.patch(std::move(context), std::move(request));
  rates_.expire();
  co_return changed;
}

Task<Result<CapturesChecked>> Service::check_captures(Context context, CheckCaptures request) {
  co_return co_await captures_.check(std::move(context), request);
}

Task<Result<events::EventPage>> Service::events(Context context, events::ReadEvents request) {
  co_return co_await outbox_.read(std::move(context), std::move(request));
}

}  // namespace souk::order
