#include "list_statements.hpp"

#include <array>

namespace souk::catalog {
namespace {

struct Order {
  std::string_view name;
  std::string_view key;   // what is sorted by
  std::string_view type;  // of the key
  bool descending;
};

constexpr std::array<Order, 5> orders{{{"newest", "created_at", "timestamptz", true},
                                       {"price_asc", "price", "numeric", false},
                                       {"price_desc", "price", "numeric", true},
                                       {"rating", "rating", "numeric", true},
                                       {"name", "sort_name", "text", false}}};

const Order& order_of(ProductSort sort) { return orders.at(static_cast<std::size_t>(sort)); }

struct Text {
  std::string name;
  std::string sql;
};

// The filters with an index, as bits of a statement's number.
unsigned indexed_filters(const ProductQuery& query) {
  return (query.category_id ? 1u : 0u) | (query.subcategory_id ? 2u : 0u) | (query.brand ? 4u : 0u) |
         (query.tag ? 8u : 0u);
}

// $1 … $4 are the indexed filters, $5 … $9 the others.
std::string conditions(unsigned filters) {
  std::string sql = "status <> 'inactive'";
  constexpr std::array<std::string_view, 4> indexed{"category_id = $1::text", "subcategory_id = $2::text",
                                                    "brand_name = $3::text", "document->'tags' ? $4::text"};
  constexpr std::array<std::string_view, 4> absent{"$1::text IS NULL", "$2::text IS NULL", "$3::text IS NULL",
                                                   "$4::text IS NULL"};
  for (unsigned i = 0; i < indexed.size(); ++i) {
    sql += " AND ";
    sql += (filters & (1u << i)) != 0 ? indexed[i] : absent[i];
  }
  sql +=
      " AND ($5::numeric IS NULL OR price >= $5) AND ($6::numeric IS NULL OR price <= $6)"
      " AND ($7::numeric IS NULL OR rating >= $7) AND ($8::boolean IS NULL OR is_featured = $8)"
      " AND ($9::boolean IS NULL OR is_on_sale = $9)";
  return sql;
}

// Which of the statements of a list.
struct Shape {
  ProductSort sort{};
  unsigned filters = 0;
  bool after = false;
  bool price_range = false;  // where the price is the order, its range is also the part of the index to read

  static constexpr std::size_t filter_sets = 16;
  std::size_t number() const {
    return ((static_cast<std::size_t>(sort) * filter_sets + filters) * 2 + (after ? 1 : 0)) * 2 + (price_range ? 1 : 0);
  }
};

Shape shape_of(const ProductQuery& query) {
  const bool by_price = order_of(query.sort).key == "price";
  const bool bounded = query.min_price != Amount() || query.max_price != Amount(Amount::max_minor);
  return {.sort = query.sort,
          .filters = indexed_filters(query),
          .after = query.after.has_value(),
          .price_range = by_price && bounded};
}

// $10 the limit, $11 and $12 where the last page ended.
Text list_text(const Shape& shape) {
  const auto& order = order_of(shape.sort);
  const std::string direction = order.descending ? " DESC" : "";
  const std::string key(order.key);
  std::string sql = "SELECT product_id, slug, status, updated_at, etag, body, " + key + " FROM products WHERE " +
                    conditions(shape.filters);
  if (shape.price_range) sql += " AND price >= COALESCE($5, 0) AND price <= COALESCE($6, 99999999.99)";
  if (shape.after) {
    sql += " AND (" + key + ", product_id) " + (order.descending ? "<" : ">") + " ($11::" + std::string(order.type) +
           ", $12::text)";
  }
  sql += " ORDER BY " + key + direction + ", product_id" + direction + " LIMIT $10::bigint";
  return {.name = fmt::format("catalog.list_{}", shape.number()), .sql = std::move(sql)};
}

std::vector<Text> all_list_texts() {
  std::vector<Text> texts;
  for (std::size_t sort = 0; sort < orders.size(); ++sort) {
    for (unsigned filters = 0; filters < Shape::filter_sets; ++filters) {
      for (const bool after : {false, true}) {
        for (const bool price_range : {false, true}) {
          texts.push_back(list_text({static_cast<ProductSort>(sort), filters, after, price_range}));
        }
      }
    }
  }
  return texts;
}

std::vector<Text> all_count_texts() {
  std::vector<Text> texts;
  for (unsigned filters = 0; filters < Shape::filter_sets; ++filters) {
    texts.push_back({.name = fmt::format("catalog.count_{}", filters),
                     .sql = "SELECT count(*) FROM products WHERE " + conditions(filters)});
  }
  return texts;
}

template <class T>
std::optional<T> unless(const T& value, const T& neutral) {
  return value == neutral ? std::nullopt : std::optional<T>(value);
}

}  // namespace

pg::Statement list_statement(const ProductQuery& query) {
  static const std::vector<Text> texts = all_list_texts();
  const auto& text = texts.at(shape_of(query).number());
  return {.name = text.name, .sql = text.sql};
}

pg::Statement count_statement(const ProductQuery& query) {
  static const std::vector<Text> texts = all_count_texts();
  const auto& text = texts.at(indexed_filters(query));
  return {.name = text.name, .sql = text.sql};
}

pg::Params count_parameters(const ProductQuery& query) {
  return pg::Params::of(query.category_id, query.subcategory_id, query.brand, query.tag,
                        unless(query.min_price, Amount()), unless(query.max_price, Amount(Amount::max_minor)),
                        unless(query.min_rating, 0.0), query.featured, query.on_sale);
}

pg::Params list_parameters(const ProductQuery& query) {
  auto params = count_parameters(query);
  params.add(query.limit);
  if (query.after) {
    params.add(std::string(query.after->key));
    params.add(std::string(query.after->id));
  }
  return params;
}

}  // namespace souk::catalog
