#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "search/api.hpp"
#include "segment.hpp"

namespace souk::search::rules {

bool is_blank(std::string_view text);

// What in a query may be a part number: the whole of it and each of its words, where they have a digit.
std::vector<std::string> codes_in(std::string_view text);

// The filters of a request, made ready once.
class Filter {
 public:
  explicit Filter(const catalog::ProductFilter& request);
  bool accepts(const IndexedProduct& product) const;

 private:
  std::optional<std::string> category_;
  std::optional<std::string> subcategory_;
  std::optional<std::string> brand_;  // folded
  std::optional<std::string> tag_;
  std::optional<Amount> min_price_;
  std::optional<Amount> max_price_;
  std::optional<double> min_rating_;
  std::optional<bool> featured_;
  std::optional<bool> on_sale_;
};

// Counts the facets that a request names: brand, category, price, rating.
class FacetCounter {
 public:
  explicit FacetCounter(std::string_view names);
  // The products that are counted next are of this segment.
  void enter(const Segment& segment);
  void count(const IndexedProduct& product);
  // By count, at most 50 a facet; price ranges and ratings in their own order.
  std::map<std::string, std::vector<FacetValue>> result() const;

 private:
  struct SegmentCounts {
    const Segment* segment;
    std::vector<std::uint32_t> brands;
    std::vector<std::uint32_t> categories;
  };
  bool brand_ = false;
  bool category_ = false;
  bool price_ = false;
  bool rating_ = false;
  std::vector<SegmentCounts> segments_;
  std::size_t current_ = 0;
  std::vector<std::int64_t> prices_;
  std::vector<std::int64_t> ratings_;
};

// request.invalid, naming `facets`, for a name that is no facet.
Result<void> check_facets(std::string_view names);

// Pages by offset: the cursor holds it, and the query it belongs to.
std::string to_cursor(const SearchProducts& request, std::size_t offset);
Result<std::size_t> offset_of(const SearchProducts& request);

// The same for the same question at the same generation of the catalog, in every process: the key of the results'
// cache.
std::string query_hash(const SearchProducts& request, std::string_view generation);

}  // namespace souk::search::rules
