#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/result.hpp"
#include "core/task.hpp"
#include "details.hpp"

namespace souk::order {

// What many customers were refused just now for want of stock. While thousands want what is gone, nearly all of them
// are refused before anything is written for them; a few still ask the inventory every quarter of a second, so that
// stock which comes back is sold. Any worker.
class SoldOut {
 public:
  struct Limits {
    Duration window = std::chrono::milliseconds(250);
    int fewest_refusals = 32;  // within a window: below that everybody is looked at
  };
  static constexpr std::size_t most_items = 1000;

  explicit SoldOut(Limits limits) : limits_(limits) {}

  // A checkout of these lines was refused by the inventory, with `refusal`.
  void note(const Details& details, const Error& refusal, Deadline now);
  // The refusal of lines that are known to be sold out; empty when they must be tried.
  std::optional<Error> refusal_of(const Details& details, Deadline now) const;

 private:
  struct Item {
    Deadline ends;
    int refusals = 0;
    std::int64_t quantity = 0;  // the least that was refused
    std::string detail;         // as the customer was told
  };

  const Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Item> items_;  // by sellable id
};

}  // namespace souk::order
