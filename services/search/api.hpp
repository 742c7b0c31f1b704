#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/api.hpp"
#include "core/context.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "json/json.hpp"

// Product search: an index that follows the catalog's events.
namespace souk::search {

BOOST_DEFINE_ENUM_CLASS(Sort, relevance, newest, price_asc, price_desc, rating)

struct SearchProducts : catalog::ProductFilter {
  std::optional<json::Text<0, 500>> q;       // empty: everything
  std::optional<json::Text<1, 100>> facets;  // comma-separated: brand, category, price, rating
  std::optional<Sort> sort;
  std::optional<json::Int<1, 100>> limit;
  std::optional<json::Text<1, 200>> cursor;
};
BOOST_DESCRIBE_STRUCT(SearchProducts, (catalog::ProductFilter), (q, facets, sort, limit, cursor))

struct FacetValue {
  std::string value;  // brand name, category id, "25-50", "4"
  std::string label;
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(FacetValue, (), (value, label, count))

// The documents lie in `data` as the catalog has them, in order of relevance.
struct SearchResults {
  std::vector<json::Raw> data;
  std::int64_t total = 0;
  std::map<std::string, std::vector<FacetValue>> facets;
  bool has_more = false;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(SearchResults, (), (data, total, facets, has_more, next_cursor))

struct Suggest {
  json::Text<1, 200> q;
  std::optional<json::Int<1, 20>> limit;
};
BOOST_DESCRIBE_STRUCT(Suggest, (), (q, limit))
struct Suggestions {
  std::vector<std::string> data;
};
BOOST_DESCRIBE_STRUCT(Suggestions, (), (data))

struct IndexState {
  std::int64_t documents = 0;
  bool caught_up = false;  // has read the catalog's events to their end at least once since it started
};
BOOST_DESCRIBE_STRUCT(IndexState, (), (documents, caught_up))

class Api {
 public:
  virtual ~Api() = default;
  virtual Task<Result<SearchResults>> search(Context context, SearchProducts request) = 0;
  virtual Task<Result<Suggestions>> suggest(Context context, Suggest request) = 0;
  virtual Task<Result<IndexState>> state(Context context, catalog::Done request) = 0;
};

}  // namespace souk::search
