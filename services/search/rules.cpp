#include "rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "analyzer.hpp"
#include "core/crypto.hpp"

namespace souk::search::rules {
namespace {

constexpr std::size_t max_facet_values = 50;
// Nobody turns so many pages, and each costs the sorting of all before it.
constexpr std::size_t max_offset = 10'000;

// Lower ends of the price ranges, in hundredths.
constexpr std::array<std::int64_t, 7> price_steps = {0, 25'00, 50'00, 100'00, 250'00, 500'00, 1000'00};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    if (end != 0) parts.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return parts;
}

std::string folded(std::string_view text) {
  std::string out;
  for (const auto& word : fold_words(text)) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string range_name(std::size_t step) {
  const auto from = price_steps[step] / 100;
  if (step + 1 == price_steps.size()) return fmt::format("{}-", from);
  return fmt::format("{}-{}", from, price_steps[step + 1] / 100);
}

std::vector<FacetValue> by_count(const std::map<std::string, FacetValue>& counts) {
  std::vector<FacetValue> values;
  for (const auto& [value, count] : counts) values.push_back(count);
  std::ranges::sort(values, [](const FacetValue& a, const FacetValue& b) {
    return a.count != b.count ? a.count > b.count : a.value < b.value;
  });
  if (values.size() > max_facet_values) values.resize(max_facet_values);
  return values;
}

void add_counts(std::map<std::string, FacetValue>& sums, const std::vector<Label>& labels,
                const std::vector<std::uint32_t>& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    auto& sum = sums.emplace(labels[i].value, FacetValue{labels[i].value, labels[i].text}).first->second;
    sum.count += counts[i];
  }
}

std::string short_hash(const std::string& text) {
  const auto digest = sha256(text);
  return hex(std::span(digest).first(16));
}

// What was asked, without the place in the list.
std::string question(const SearchProducts& request) {
  auto asked = request;
  asked.cursor.reset();
  asked.limit.reset();
  asked.facets.reset();
  return json::write(asked);
}

}  // namespace

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

std::vector<std::string> codes_in(std::string_view text) {
  std::vector<std::string> codes;
  const auto add = [&](std::string_view part) {
    auto code = fold_code(part);
    const bool has_digit = std::ranges::any_of(code, [](char c) { return c >= '0' && c <= '9'; });
    if (code.size() >= 3 && has_digit && std::ranges::find(codes, code) == codes.end())
      codes.push_back(std::move(code));
  };
  add(text);
  for (const auto word : split(text, ' ')) add(word);
  return codes;
}

Filter::Filter(const catalog::ProductFilter& request)
    : min_price_(request.min_price),
      max_price_(request.max_price),
      min_rating_(request.min_rating),
      featured_(request.featured),
      on_sale_(request.on_sale) {
  if (request.category) category_ = *request.category;
  if (request.subcategory) subcategory_ = *request.subcategory;
  if (request.brand) brand_ = folded(*request.brand);
  if (request.tag) tag_ = *request.tag;
}

bool Filter::accepts(const IndexedProduct& product) const {
  if (category_ && *category_ != product.category_id && *category_ != product.category_slug) return false;
  if (subcategory_ && *subcategory_ != product.subcategory_id && *subcategory_ != product.subcategory_slug)
    return false;
  if (brand_ && *brand_ != product.folded_brand) return false;
  if (tag_ && std::ranges::find(product.tags, *tag_) == product.tags.end()) return false;
  if (min_price_ && product.price < *min_price_) return false;
  if (max_price_ && product.price > *max_price_) return false;
  if (min_rating_ && product.rating < *min_rating_) return false;
  if (featured_ && *featured_ != product.featured) return false;
  return !on_sale_ || *on_sale_ == product.on_sale;
}

Result<void> check_facets(std::string_view names) {
  for (const auto name : split(names, ',')) {
    if (name != "brand" && name != "category" && name != "price" && name != "rating") {
      return std::unexpected(Error{.kind = ErrorKind::invalid,
                                   .code = "request.invalid",
                                   .detail = "Some fields are missing or wrong; see errors.",
                                   .errors = {{"facets", "value", "must name brand, category, price or rating"}}});
    }
  }
  return {};
}

FacetCounter::FacetCounter(std::string_view names) : prices_(price_steps.size()), ratings_(5) {
  for (const auto name : split(names, ',')) {
    brand_ = brand_ || name == "brand";
    category_ = category_ || name == "category";
    price_ = price_ || name == "price";
    rating_ = rating_ || name == "rating";
  }
}

void FacetCounter::enter(const Segment& segment) {
  const auto known = std::ranges::find(segments_, &segment, &SegmentCounts::segment);
  current_ = static_cast<std::size_t>(known - segments_.begin());
  if (known != segments_.end()) return;
  segments_.push_back({&segment, std::vector<std::uint32_t>(segment.brands().size()),
                       std::vector<std::uint32_t>(segment.categories().size())});
}

void FacetCounter::count(const IndexedProduct& product) {
  auto& counts = segments_[current_];
  if (brand_ && product.brand != IndexedProduct::no_label) ++counts.brands[product.brand];
  if (category_ && product.category != IndexedProduct::no_label) ++counts.categories[product.category];
  if (price_) {
    const auto above = std::ranges::upper_bound(price_steps, product.price.minor());
    ++prices_[static_cast<std::size_t>(above - price_steps.begin()) - 1];
  }
  if (rating_ && product.rating >= 1)
    ++ratings_[std::min<std::size_t>(5, static_cast<std::size_t>(product.rating)) - 1];
}

std::map<std::string, std::vector<FacetValue>> FacetCounter::result() const {
  std::map<std::string, std::vector<FacetValue>> facets;
  std::map<std::string, FacetValue> brands;
  std::map<std::string, FacetValue> categories;
  for (const auto& counts : segments_) {
    add_counts(brands, counts.segment->brands(), counts.brands);
    add_counts(categories, counts.segment->categories(), counts.categories);
  }
  if (brand_) facets["brand"] = by_count(brands);
  if (category_) facets["category"] = by_count(categories);
  if (price_) {
    for (std::size_t step = 0; step < prices_.size(); ++step) {
      if (prices_[step] > 0) facets["price"].push_back({range_name(step), range_name(step), prices_[step]});
    }
  }
  if (rating_) {
    for (std::size_t stars = 5; stars >= 1; --stars) {
      const auto count = ratings_[stars - 1];
      if (count > 0) facets["rating"].push_back({std::to_string(stars), fmt::format("{} stars", stars), count});
    }
  }
  return facets;
}

std::string to_cursor(const SearchProducts& request, std::size_t offset) {
  const auto text = fmt::format("{}.{}", offset, short_hash(question(request)));
  return base64url(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Result<std::size_t> offset_of(const SearchProducts& request) {
  if (!request.cursor) return 0;
  const auto text = from_base64url(*request.cursor).value_or("");
  std::size_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || offset > max_offset || *request.cursor != to_cursor(request, offset)) {
    return refuse(ErrorKind::invalid, "request.invalid_cursor",
                  "The cursor is not one of this search; begin without it.");
  }
  return offset;
}

std::string query_hash(const SearchProducts& request, std::string_view generation) {
  return short_hash(fmt::format("{}\n{}", generation, json::write(request)));
}

}  // namespace souk::search::rules
