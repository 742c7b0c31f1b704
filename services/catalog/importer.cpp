#include "importer.hpp"

#include <algorithm>

namespace souk::catalog {
namespace {

std::vector<std::string> ids_of(const rules::ProductLine& line) {
  std::vector<std::string> ids{line.product_id};
  if (line.variants) {
    for (const auto& variant : *line.variants) ids.push_back(variant.variant_id);
  }
  return ids;
}

std::vector<std::string> skus_of(const rules::ProductLine& line) {
  std::vector<std::string> skus{line.sku};
  if (line.variants) {
    for (const auto& variant : *line.variants) skus.push_back(variant.sku);
  }
  return skus;
}

std::string slug_of(const rules::ProductLine& line, const Product* existing) {
  if (line.slug) return *line.slug;
  return existing ? std::string(existing->slug) : rules::make_slug(line.name, line.product_id);
}

// The first of the names that another product has, in words.
std::string clash(const std::vector<std::string>& names, const std::map<std::string, std::string>& taken,
                  const std::string& product_id, std::string_view what) {
  for (const auto& name : names) {
    const auto found = taken.find(name);
    if (found != taken.end() && found->second != product_id) {
      return fmt::format("{} {} belongs to product {}", what, name, found->second);
    }
  }
  return "";
}

const Product* find(const std::map<std::string, Product>& products, const std::string& id) {
  const auto found = products.find(id);
  return found == products.end() ? nullptr : &found->second;
}

}  // namespace

std::vector<Importer::Wave> Importer::read(const std::vector<std::string>& lines) {
  outcome_.reply.lines.resize(lines.size());
  std::vector<Wave> waves;
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto line = rules::read_line(lines[i]);
    if (!line) {
      outcome_.reply.lines[i].problem = rules::in_words(line.error());
      continue;
    }
    const auto wave = seen[line->product_id]++;
    if (wave == waves.size()) waves.emplace_back();
    waves[wave].push_back({i, *std::move(line)});
  }
  return waves;
}

std::string Importer::take_names(const rules::ProductLine& line, const std::string& slug, TakenNames& taken) {
  const auto ids = ids_of(line);
  const auto skus = skus_of(line);
  const std::string& owner = line.product_id;
  auto words = clash(ids, taken.ids, owner, "id");
  if (words.empty()) words = clash(skus, taken.skus, owner, "sku");
  if (words.empty()) words = clash({slug}, taken.slugs, owner, "slug");
  if (!words.empty()) return words;
  for (const auto& id : ids) taken.ids.emplace(id, owner);
  for (const auto& sku : skus) taken.skus.emplace(sku, owner);
  taken.slugs.emplace(slug, owner);
  return "";
}

Task<> Importer::apply(Change& change, const Wave& wave) {
  std::vector<std::string> product_ids;
  std::vector<std::string> sellable_ids;
  for (const auto& line : wave) {
    product_ids.push_back(line.product.product_id);
    for (auto& id : ids_of(line.product)) sellable_ids.push_back(std::move(id));
  }
  const auto existing = co_await change.lock_products(product_ids);
  const auto availability = co_await change.find_availability(std::move(sellable_ids));
  TakenNames wanted;
  for (const auto& line : wave) {
    for (auto& id : ids_of(line.product)) wanted.ids.emplace(std::move(id), "");
    for (auto& sku : skus_of(line.product)) wanted.skus.emplace(std::move(sku), "");
    wanted.slugs.emplace(slug_of(line.product, find(existing, line.product.product_id)), "");
  }
  auto taken = co_await change.find_names(std::move(wanted));

  std::vector<Product> changed;
  for (const auto& line : wave) {
    auto& reply = outcome_.reply.lines[line.index];
    const auto* old = find(existing, line.product.product_id);
    reply.product_id = line.product.product_id;
    if (auto words = take_names(line.product, slug_of(line.product, old), taken); !words.empty()) {
      reply.problem = std::move(words);
      continue;
    }
    reply.stock = rules::opening_stock(line.product);
    auto product = rules::merge(line.product, old, availability, now_);
    if (old && json::write(product) == json::write(*old)) continue;
    if (old) {
      product.updated_at = rules::next_version(old->updated_at, now_);
      note_categories(*old);
    }
    note_categories(product);
    reply.changed = true;
    outcome_.changed.push_back({product.product_id, product.updated_at});
    changed.push_back(std::move(product));
  }
  if (!changed.empty()) co_await change.save_products(std::move(changed));
}

void Importer::note_categories(const Product& product) {
  if (product.category) add_category(*product.category, std::nullopt);
  // Some catalogues repeat the category where a product has no narrower one.
  if (product.subcategory && product.subcategory->id != product.category->id) {
    add_category(*product.subcategory, product.category->id);
  }
}

// A category that the catalog has already keeps its own name and place: products may name it differently.
void Importer::add_category(const CategoryRef& ref, const std::optional<std::string>& parent_id) {
  affected_categories_.insert(ref.id);
  if (categories_.contains(ref.id)) return;
  auto category = rules::make_category(ref, parent_id, now_);
  if (category_slugs_.contains(category.slug)) category.slug = rules::make_slug(ref.slug, ref.id);
  category_slugs_.insert(category.slug);
  new_categories_.insert(ref.id);
  categories_.emplace(ref.id, std::move(category));
}

Task<> Importer::save_categories(Change& change) {
  if (affected_categories_.empty()) co_return;
  const auto counts = co_await change.count_products({affected_categories_.begin(), affected_categories_.end()});
  std::vector<Category> changed;
  for (const auto& [id, count] : counts) {
    auto& category = categories_.at(id);
    if (category.product_count == count && !new_categories_.contains(id)) continue;
    category.product_count = count;
    category.updated_at = rules::next_version(category.updated_at, now_);
    changed.push_back(category);
  }
  if (changed.empty()) co_return;
  outcome_.categories_changed = true;
  for (const auto& category : changed) {
    co_await change.append_event("category.changed", category.category_id, {json::write(Done{})});
  }
  co_await change.save_categories(std::move(changed));
}

Task<ImportOutcome> Importer::run(Context context, std::vector<std::string> lines) {
  const auto waves = read(lines);
  if (waves.empty()) co_return std::move(outcome_);
  auto change = co_await repository_.begin_change(context);
  co_await change->lock_writes();
  for (auto& category : co_await change->list_categories()) {
    category_slugs_.insert(category.slug);
    std::string id = category.category_id;
    categories_.emplace(std::move(id), std::move(category));
  }
  for (const auto& wave : waves) co_await apply(*change, wave);
  co_await save_categories(*change);
  std::vector<ProductChanged> events;
  for (const auto& changed : outcome_.changed) events.push_back({changed.product_id, changed.updated_at});
  co_await change->append_changes(std::move(events));
  co_await change->commit();
  co_return std::move(outcome_);
}

Task<std::optional<std::string>> upsert_categories(Repository& repository, Context context,
                                                   std::vector<Category> categories, Timestamp now) {
  auto change = co_await repository.begin_change(context);
  co_await change->lock_writes();
  std::map<std::string, Category> known;
  std::map<std::string, std::string> slugs;
  for (auto& category : co_await change->list_categories()) {
    slugs.emplace(category.slug, category.category_id);
    std::string id = category.category_id;
    known.emplace(std::move(id), std::move(category));
  }
  std::vector<std::string> ids;
  for (const auto& category : categories) {
    const auto [owner, fresh] = slugs.emplace(category.slug, category.category_id);
    if (owner->second != category.category_id) co_return std::string(category.slug);
    ids.push_back(category.category_id);
  }
  const auto counts = co_await change->count_products(ids);
  std::vector<Category> changed;
  for (auto& category : categories) {
    const auto old = known.find(category.category_id);
    category.product_count = counts.at(category.category_id);
    category.created_at = old == known.end() ? now : old->second.created_at;
    category.updated_at = old == known.end() ? now : old->second.updated_at;
    if (old != known.end() && json::write(category) == json::write(old->second)) continue;
    category.updated_at = rules::next_version(category.updated_at, now);
    co_await change->append_event("category.changed", category.category_id, {json::write(Done{})});
    changed.push_back(std::move(category));
  }
  if (!changed.empty()) co_await change->save_categories(std::move(changed));
  co_await change->commit();
  co_return std::nullopt;
}

}  // namespace souk::catalog
