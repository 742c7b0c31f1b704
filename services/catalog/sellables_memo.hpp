#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "rules.hpp"

namespace souk::catalog {

// What can be sold of a document, kept beside it from the first time that somebody asks. A copy asks again.
class SellablesMemo {
 public:
  SellablesMemo() = default;
  SellablesMemo(const SellablesMemo& /*other*/) {}
  SellablesMemo& operator=(const SellablesMemo& other) {
    if (this != &other) kept_.store(nullptr);
    return *this;
  }
  ~SellablesMemo() = default;

  std::shared_ptr<const rules::Sellables> of(const std::string& body) const;

 private:
  mutable std::atomic<std::shared_ptr<const rules::Sellables>> kept_;
};

}  // namespace souk::catalog
