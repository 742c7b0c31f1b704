#include <algorithm>
#include <cmath>
#include <set>

#include "analyzer.hpp"
#include "index.hpp"
#include "rules.hpp"

namespace souk::search {
namespace {

// Scores of one segment's documents while a query runs. Reused by a thread's queries: only touched entries are reset.
struct Scores {
  std::vector<float> score;
  std::vector<std::uint8_t> terms;  // how many of the query's terms a document has
  std::vector<std::uint32_t> touched;

  void prepare(std::size_t documents) {
    for (const auto document : touched) {
      score[document] = 0;
      terms[document] = 0;
    }
    touched.clear();
    if (score.size() < documents) {
      score.resize(documents, 0);
      terms.resize(documents, 0);
    }
  }
  void add(std::uint32_t document, float value) {
    if (terms[document] == 0 && score[document] == 0) touched.push_back(document);
    score[document] += value;
  }
};

// A document that matches.
struct Match {
  const IndexedProduct* product;
  std::size_t terms;  // how many of the query's terms it has: more go first
  float score;
};

// What a search gathers: matches, and the facets counted over them.
struct Gathered {
  std::vector<Match> matches;
  rules::FacetCounter facets;
};

struct Query {
  std::vector<std::string> terms;
  std::vector<std::string> codes;
};

// A part number counts for more than any words do.
constexpr float code_score = 1000;

std::size_t frequency(const Snapshot& snapshot, const std::string& term) {
  return snapshot.main->postings(term).size() + snapshot.recent->postings(term).size();
}

// The most frequent known term that is one edit away from an unknown one.
std::optional<std::string> corrected(const Snapshot& snapshot, const std::string& term) {
  if (term.size() < 4) return std::nullopt;
  const auto in_main = snapshot.main->similar_term(term);
  const auto in_recent = snapshot.recent->similar_term(term);
  const auto& best = in_main.second >= in_recent.second ? in_main : in_recent;
  if (best.second == 0) return std::nullopt;
  return std::string(best.first);
}

Query parse_query(const Snapshot& snapshot, std::string_view text) {
  Query query;
  std::set<std::string> seen;
  for (auto& term : analyze(text)) {
    if (frequency(snapshot, term) == 0) {
      if (auto better = corrected(snapshot, term)) term = *std::move(better);
    }
    if (seen.insert(term).second && query.terms.size() < 32) query.terms.push_back(std::move(term));
  }
  query.codes = rules::codes_in(text);
  return query;
}

float inverse_frequency(const Snapshot& snapshot, const std::string& term) {
  const auto all = static_cast<float>(snapshot.size());
  const auto with = static_cast<float>(frequency(snapshot, term));
  return std::log(1 + (all - with + 0.5F) / (with + 0.5F));
}

void score_segment(const Snapshot& snapshot, const Segment& segment, const Query& query, Scores& scores) {
  scores.prepare(segment.size());
  for (const auto& term : query.terms) {
    const auto idf = std::max(0.01F, inverse_frequency(snapshot, term));
    for (const auto& posting : segment.postings(term)) {
      scores.add(posting.document, idf * posting.weight);
      ++scores.terms[posting.document];
    }
  }
  for (const auto& code : query.codes) {
    for (const auto document : segment.with_code(code)) {
      scores.add(document, code_score);
      scores.terms[document] = static_cast<std::uint8_t>(std::max<std::size_t>(1, query.terms.size()));
    }
  }
}

struct Searched {
  const Segment& segment;
  const std::vector<bool>* left_out;  // documents that count no more
  Scores scores;

  bool counts(std::uint32_t document) const { return left_out == nullptr || !(*left_out)[document]; }
};

// Matches that have exactly `wanted` of the terms and pass the filter.
void collect(const Searched& searched, std::size_t wanted, const rules::Filter& filter, Gathered& gathered) {
  gathered.facets.enter(searched.segment);
  for (const auto document : searched.scores.touched) {
    if (searched.scores.terms[document] != wanted || !searched.counts(document)) continue;
    const auto& product = searched.segment.product(document);
    if (!filter.accepts(product)) continue;
    gathered.matches.push_back({&product, wanted, searched.scores.score[document]});
    gathered.facets.count(product);
  }
}

void collect_all(const Searched& searched, const rules::Filter& filter, Gathered& gathered) {
  gathered.facets.enter(searched.segment);
  for (std::uint32_t document = 0; document < searched.segment.size(); ++document) {
    if (!searched.counts(document)) continue;
    const auto& product = searched.segment.product(document);
    if (!filter.accepts(product)) continue;
    gathered.matches.push_back({&product, 0, 0});
    gathered.facets.count(product);
  }
}

// How many matches are enough, so that those with fewer of the terms are left out. Of one or two words all must be
// there unless nothing has them; of more, one is often said in another way by the products that are meant.
std::size_t enough_matches(std::size_t terms) { return terms >= 3 ? 5 : 1; }

Gathered gather(const Snapshot& snapshot, const SearchProducts& request) {
  const rules::Filter filter(request);
  thread_local std::vector<Scores> scratch(2);
  Searched segments[] = {{*snapshot.main, &snapshot.replaced, std::move(scratch[0])},
                         {*snapshot.recent, nullptr, std::move(scratch[1])}};
  Gathered gathered{.facets = rules::FacetCounter(request.facets.value_or(""))};
  const std::string text = request.q.value_or("");
  const auto query = parse_query(snapshot, text);
  if (rules::is_blank(text)) {
    for (const auto& segment : segments) collect_all(segment, filter, gathered);
  } else if (!query.terms.empty() || !query.codes.empty()) {
    for (auto& segment : segments) score_segment(snapshot, segment.segment, query, segment.scores);
    // All terms first; then, while that is not enough, what has one fewer, but at least half.
    const auto terms = std::max<std::size_t>(1, query.terms.size());
    for (auto wanted = terms; wanted >= (terms + 1) / 2; --wanted) {
      for (const auto& segment : segments) collect(segment, wanted, filter, gathered);
      if (gathered.matches.size() >= enough_matches(terms)) break;
    }
  }
  for (std::size_t i = 0; i < 2; ++i) scratch[i] = std::move(segments[i].scores);
  return gathered;
}

// Whether `a` comes before `b`; ids decide where all else is equal, so that pages do not overlap.
bool comes_before(Sort sort, const Match& a, const Match& b) {
  switch (sort) {
    case Sort::relevance:
      if (a.terms != b.terms) return a.terms > b.terms;
      if (a.score != b.score) return a.score > b.score;
      break;
    case Sort::newest:
      if (a.product->created_at != b.product->created_at) return a.product->created_at > b.product->created_at;
      break;
    case Sort::price_asc:
      if (a.product->price != b.product->price) return a.product->price < b.product->price;
      break;
    case Sort::price_desc:
      if (a.product->price != b.product->price) return a.product->price > b.product->price;
      break;
    case Sort::rating:
      if (a.product->rating != b.product->rating) return a.product->rating > b.product->rating;
      break;
  }
  return a.product->product_id < b.product->product_id;
}

Sort sort_of(const SearchProducts& request) {
  if (request.sort) return *request.sort;
  return rules::is_blank(request.q.value_or("")) ? Sort::newest : Sort::relevance;
}

}  // namespace

Found find(const Snapshot& snapshot, const SearchProducts& request, std::size_t offset, std::size_t limit) {
  auto [matches, facets] = gather(snapshot, request);
  Found found{.total = static_cast<std::int64_t>(matches.size()), .facets = facets.result()};

  const auto end = std::min(matches.size(), offset + limit);
  found.has_more = end < matches.size();
  const auto before = [sort = sort_of(request)](const Match& a, const Match& b) { return comes_before(sort, a, b); };
  std::partial_sort(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(end), matches.end(), before);
  for (auto i = offset; i < end; ++i) found.product_ids.push_back(matches[i].product->product_id);
  return found;
}

std::vector<std::string> suggest(const Snapshot& snapshot, const std::string& prefix, std::size_t limit) {
  auto words = fold_words(prefix);
  if (words.empty()) return {};
  const auto last = words.back();
  words.pop_back();
  std::string start;
  for (const auto& word : words) start += word + " ";
  std::map<std::string, std::uint32_t> counts;
  for (const auto& segment : {snapshot.main, snapshot.recent}) {
    const auto& all = segment->words();
    auto word =
        std::ranges::lower_bound(all, last, {}, [](const auto& entry) { return std::string_view(entry.first); });
    for (; word != all.end() && word->first.starts_with(last); ++word) counts[word->first] += word->second;
  }
  std::vector<std::pair<std::string, std::uint32_t>> best(counts.begin(), counts.end());
  std::ranges::sort(best, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> suggestions;
  for (std::size_t i = 0; i < std::min(limit, best.size()); ++i) suggestions.push_back(start + best[i].first);
  return suggestions;
}

}  // namespace souk::search
