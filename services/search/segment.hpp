#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalog/api.hpp"

namespace souk::search {

// What the index keeps of a product: what is filtered, counted and sorted by.
struct IndexedProduct {
  std::string product_id;
  std::string category_id;
  std::string category_slug;
  std::string category_name;
  std::string subcategory_id;
  std::string subcategory_slug;
  std::string brand;
  std::string folded_brand;
  std::vector<std::string> tags;
  Amount price;
  double rating = 0;
  bool featured = false;
  bool on_sale = false;
  Timestamp created_at;
};

// How often a term stands in a document, weighed by field and length (the saturated part of BM25F, without idf).
struct Posting {
  std::uint32_t document = 0;
  float weight = 0;
};

// An inverted index over some products. Immutable once built, so readers need no lock.
class Segment {
 public:
  // Inactive products must have been left out.
  explicit Segment(const std::vector<catalog::Product>& products);

  std::size_t size() const { return products_.size(); }
  const IndexedProduct& product(std::uint32_t document) const { return products_[document]; }
  // Documents with a term, by number; empty for an unknown one.
  const std::vector<Posting>& postings(const std::string& term) const;
  // Documents with exactly this sku or part number (fold_code).
  const std::vector<std::uint32_t>& with_code(const std::string& code) const;
  // number_of(product_id) of a product that is not here.
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t number_of(const std::string& product_id) const;

  const std::unordered_map<std::string, std::vector<Posting>>& terms() const { return terms_; }
  // Words of names as they are written, with how many products have them; for suggestions.
  const std::vector<std::pair<std::string, std::uint32_t>>& words() const { return words_; }

 private:
  void add_codes(const catalog::Product& product, std::uint32_t document);

  std::vector<IndexedProduct> products_;
  std::unordered_map<std::string, std::vector<Posting>> terms_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> codes_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::pair<std::string, std::uint32_t>> words_;
};

}  // namespace souk::search
