#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "coupons.hpp"
#include "postgres/pool.hpp"
#include "pricing.hpp"

namespace souk::order {

// What shipping and taxes cost now, and what is taken off without a code.
struct Rates {
  struct Method {
    std::string id;
    std::string name;
    std::string currency;
    pricing::ShippingRate rate;
  };
  struct Tax {
    std::string country;
    std::string state;  // empty: the whole country
    pricing::TaxRate rate;
  };

  std::vector<Method> methods;  // in the order in which they are shown
  std::vector<Tax> taxes;
  std::vector<Coupon> promotions;  // the active ones, the highest priority first

  const Method* find_method(std::string_view id, std::string_view currency) const;
  // The state's rate, or the country's, or none.
  pricing::TaxRate tax_for(std::string_view country, std::string_view state) const;
};

// The rates, read from the database when the ones in memory are older than ten seconds; while the database does not
// answer the old ones hold for ten minutes more, so that browsing goes on.
class RatesCache {
 public:
  RatesCache(pg::Pool& pool, Coupons& coupons) : pool_(pool), coupons_(coupons) {}
  Task<std::shared_ptr<const Rates>> get(Context context);
  // The next get() reads anew: something was changed.
  void expire();

 private:
  Task<std::shared_ptr<const Rates>> read(Context context);

  pg::Pool& pool_;
  Coupons& coupons_;
  std::mutex mutex_;
  std::shared_ptr<const Rates> rates_;
  std::uint64_t changes_ = 0;  // how often they were told to have changed
  Deadline fresh_until_{};
  Deadline usable_until_{};
};

}  // namespace souk::order
