#include "routes.hpp"

namespace souk::catalog {

// How a page of products looks; the reply itself is put together from stored texts.
struct ProductList {
  std::vector<Product> data;
  bool has_more = false;
  std::optional<std::string> next_cursor;
  std::optional<std::int64_t> total;
};
BOOST_DESCRIBE_STRUCT(ProductList, (), (data, has_more, next_cursor, total))

namespace {

using http::Request, http::Response;

Response document_reply(const Request& request, std::string etag, std::string body) {
  Response response{.status = 200};
  if (http::lists_etag(request.header("If-None-Match"), etag)) {
    response.status = 304;
  } else {
    response.body = std::move(body);
  }
  response.with_header("ETag", std::move(etag));
  return response;
}

Task<Response> get_product(Api& catalog, Request request) {
  auto product = co_await catalog.get_product(request.context, {.id_or_slug = request.parameter("id")});
  if (!product) co_return http::problem(product.error(), request.context.request_id());
  co_return document_reply(request, std::move(product->etag), std::move(product->document.text));
}

Task<Response> list_products(Api& catalog, Request request, ListProducts query) {
  auto page = co_await catalog.list_products(request.context, std::move(query));
  if (!page) co_return http::problem(page.error(), request.context.request_id());
  co_return Response{.body = std::move(page->document.text)};
}

Task<Result<Categories>> list_categories(Api& catalog, Request request, ListCategories query) {
  co_return co_await catalog.list_categories(request.context, std::move(query));
}

Task<Response> get_category(Api& catalog, Request request) {
  const auto category = co_await catalog.get_category(request.context, {.id_or_slug = request.parameter("id")});
  if (!category) co_return http::problem(category.error(), request.context.request_id());
  auto body = json::write(*category);
  auto etag = http::etag_of(body);
  co_return document_reply(request, std::move(etag), std::move(body));
}

}  // namespace

void add_routes(http::Router& router, Api& catalog) {
  using http::Method, http::NoBody, http::NoQuery;
  router.add<NoBody, ListCategories, Categories>(
      Method::GET, "/v1/categories",
      {.operation_id = "list_categories",
       .summary = "All categories, or the children of one, in the order in which to show them.",
       .tag = "Catalog",
       .ignores_caller = true},
      [&catalog](Request request, NoBody, ListCategories query) {
        return list_categories(catalog, std::move(request), std::move(query));
      });
  router.add<NoBody, NoQuery, Category>(
      Method::GET, "/v1/categories/{id}",
      {.operation_id = "get_category",
       .summary = "A category by its id or slug.",
       .tag = "Catalog",
       .errors = {"catalog.category_not_found"},
       .conditional = true},
      [&catalog](Request request, NoBody, NoQuery) { return get_category(catalog, std::move(request)); });
  router.add<NoBody, ListProducts, ProductList>(
      Method::GET, "/v1/products",
      {.operation_id = "list_products",
       .summary = "Products by filters, a page at a time. Category and subcategory by id or slug, brand by name.",
       .tag = "Catalog",
       .errors = {"400 request.invalid_cursor"},
       .ignores_caller = true},
      [&catalog](Request request, NoBody, ListProducts query) {
        return list_products(catalog, std::move(request), std::move(query));
      });
  router.add<NoBody, NoQuery, Product>(
      Method::GET, "/v1/products/{id}",
      {.operation_id = "get_product",
       .summary = "A product by its id or slug.",
       .tag = "Catalog",
       .errors = {"catalog.product_not_found"},
       .conditional = true},
      [&catalog](Request request, NoBody, NoQuery) { return get_product(catalog, std::move(request)); });
}

}  // namespace souk::catalog
