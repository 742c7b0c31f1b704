#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "category_table.hpp"
#include "document_cache.hpp"
#include "page_cache.hpp"
#include "redis_cache.hpp"
#include "repository.hpp"

namespace souk::catalog {

// What the catalog keeps in front of its store, and how it learns that it is out of date.
class Caches {
 public:
  Caches(Repository& repository, redis::Client& redis);

  // From memory, then Redis, then the store. In the order asked for; empty where there is no such product.
  Task<std::vector<DocumentPtr>> find_products(Context context, std::vector<std::string> product_ids);
  Task<DocumentPtr> find_product(Context context, std::string id_or_slug);
  // As find_products, but never from Redis, and from memory only while the feed of changes is being followed.
  Task<std::vector<DocumentPtr>> find_current_products(Context context, std::vector<std::string> product_ids);
  Task<std::vector<DocumentPtr>> find_stored_products(Context context, std::vector<std::string> product_ids);
  // What a list has read anyway.
  void keep(const DocumentPtr& document) { documents_.put(document); }

  Task<CategoryTablePtr> categories(Context context);
  PageCache& pages() { return pages_; }

  // After a change by this process: seen by its next read.
  void forget(const std::vector<RedisCache::Changed>& changed);
  void forget_categories();

  // Handle a page of the catalog's own feed, which has the changes of every process: for this one's memory, and for
  // Redis. Two consumers, so that memory stays up to date while Redis is gone.
  // Begins with an empty memory at known_feed_cursor(), whose events need not be read again.
  Task<std::string> begin_following(Context context);
  void follow_in_memory(const events::EventPage& page);
  Task<> follow_in_redis(Context context, const events::EventPage& page);
  // Called when the feed was read to its end just now.
  void note_in_step();
  // Whether what is in memory may be taken for current.
  bool in_step() const;
  // Where the feed was read to; empty before the first page.
  std::string feed_cursor() const;
  // The same; before that, where Redis has been told of, or empty when nobody ever followed the feed.
  Task<std::string> known_feed_cursor(Context context);

 private:
  Task<DocumentPtr> load(Context context, std::string product_id);
  Task<> load_missing(Context context, std::vector<std::string> ids, std::vector<DocumentPtr>& found, bool from_redis);

  Repository& repository_;
  RedisCache redis_;
  DocumentCache documents_;
  PageCache pages_;
  std::atomic<std::uint64_t> category_generation_ = 0;
  std::atomic<Clock::rep> in_step_at_;

  mutable std::mutex mutex_;
  CategoryTablePtr categories_;
  std::uint64_t categories_generation_ = 0;  // which generation categories_ is of
  std::string feed_cursor_;
};

}  // namespace souk::catalog
