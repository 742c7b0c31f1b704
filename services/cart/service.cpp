#include "service.hpp"

#include "errors.hpp"
#include "telemetry/metrics.hpp"

namespace souk::cart {
namespace {

// Against writers on other workers and in other processes; one of them wins every round.
constexpr int most_attempts = 128;

metrics::Counter& conflicts() {
  static auto& counter =
      metrics::counter("souk_cart_conflicts_total", "Writes to a cart that came second and were done again.");
  return counter;
}

}  // namespace

Service::Service(Runtime& runtime, redis::Client& redis, catalog::Api& catalog)
    : repository_(redis), catalog_(catalog), turns_(runtime.size()), recent_(runtime.size()) {}

Result<Service::Place> Service::place_of(const Context& context, const std::string& cart_id) {
  if (cart_id == "me") {
    const auto& caller = context.caller();
    if (!caller.is_customer() || !caller.user_id) return errors::need_customer();
    return Place{.id = cart_id, .key = Repository::own_key(*caller.user_id), .own = true};
  }
  if (!rules::well_formed_id(cart_id)) return errors::not_found();
  return Place{.id = cart_id, .key = Repository::guest_key(cart_id)};
}

Task<Result<StoredCart>> Service::change(Context context, Place place, Change change) {
  const auto turn = co_await turns_.take(place.key.name, context.deadline());
  if (!turn) co_return errors::busy();
  auto current = recent_.take(place.key.name);
  bool remembered = current.has_value();
  if (!remembered) current = co_await repository_.find(context, place.key);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (!current && !place.own) co_return errors::not_found();
    const auto time = now();
    auto next = current ? *current : rules::new_cart(time);
    const auto changed = change(next);
    if (!changed || current == next) {
      if (!remembered && !changed) co_return std::unexpected(changed.error());
      if (!remembered) co_return next;
      // Only Redis knows whether it is so.
      remembered = false;
      current = co_await repository_.find(context, place.key);
      continue;
    }
    rules::mark_changed(next, current.has_value(), time);
    auto saved = co_await repository_.save(context, place.key, next, std::move(current));
    if (saved.done) {
      recent_.put(place.key.name, next);
      co_return next;
    }
    conflicts().add();
    remembered = false;
    current = std::move(saved.current);
  }
  co_return errors::busy();
}

Task<Result<Cart>> Service::change_and_show(Context context, std::string cart_id, Change change) {
  SOUK_CO_TRY(auto place, place_of(context, cart_id));
  SOUK_CO_TRY(auto cart, co_await this->change(context, place, std::move(change)));
  co_return co_await show(std::move(context), std::move(place), std::move(cart));
}

Task<Result<Cart>> Service::show(Context context, Place place, StoredCart cart) {
  catalog::PriceItems wanted;
  for (const auto& item : cart.items) {
    wanted.items.push_back({.product_id = item.product_id, .variant_id = item.variant_id});
  }
  catalog::PricedItems priced;
  if (!wanted.items.empty()) {
    SOUK_CO_TRY(priced, co_await catalog_.price_items(std::move(context), std::move(wanted)));
  }
  co_return rules::to_api(std::move(place.id), cart, priced.items, place.key.time_to_live);
}

Task<Result<catalog::SellableItem>> Service::sellable(Context context, catalog::ItemRef item) {
  catalog::PriceItems wanted;
  wanted.items.push_back(std::move(item));
  SOUK_CO_TRY(auto priced, co_await catalog_.price_items(std::move(context), std::move(wanted)));
  auto& answer = priced.items.at(0);
  if (!answer.item) co_return errors::not_in_catalog(answer.refusal.value_or("catalog.product_not_found"));
  if (!answer.item->sellable) co_return errors::product_unavailable();
  co_return *std::move(answer.item);
}

Task<Result<Cart>> Service::create_cart(Context context, CreateCart) {
  const auto id = rules::new_cart_id();
  Place place{.id = id, .key = Repository::guest_key(id)};
  auto cart = rules::new_cart(now());
  const auto saved = co_await repository_.save(context, place.key, cart, std::nullopt);
  if (!saved.done) throw std::logic_error("a new cart's id is taken");
  co_return co_await show(std::move(context), std::move(place), std::move(cart));
}

Task<Result<Cart>> Service::get_cart(Context context, CartRef request) {
  SOUK_CO_TRY(auto place, place_of(context, request.id));
  auto cart = co_await repository_.find(context, place.key);
  if (!cart && !place.own) co_return errors::not_found();
  // An own cart that was never written has no version yet.
  if (!cart) {
    cart = rules::new_cart(now());
    cart->version = 0;
  }
  co_return co_await show(std::move(context), std::move(place), *std::move(cart));
}

Task<Result<Done>> Service::delete_cart(Context context, CartRef request) {
  SOUK_CO_TRY(auto place, place_of(context, request.id));
  const bool existed = co_await repository_.remove(std::move(context), std::move(place.key));
  if (!existed && !place.own) co_return errors::not_found();
  co_return Done{};
}

Task<Result<Cart>> Service::add_item(Context context, AddItem request) {
  SOUK_CO_TRY(auto place, place_of(context, request.cart_id));
  SOUK_CO_CHECK(rules::check_quantity(request.quantity));
  catalog::ItemRef wanted{.product_id = std::move(request.product_id), .variant_id = std::move(request.variant_id)};
  SOUK_CO_TRY(auto item, co_await sellable(context, std::move(wanted)));
  Change put = [&item, quantity = request.quantity](StoredCart& cart) { return rules::put(cart, item, quantity); };
  SOUK_CO_TRY(auto cart, co_await change(context, place, std::move(put)));
  co_return co_await show(std::move(context), std::move(place), std::move(cart));
}

Task<Result<Cart>> Service::set_quantity(Context context, SetQuantity request) {
  Change change = [&request](StoredCart& cart) { return rules::set_quantity(cart, request.item_id, request.quantity); };
  co_return co_await change_and_show(std::move(context), request.cart_id, std::move(change));
}

Task<Result<Cart>> Service::remove_item(Context context, RemoveItem request) {
  Change change = [&request](StoredCart& cart) { return rules::remove(cart, request.item_id); };
  co_return co_await change_and_show(std::move(context), request.cart_id, std::move(change));
}

Task<Result<Cart>> Service::set_coupon(Context context, SetCoupon request) {
  std::optional<std::string> code;
  if (request.coupon_code && !request.coupon_code->empty()) {
    SOUK_CO_TRY(code, rules::normal_coupon_code(*request.coupon_code));
  }
  Change change = [&code](StoredCart& cart) -> Result<void> {
    cart.coupon_code = code;
    return {};
  };
  co_return co_await change_and_show(std::move(context), std::move(request.cart_id), std::move(change));
}

Task<Result<StoredCart>> Service::merge(Context context, Key guest, Key own) {
  const auto turn = co_await turns_.take(own.name, context.deadline());
  if (!turn) co_return errors::busy();
  auto from = co_await repository_.find(context, guest);
  auto to = co_await repository_.find(context, own);
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (!from) co_return errors::not_found();
    const auto time = now();
    auto merged = to ? *to : rules::new_cart(time);
    SOUK_CO_CHECK(rules::merge(merged, *from));
    rules::mark_changed(merged, to.has_value(), time);
    auto moved = co_await repository_.move(context, guest, *from, own, to, merged);
    if (moved.done) co_return merged;
    conflicts().add();
    from = std::move(moved.from);
    to = std::move(moved.to);
  }
  co_return errors::busy();
}

Task<Result<Cart>> Service::merge_cart(Context context, MergeCart request) {
  SOUK_CO_TRY(auto own, place_of(context, "me"));
  SOUK_CO_TRY(const auto guest, place_of(context, request.from_cart_id));
  if (guest.own) co_return errors::not_found();
  SOUK_CO_TRY(auto merged, co_await merge(context, guest.key, own.key));
  co_return co_await show(std::move(context), std::move(own), std::move(merged));
}

Task<Result<CheckoutLines>> Service::checkout_lines(Context context, CartRef request) {
  SOUK_CO_TRY(const auto place, place_of(context, request.id));
  const auto cart = co_await repository_.find(context, place.key);
  if (!cart && !place.own) co_return errors::not_found();
  if (!cart || cart->items.empty()) co_return errors::empty();
  CheckoutLines lines{.cart_id = place.own ? context.caller().user_id->to_string() : place.id,
                      .version = cart->version,
                      .coupon_code = cart->coupon_code};
  for (const auto& item : cart->items) {
    lines.lines.push_back({.item_id = item.item_id,
                           .product_id = item.product_id,
                           .variant_id = item.variant_id,
                           .quantity = item.quantity});
  }
  co_return lines;
}

Task<Result<Done>> Service::finish_checkout(Context context, FinishCheckout request) {
  // Not by the caller: the order service finishes what it recovers in its own name.
  Place place{.id = request.cart_id,
              .key = request.user_id ? Repository::own_key(*request.user_id) : Repository::guest_key(request.cart_id)};
  Change take_out = [&request](StoredCart& cart) -> Result<void> {
    rules::take_out(cart, request.version, request.lines);
    return {};
  };
  const auto cart = co_await change(std::move(context), std::move(place), std::move(take_out));
  if (!cart && cart.error().kind != ErrorKind::not_found) co_return std::unexpected(cart.error());
  co_return Done{};
}

}  // namespace souk::cart
