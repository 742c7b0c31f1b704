#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "cart/api.hpp"
#include "catalog/api.hpp"
#include "inventory/api.hpp"
#include "payment/api.hpp"
#include "user/api.hpp"

// The other services in memory, as far as the order service asks them. Each call can be disturbed before and after its
// effect.
namespace souk::order {

[[noreturn]] inline void not_asked() { throw std::logic_error("the order service does not ask this"); }

// What a test lets happen: called with "inventory.reserve" and the like, before and after the effect; may throw.
struct Disturbance {
  using Hook = std::function<void(const std::string& call)>;

  void before(const std::string& call) {
    const auto hook = [&] {
      const std::lock_guard lock(mutex);
      ++counts[call];
      return before_hook;
    }();
    if (hook) hook(call);
  }
  void after(const std::string& call) {
    const auto hook = [&] {
      const std::lock_guard lock(mutex);
      return after_hook;
    }();
    if (hook) hook(call);
  }
  int count(const std::string& call) {
    const std::lock_guard lock(mutex);
    return counts[call];
  }
  void set_before(Hook hook) {
    const std::lock_guard lock(mutex);
    before_hook = std::move(hook);
  }
  void set_after(Hook hook) {
    const std::lock_guard lock(mutex);
    after_hook = std::move(hook);
  }

  std::mutex mutex;
  Hook before_hook;
  Hook after_hook;
  std::map<std::string, int> counts;
};

class FakeCarts final : public cart::Api {
 public:
  explicit FakeCarts(Disturbance& disturbance) : disturbance_(disturbance) {}

  void put(const std::string& id, std::vector<cart::CheckoutLine> lines) {
    const std::lock_guard lock(mutex_);
    carts_[id] = {.cart_id = id, .version = ++versions_, .lines = std::move(lines)};
  }
  void put_coupon(const std::string& id, std::string code) {
    const std::lock_guard lock(mutex_);
    carts_[id].coupon_code = std::move(code);
  }
  std::size_t lines_in(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return carts_[id].lines.size();
  }

  Task<Result<cart::CheckoutLines>> checkout_lines(Context context, cart::CartRef request) override {
    disturbance_.before("cart.checkout_lines");
    const std::lock_guard lock(mutex_);
    const auto id = request.id == "me" ? context.caller().user_id.value().to_string() : request.id;
    const auto found = carts_.find(id);
    if (found == carts_.end()) co_return refuse(ErrorKind::not_found, "cart.not_found", "There is no such cart.");
    if (found->second.lines.empty()) co_return refuse(ErrorKind::conflict, "cart.empty", "The cart is empty.");
    co_return found->second;
  }
  Task<Result<cart::Done>> finish_checkout(Context, cart::FinishCheckout request) override {
    disturbance_.before("cart.finish_checkout");
    {
      const std::lock_guard lock(mutex_);
      auto& cart = carts_[request.user_id ? request.user_id->to_string() : request.cart_id];
      if (cart.version == request.version) cart.lines.clear();
    }
    disturbance_.after("cart.finish_checkout");
    co_return cart::Done{};
  }

  Task<Result<cart::Cart>> create_cart(Context, cart::CreateCart) override { not_asked(); }
  Task<Result<cart::Cart>> get_cart(Context, cart::CartRef) override { not_asked(); }
  Task<Result<cart::Done>> delete_cart(Context, cart::CartRef) override { not_asked(); }
  Task<Result<cart::Cart>> add_item(Context, cart::AddItem) override { not_asked(); }
  Task<Result<cart::Cart>> set_quantity(Context, cart::SetQuantity) override { not_asked(); }
  Task<Result<cart::Cart>> remove_item(Context, cart::RemoveItem) override { not_asked(); }
  Task<Result<cart::Cart>> set_coupon(Context, cart::SetCoupon) override { not_asked(); }
  Task<Result<cart::Cart>> merge_cart(Context, cart::MergeCart) override { not_asked(); }

 private:
  Disturbance& disturbance_;
  std::mutex mutex_;
  std::int64_t versions_ = 0;
  std::map<std::string, cart::CheckoutLines> carts_;
};

class FakeCatalog final : public catalog::Api {
 public:
  struct Product {
    std::int64_t price = 1000;
    bool sellable = true;
    std::string currency = "USD";
    std::optional<std::int64_t> weight_g = 100;
    std::optional<std::string> category_id{};
  };
  void sell(const std::string& id, Product product) {
    const std::lock_guard lock(mutex_);
    products_[id] = std::move(product);
  }

  Task<Result<catalog::PricedItems>> price_items(Context, catalog::PriceItems request) override {
    const std::lock_guard lock(mutex_);
    catalog::PricedItems answer;
    for (const auto& wanted : request.items) {
      const auto found = products_.find(wanted.product_id);
      if (found == products_.end()) {
        answer.items.push_back({.refusal = "catalog.product_not_found"});
        continue;
      }
      const auto& product = found->second;
      answer.items.push_back(
          {.item = catalog::SellableItem{.product_id = wanted.product_id,
                                         .variant_id = wanted.variant_id,
                                         .sellable_id = wanted.variant_id.value_or(wanted.product_id),
                                         .sku = "SKU-" + wanted.product_id,
                                         .name = "Name of " + wanted.product_id,
                                         .size = "M",
                                         .category_id = product.category_id,
                                         .unit_price = Amount(product.price),
                                         .currency = product.currency,
                                         .weight_g = product.weight_g,
                                         .sellable = product.sellable}});
    }
    co_return answer;
  }

  Task<Result<catalog::ProductDocument>> get_product(Context, catalog::GetProduct) override { not_asked(); }
  Task<Result<catalog::ProductDocuments>> get_products(Context, catalog::GetProducts) override { not_asked(); }
  Task<Result<catalog::ProductPage>> list_products(Context, catalog::ListProducts) override { not_asked(); }
  Task<Result<catalog::Categories>> list_categories(Context, catalog::ListCategories) override { not_asked(); }
  Task<Result<catalog::Category>> get_category(Context, catalog::GetCategory) override { not_asked(); }
  Task<Result<catalog::ImportedProducts>> import_products(Context, catalog::ImportProducts) override { not_asked(); }
  Task<Result<catalog::Done>> upsert_categories(Context, catalog::UpsertCategories) override { not_asked(); }
  Task<Result<catalog::CatalogStats>> stats(Context, catalog::Done) override { not_asked(); }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents) override { not_asked(); }

 private:
  std::mutex mutex_;
  std::map<std::string, Product> products_;
};

class FakeUsers final : public user::Api {
 public:
  void add(user::Address address, Uuid user_id) {
    const std::lock_guard lock(mutex_);
    addresses_[{user_id, address.id}] = std::move(address);
  }

  Task<Result<user::Address>> get_address(Context, user::AddressRef request) override {
    const std::lock_guard lock(mutex_);
    const auto found = addresses_.find({request.user_id, request.address_id});
    if (found == addresses_.end()) co_return refuse(ErrorKind::not_found, "user.address_not_found", "No such address.");
    co_return found->second;
  }

  Task<Result<user::Registered>> register_user(Context, user::Register) override { not_asked(); }
  Task<Result<user::Tokens>> login(Context, user::Login) override { not_asked(); }
  Task<Result<user::Tokens>> refresh(Context, user::Refresh) override { not_asked(); }
  Task<Result<user::Done>> logout(Context, user::Logout) override { not_asked(); }
  Task<Result<user::User>> get_user(Context, user::UserRef) override { not_asked(); }
  Task<Result<user::User>> patch_user(Context, user::PatchUser) override { not_asked(); }
  Task<Result<user::User>> create_user(Context, user::CreateUser) override { not_asked(); }
  Task<Result<user::Addresses>> list_addresses(Context, user::UserRef) override { not_asked(); }
  Task<Result<user::Address>> add_address(Context, user::AddAddress) override { not_asked(); }
  Task<Result<user::Address>> patch_address(Context, user::PatchAddress) override { not_asked(); }
  Task<Result<user::Done>> delete_address(Context, user::AddressRef) override { not_asked(); }
  Task<Result<events::EventPage>> events(Context, events::ReadEvents) override { not_asked(); }

 private:
  std::mutex mutex_;
  std::map<std::pair<Uuid, Uuid>, user::Address> addresses_;
};

}  // namespace souk::order
