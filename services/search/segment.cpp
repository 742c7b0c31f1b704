#include "segment.hpp"

#include <algorithm>
#include <unordered_map>

#include "analyzer.hpp"

namespace souk::search {
namespace {

// BM25F: how much a field says, and how strongly its length tempers it. Tuned on the human judgments of
// tests' electronics catalogue (relevance_test.cpp).
struct FieldWeight {
  float weight;
  float b;
};
constexpr FieldWeight name_field{4.0F, 0.5F};
constexpr FieldWeight brand_field{2.5F, 0.0F};
constexpr FieldWeight category_field{2.0F, 0.0F};
constexpr FieldWeight tags_field{2.0F, 0.3F};
constexpr FieldWeight description_field{0.7F, 0.6F};
constexpr float k1 = 1.2F;
constexpr std::size_t field_count = 5;

using FieldTerms = std::array<std::vector<std::string>, field_count>;

constexpr std::array<FieldWeight, field_count> field_weights{name_field, brand_field, category_field, tags_field,
                                                             description_field};

FieldTerms terms_of(const catalog::Product& product) {
  FieldTerms fields;
  fields[0] = analyze(product.name);
  if (product.brand) fields[1] = analyze(product.brand->name);
  for (const auto* category : {&product.category, &product.subcategory}) {
    if (!*category) continue;
    for (auto& term : analyze((*category)->name)) fields[2].push_back(std::move(term));
  }
  for (const auto& tag : product.tags) {
    for (auto& term : analyze(tag)) fields[3].push_back(std::move(term));
  }
  if (product.description) fields[4] = analyze(*product.description);
  return fields;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool within_one_edit(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  const auto skip = a.size() == b.size() ? 1U : 0U;
  if (a.size() == b.size() && i == a.size()) return true;
  // Equal after one character is replaced or left out, or after two neighbours change places.
  if (a.substr(std::min(a.size(), i + skip)) == b.substr(i + 1)) return true;
  return skip == 1 && i + 1 < a.size() && a[i] == b[i + 1] && a[i + 1] == b[i] && a.substr(i + 2) == b.substr(i + 2);
}

std::array<float, field_count> average_lengths(const std::vector<FieldTerms>& documents) {
  std::array<float, field_count> averages{};
  for (const auto& document : documents) {
    for (std::size_t field = 0; field < field_count; ++field) {
      averages[field] += static_cast<float>(document[field].size());
    }
  }
  for (auto& average : averages) {
    average = std::max(1.0F, average / static_cast<float>(std::max<std::size_t>(1, documents.size())));
  }
  return averages;
}

}  // namespace

std::uint32_t Labels::number_of(const std::string& value, const std::string& text) {
  const auto [entry, fresh] = numbers_.emplace(value, static_cast<std::uint32_t>(labels_.size()));
  if (fresh) labels_.push_back({value, text});
  return entry->second;
}

IndexedProduct Segment::indexed(const catalog::Product& product) {
  IndexedProduct kept;
  kept.product_id = product.product_id;
  if (product.category) {
    kept.category_id = product.category->id;
    kept.category_slug = product.category->slug;
    kept.category = categories_.number_of(product.category->id, product.category->name);
  }
  if (product.subcategory) {
    kept.subcategory_id = product.subcategory->id;
    kept.subcategory_slug = product.subcategory->slug;
  }
  if (product.brand) {
    kept.folded_brand = joined(fold_words(product.brand->name));
    kept.brand = brands_.number_of(product.brand->name, product.brand->name);
  }
  kept.tags.assign(product.tags.begin(), product.tags.end());
  kept.price = product.price.sale.value_or(product.price.regular);
  kept.rating = product.rating.average;
  kept.featured = product.is_featured;
  kept.on_sale = product.is_on_sale;
  kept.created_at = product.created_at;
  kept.updated_at = product.updated_at;
  return kept;
}

Segment::Segment(const std::vector<catalog::Product>& products) {
  std::vector<FieldTerms> documents;
  documents.reserve(products.size());
  for (const auto& product : products) documents.push_back(terms_of(product));
  const auto averages = average_lengths(documents);

  std::unordered_map<std::string, std::uint32_t> words;
  for (std::uint32_t number = 0; number < products.size(); ++number) {
    const auto& product = products[number];
    products_.push_back(indexed(product));
    numbers_.emplace(product.product_id, number);
    add_codes(product, number);
    auto name_words = fold_words(product.name);
    std::ranges::sort(name_words);
    name_words.erase(std::ranges::unique(name_words).begin(), name_words.end());
    for (auto& word : name_words) ++words[std::move(word)];

    std::unordered_map<std::string, float> frequencies;
    for (std::size_t field = 0; field < field_count; ++field) {
      const auto& [weight, b] = field_weights[field];
      const auto length = static_cast<float>(documents[number][field].size());
      const float tempered = weight / (1 - b + b * length / averages[field]);
      for (const auto& term : documents[number][field]) frequencies[term] += tempered;
    }
    for (const auto& [term, frequency] : frequencies) {
      terms_[term].push_back({number, frequency / (k1 + frequency)});
    }
  }
  words_.assign(words.begin(), words.end());
  std::ranges::sort(words_);
  sorted_terms_.reserve(terms_.size());
  for (const auto& [term, postings] : terms_) sorted_terms_.emplace_back(term);
  std::ranges::sort(sorted_terms_);
}

std::pair<std::string_view, std::size_t> Segment::similar_term(std::string_view unknown) const {
  std::pair<std::string_view, std::size_t> best;
  const auto letter = unknown.substr(0, 1);
  auto term = std::ranges::lower_bound(sorted_terms_, letter);
  for (; term != sorted_terms_.end() && term->starts_with(letter); ++term) {
    if (!within_one_edit(unknown, *term)) continue;
    const auto frequency = postings(std::string(*term)).size();
    if (frequency > best.second) best = {*term, frequency};
  }
  return best;
}

void Segment::add_codes(const catalog::Product& product, std::uint32_t document) {
  const auto add = [&](std::string_view text) {
    const auto code = fold_code(text);
    const bool has_digit = std::ranges::any_of(code, [](char c) { return c >= '0' && c <= '9'; });
    if (code.size() < 3 || !has_digit) return;
    auto& documents = codes_[code];
    if (documents.empty() || documents.back() != document) documents.push_back(document);
  };
  add(product.sku);
  add(product.product_id);
  for (const auto& tag : product.tags) add(tag);
  for (const auto& variant : product.variants) add(variant.sku);
}

const std::vector<Posting>& Segment::postings(const std::string& term) const {
  static const std::vector<Posting> nothing;
  const auto found = terms_.find(term);
  return found == terms_.end() ? nothing : found->second;
}

const std::vector<std::uint32_t>& Segment::with_code(const std::string& code) const {
  static const std::vector<std::uint32_t> nothing;
  const auto found = codes_.find(code);
  return found == codes_.end() ? nothing : found->second;
}

std::uint32_t Segment::number_of(const std::string& product_id) const {
  const auto found = numbers_.find(product_id);
  return found == numbers_.end() ? none : found->second;
}

}  // namespace souk::search
