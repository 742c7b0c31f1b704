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
  std::string subcategory_id;
  std::string subcategory_slug;
  std::string folded_brand;
  std::vector<std::string> tags;
  Amount price;
  double rating = 0;
  bool featured = false;
  bool on_sale = false;
  Timestamp created_at;
  Timestamp updated_at;
  std::uint32_t brand = no_label;     // in the segment's brands()
  std::uint32_t category = no_label;  // in the segment's categories()

  static constexpr std::uint32_t no_label = std::numeric_limits<std::uint32_t>::max();
};

// What a facet counts: products hold its number, so that counting is adding to an array.
struct Label {
  std::string value;
  std::string text;
};
class Labels {
 public:
  std::uint32_t number_of(const std::string& value, const std::string& text);
  const std::vector<Label>& all() const { return labels_; }

 private:
  std::vector<Label> labels_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
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

  const std::vector<Label>& brands() const { return brands_.all(); }
  const std::vector<Label>& categories() const { return categories_.all(); }
  // The most frequent term that is one edit away from this unknown one and begins with the same letter, and in how many
  // documents it is.
  std::pair<std::string_view, std::size_t> similar_term(std::string_view unknown) const;
  // Words of names as they are written, with how many products have them; for suggestions.
  const std::vector<std::pair<std::string, std::uint32_t>>& words() const { return words_; }

 private:
  IndexedProduct indexed(const catalog::Product& product);
  void add_codes(const catalog::Product& product, std::uint32_t document);

  std::vector<IndexedProduct> products_;
  std::unordered_map<std::string, std::vector<Posting>> terms_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> codes_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::pair<std::string, std::uint32_t>> words_;
  std::vector<std::string_view> sorted_terms_;  // keys of terms_
  Labels brands_;
  Labels categories_;
};

}  // namespace souk::search
