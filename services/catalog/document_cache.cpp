#include "document_cache.hpp"

#include <vector>

namespace souk::catalog {
namespace {

// What an entry costs beside its text: list and map nodes, the shared object, its strings' heads.
constexpr std::size_t overhead = 400;

// Half as much again for what can be sold of it, which is kept beside it once it was priced.
std::size_t size_of(const DocumentPtr& document) { return overhead + (document ? document->body.size() * 3 / 2 : 0); }

}  // namespace

DocumentCache::DocumentCache(std::size_t max_bytes) : max_shard_bytes_(max_bytes / shard_count) {}

DocumentPtr DocumentCache::find(std::string_view product_id) {
  auto& shard = shard_of(product_id);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(product_id);
  if (found == shard.index.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->document;
}

DocumentPtr DocumentCache::find_by_slug(std::string_view slug) {
  std::string product_id;
  {
    auto& shard = slug_shard_of(slug);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.product_ids.find(slug);
    if (found == shard.product_ids.end()) return nullptr;
    product_id = found->second;
  }
  auto document = find(product_id);
  // The slug may have moved on to another product.
  return document && document->slug == slug ? document : nullptr;
}

bool DocumentCache::put(DocumentPtr document) {
  const auto id = document->product_id;
  const auto updated_at = document->updated_at;
  return store(id, updated_at, std::move(document));
}

void DocumentCache::invalidate(const std::string& product_id, Timestamp updated_at) {
  store(product_id, updated_at, nullptr);
}

bool DocumentCache::store(const std::string& product_id, Timestamp updated_at, DocumentPtr document) {
  std::vector<DocumentPtr> gone;  // destroyed, and their slugs forgotten, outside the lock
  DocumentPtr noted;
  {
    auto& shard = shard_of(product_id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(product_id);
    if (found != shard.index.end()) {
      auto& entry = *found->second;
      if (entry.updated_at > updated_at) return false;
      // A document may fill the place of an invalidation of its own version.
      if (entry.updated_at == updated_at && (entry.document || !document)) return true;
      shard.bytes -= size_of(entry.document);
      gone.push_back(std::move(entry.document));
      entry.updated_at = updated_at;
      entry.document = document;
      shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    } else {
      shard.entries.push_front({product_id, updated_at, document});
      shard.index.emplace(shard.entries.front().product_id, shard.entries.begin());
    }
    shard.bytes += size_of(document);
    noted = std::move(document);
    while (shard.bytes > max_shard_bytes_ && shard.entries.size() > 1) {
      auto& last = shard.entries.back();
      shard.bytes -= size_of(last.document);
      shard.index.erase(last.product_id);
      gone.push_back(std::move(last.document));
      shard.entries.pop_back();
    }
  }
  for (const auto& old : gone) {
    if (old) forget_slug(*old);
  }
  if (noted) note_slug(*noted);
  return true;
}

void DocumentCache::note_slug(const StoredDocument& document) {
  auto& shard = slug_shard_of(document.slug);
  const std::lock_guard lock(shard.mutex);
  shard.product_ids.insert_or_assign(document.slug, document.product_id);
}

void DocumentCache::forget_slug(const StoredDocument& document) {
  auto& shard = slug_shard_of(document.slug);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.product_ids.find(document.slug);
  if (found != shard.product_ids.end() && found->second == document.product_id) shard.product_ids.erase(found);
}

void DocumentCache::clear() {
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    shard.index.clear();
    shard.entries.clear();
    shard.bytes = 0;
  }
  for (auto& shard : slugs_) {
    const std::lock_guard lock(shard.mutex);
    shard.product_ids.clear();
  }
}

}  // namespace souk::catalog
