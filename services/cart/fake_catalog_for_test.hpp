#pragma once

#include <map>
#include <mutex>
#include <stdexcept>

#include "catalog/api.hpp"

namespace souk::cart {

// A catalog in memory that answers what the cart asks: prices.
class FakeCatalog final : public catalog::Api {
 public:
  void sell(std::string product_id, std::int64_t minor, std::vector<std::string> variants = {}) {
    const std::lock_guard lock(mutex_);
    products_[std::move(product_id)] = {.price = Amount(minor), .variants = std::move(variants)};
  }
  void deactivate(const std::string& product_id) {
    const std::lock_guard lock(mutex_);
    products_.at(product_id).active = false;
  }
  void remove(const std::string& product_id) {
    const std::lock_guard lock(mutex_);
    products_.erase(product_id);
  }

  Task<Result<catalog::PricedItems>> price_items(Context, catalog::PriceItems request) override {
    const std::lock_guard lock(mutex_);
    catalog::PricedItems answer;
    for (const auto& item : request.items) answer.items.push_back(price(item));
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
  struct Product {
    Amount price{};
    std::vector<std::string> variants{};
    bool active = true;
  };

  [[noreturn]] static void not_asked() { throw std::logic_error("the cart does not ask the catalog this"); }

  catalog::PricedItem price(const catalog::ItemRef& wanted) const {
    const auto found = products_.find(wanted.product_id);
    if (found == products_.end()) return {.refusal = "catalog.product_not_found"};
    const auto& product = found->second;
    if (!wanted.variant_id && !product.variants.empty()) return {.refusal = "catalog.variant_required"};
    if (wanted.variant_id && std::ranges::find(product.variants, *wanted.variant_id) == product.variants.end()) {
      return {.refusal = "catalog.variant_not_found"};
    }
    return {.item = catalog::SellableItem{.product_id = wanted.product_id,
                                          .variant_id = wanted.variant_id,
                                          .sellable_id = wanted.variant_id.value_or(wanted.product_id),
                                          .sku = "SKU-" + wanted.variant_id.value_or(wanted.product_id),
                                          .name = "Name of " + wanted.product_id,
                                          .unit_price = product.price,
                                          .currency = "USD",
                                          .sellable = product.active}};
  }

  mutable std::mutex mutex_;
  std::map<std::string, Product> products_;
};

}  // namespace souk::cart
