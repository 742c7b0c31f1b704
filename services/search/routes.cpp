#include "routes.hpp"

namespace souk::search {

using http::Method, http::NoBody, http::Request;

namespace {

Task<Result<SearchResults>> find_products(Api& search, Request request, SearchProducts query) {
  co_return co_await search.search(request.context, std::move(query));
}

Task<Result<Suggestions>> suggest_words(Api& search, Request request, Suggest query) {
  co_return co_await search.suggest(request.context, std::move(query));
}

}  // namespace

void add_routes(http::Router& router, Api& search) {
  router.add<NoBody, SearchProducts, SearchResults>(
      Method::GET, "/v1/search",
      {.operation_id = "search_products",
       .summary = "Finds products by words, part numbers and filters; facets where asked for",
       .tag = "Search",
       .errors = {"400 request.invalid_cursor", "503 search.not_ready"},
       .ignores_caller = true},
      [&search](Request request, NoBody, SearchProducts query) {
        return find_products(search, std::move(request), std::move(query));
      });
  router.add<NoBody, Suggest, Suggestions>(
      Method::GET, "/v1/search/suggest",
      {.operation_id = "suggest_words",
       .summary = "Words that products' names have and that begin like the last word given",
       .tag = "Search",
       .errors = {"503 search.not_ready"},
       .ignores_caller = true},
      [&search](Request request, NoBody, Suggest query) {
        return suggest_words(search, std::move(request), std::move(query));
      });
}

}  // namespace souk::search
