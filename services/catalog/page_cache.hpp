#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace souk::catalog {

// Replies of lists in the memory of the process. Each belongs to a generation of the catalog; when something of the
// catalog changes, the generation rises and none of the older ones is given any more.
class PageCache {
 public:
  explicit PageCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Read it before reading the catalog, and pass it to put(): what changed in between is then not kept.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  void next_generation() { generation_.fetch_add(1, std::memory_order_acq_rel); }

  std::shared_ptr<const std::string> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = pages_.find(key);
    return found == pages_.end() || kept_ != generation() ? nullptr : found->second;
  }

  void put(std::string key, std::uint64_t generation, std::shared_ptr<const std::string> page) {
    const std::lock_guard lock(mutex_);
    if (generation != this->generation()) return;
    if (kept_ != generation || bytes_ > max_bytes_) {
      pages_.clear();
      bytes_ = 0;
      kept_ = generation;
    }
    bytes_ += key.size() + page->size() + 200;
    pages_.insert_or_assign(std::move(key), std::move(page));
  }

 private:
  const std::size_t max_bytes_;
  std::atomic<std::uint64_t> generation_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> pages_;
  std::uint64_t kept_ = 0;  // the generation of pages_
  std::size_t bytes_ = 0;
};

}  // namespace souk::catalog
