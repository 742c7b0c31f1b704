#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "import_rules.hpp"
#include "redis_cache.hpp"
#include "repository.hpp"

namespace souk::catalog {

// What an import changed, for the caches.
struct ImportOutcome {
  ImportedProducts reply;
  std::vector<RedisCache::Changed> changed;
  bool categories_changed = false;
};

// One call of an import, in one change of the store.
class Importer {
 public:
  Importer(Repository& repository, Timestamp now) : repository_(repository), now_(now) {}

  Task<ImportOutcome> run(Context context, std::vector<std::string> lines);

 private:
  struct Line {
    std::size_t index;  // in the request
    rules::ProductLine product;
  };
  // Lines that may be applied together: no product twice.
  using Wave = std::vector<Line>;

  std::vector<Wave> read(const std::vector<std::string>& lines);
  Task<> apply(Change& change, const Wave& wave);
  // Empty, or the clash in words. Notes the names as taken otherwise.
  static std::string take_names(const rules::ProductLine& line, const std::string& slug, TakenNames& taken);
  void note_categories(const Product& product);
  void add_category(const CategoryRef& ref, const std::optional<std::string>& parent_id);
  Task<> save_categories(Change& change);

  Repository& repository_;
  Timestamp now_;
  ImportOutcome outcome_;
  std::map<std::string, Category> categories_;
  std::set<std::string> category_slugs_;
  std::set<std::string> new_categories_;
  std::set<std::string> affected_categories_;
};

// Adds and replaces categories. Empty, or the slug that another category has.
Task<std::optional<std::string>> upsert_categories(Repository& repository, Context context,
                                                   std::vector<Category> categories, Timestamp now);

}  // namespace souk::catalog
