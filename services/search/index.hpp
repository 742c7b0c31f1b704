#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "search/api.hpp"
#include "segment.hpp"

namespace souk::search {

// What the index found: ids in order, with the whole number of matches.
struct Found {
  std::vector<std::string> product_ids;
  std::int64_t total = 0;
  bool has_more = false;
  std::map<std::string, std::vector<FacetValue>> facets;
};
BOOST_DESCRIBE_STRUCT(Found, (), (product_ids, total, has_more, facets))

// All that is searched at one moment: a large segment, and a small one with what changed since that was built.
struct Snapshot {
  std::shared_ptr<const Segment> main;
  std::vector<bool> replaced;  // documents of `main` that are gone or in `recent`
  std::shared_ptr<const Segment> recent;
  // How far the catalog's events are in it: the same in every process, so that they may share cached results.
  std::string generation;

  std::size_t gone = 0;  // how many are replaced

  std::size_t size() const { return main->size() - gone + recent->size(); }
  // When the indexed document of a product was changed last; empty for one that is not in the index.
  std::optional<Timestamp> updated_at(const std::string& product_id) const;
};

// The embedded search index. Readers on any thread take the snapshot and keep it; one writer replaces it.
class Index {
 public:
  Index();

  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_.load(); }

  // The whole catalog anew. Inactive products are left out here.
  void rebuild(std::vector<catalog::Product> products, std::string generation);
  // Products that changed; an absent or inactive one is taken out.
  struct Update {
    std::string product_id;
    std::optional<catalog::Product> product;
  };
  void apply(std::vector<Update> updates, std::string generation);
  // So many changed that a rebuild is due: what changed is indexed anew with each update.
  bool wants_rebuild() const;

 private:
  void publish(std::shared_ptr<const Segment> main, std::vector<bool> replaced, std::string generation);

  mutable std::mutex writer_;
  std::map<std::string, catalog::Product> recent_;  // what `recent` is built from
  std::atomic<std::shared_ptr<const Snapshot>> snapshot_;
};

// Searches a snapshot. `offset` documents are passed over.
Found find(const Snapshot& snapshot, const SearchProducts& request, std::size_t offset, std::size_t limit);
std::vector<std::string> suggest(const Snapshot& snapshot, const std::string& prefix, std::size_t limit);

}  // namespace souk::search
