#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "repository.hpp"

namespace souk::catalog {

// Served documents in the memory of the process, shared by its workers. Bounded: what was not asked for longest goes.
// A document is never replaced by an older one, and an invalidation is remembered, so that a read that began before a
// change cannot put the old document back.
class DocumentCache {
 public:
  explicit DocumentCache(std::size_t max_bytes);

  // Empty when it is not there.
  DocumentPtr find(std::string_view product_id);
  DocumentPtr find_by_slug(std::string_view slug);
  // False when it is older than what is known of it; then it is not stored, and should not be served.
  bool put(DocumentPtr document);
  // Forgets what is older than `updated_at`.
  void invalidate(const std::string& product_id, Timestamp updated_at);
  // Forgets everything.
  void clear();

 private:
  struct Entry {
    std::string product_id;
    Timestamp updated_at;
    DocumentPtr document;  // empty: only known to have changed at updated_at
  };
  using Entries = std::list<Entry>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Shard {
    std::mutex mutex;
    Entries entries;  // last used first
    std::unordered_map<std::string_view, Entries::iterator> index;
    std::size_t bytes = 0;
  };
  struct SlugShard {
    std::mutex mutex;
    std::unordered_map<std::string, std::string, Hash, std::equal_to<>> product_ids;
  };

  static constexpr std::size_t shard_count = 16;

  Shard& shard_of(std::string_view product_id) { return shards_.at(Hash()(product_id) % shard_count); }
  SlugShard& slug_shard_of(std::string_view slug) { return slugs_.at(Hash()(slug) % shard_count); }
  bool store(const std::string& product_id, Timestamp updated_at, DocumentPtr document);
  void note_slug(const StoredDocument& document);
  void forget_slug(const StoredDocument& document);

  std::size_t max_shard_bytes_;
  std::array<Shard, shard_count> shards_;
  std::array<SlugShard, shard_count> slugs_;
};

}  // namespace souk::catalog
